"""Every metric is declared once, and its row counts are those of its meaning."""

from pathlib import Path

import pytest

from moldiff.config.check import CheckOptions
from moldiff.scoring.columns import ROW_COLUMNS
from moldiff.scoring.metrics import DESCRIPTORS, METRICS, VALUES
from moldiff.scoring.molecule.flags import GROUP_FLAGS
from moldiff.scoring.molecule.rings import TOPOLOGY_FLAGS
from moldiff.scoring.questions import QUESTIONS

COUNTED = {metric.name: metric.counts for metric in METRICS if metric.counts is not None}
INVALID = {column.name: None for column in ROW_COLUMNS} | {"valid": False, "readable": False}
VALID = INVALID | {"valid": True, "duplicate": False, "_composition": {"ring_sizes": {}}}
METRICS_PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("declared", [METRICS, VALUES, DESCRIPTORS, ROW_COLUMNS])
def test_names_are_distinct(declared):
    names = [one.name for one in declared]
    assert len(set(names)) == len(names)


def test_descriptors_and_answers_are_columns():
    columns = {column.name for column in ROW_COLUMNS}
    assert {descriptor.name for descriptor in DESCRIPTORS} <= columns
    assert {column.name for question in QUESTIONS for column in question.columns} <= columns


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_a_question_is_asked_by_its_option_and_answers_with_its_columns(question):
    assert getattr(CheckOptions(), question.name) == 0
    assert set(question.lost("gave up")) == {column.name for column in question.columns}
    assert {value.name for value in question.values} <= {column.name for column in question.columns}


@pytest.mark.parametrize("name", COUNTED)
def test_what_a_row_adds_is_a_share(name):
    for row in (INVALID, VALID, VALID | {"duplicate": True}):
        counted, of = COUNTED[name](row)
        assert 0 <= counted <= of <= 1


@pytest.mark.parametrize(
    ("name", "row", "share"),
    [
        ("atom_stability", INVALID | {"atoms": 5, "stable_atoms": 3}, (3, 5)),
        ("uniqueness", VALID | {"duplicate": True}, (0, 1)),
        ("novelty", VALID | {"novel": True}, (1, 1)),
        ("novelty", VALID | {"novel": True, "duplicate": True}, (0, 0)),
        ("vun", INVALID, (0, 1)),
        ("pb_valid", VALID | {"pb_valid": False}, (0, 1)),
        ("pb_valid_of_all", VALID, (0, 0)),
        ("pb_valid_of_all", INVALID, (0, 1)),
        ("reasonable", VALID | {"reasonable": True}, (1, 1)),
        ("chembl_ring_below_5", VALID | {"chembl_rings": 4}, (1, 1)),
        ("chembl_ring_below_5", VALID | {"chembl_rings": 5}, (0, 1)),
        ("ring_of_seven", VALID | {"_composition": {"ring_sizes": {"7": 1}}}, (1, 1)),
        ("strain_coverage", VALID | {"valid_strict": True, "strain_reason": "no parameters"}, (0, 1)),
        ("strain_coverage", VALID | {"valid_strict": False, "strain_rmsd": 0.1}, (0, 0)),
        ("pains", VALID | {"pains": 2}, (1, 1)),
        ("unusual", INVALID | {"unusual": True}, (1, 1)),
        ("unusual", VALID, (0, 0)),
    ],
)
def test_known_rows(name, row, share):
    assert COUNTED[name](row) == share


def test_the_page_of_metrics_is_made_from_what_is_declared():
    for metric in METRICS:
        assert f"| {metric.name} | {metric.title} | {metric.meaning} | {metric.of} |" in METRICS_PAGE
    for value in VALUES:
        assert f"| {value.name} | {value.title} | {value.meaning} |" in METRICS_PAGE
    for column in ROW_COLUMNS:
        assert f"| {column.name} | {column.kind} | {column.meaning} |" in METRICS_PAGE
    for name, meaning in TOPOLOGY_FLAGS.items():
        assert f"| {name} | {meaning} |" in METRICS_PAGE
    for flag in GROUP_FLAGS:
        assert f"| {flag.name} | {flag.meaning} | `{flag.smarts}` |" in METRICS_PAGE
