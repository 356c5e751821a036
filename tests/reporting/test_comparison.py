"""The page of `compare`: what it shows, and what is marked as best."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moldiff.reporting.comparison import Cell, difference, lines_of
from moldiff.reporting.comparison_page import comparison_page
from moldiff.scoring.records import (
    CheckSummary,
    DescriptorRecord,
    DistanceRecord,
    HistogramRecord,
    KnownSetRecord,
    rate_record,
)
from moldiff.scoring.sets.statistics import rate

BLANK = CheckSummary(definitions="test", hydrogens="explicit", n_total=0, n_valid=0, n_distinct=0, metrics={})


def described(counts: list[int]) -> dict[str, DescriptorRecord]:
    histogram = HistogramRecord(low=0, width=0.01, counts=counts)
    return {
        "qed": DescriptorRecord(n=sum(counts), mean=None, std=None, p10=None, p50=None, p90=None, histogram=histogram)
    }


def summary(counts: list[int], **more: object) -> CheckSummary:
    return BLANK.model_copy(update={"descriptors": described(counts), **more})


def rates(**counts: tuple[int, int]) -> CheckSummary:
    return BLANK.model_copy(update={"metrics": {name: rate_record(*pair) for name, pair in counts.items()}})


def page_of(summaries: list[CheckSummary], names: list[str], rows: list[pd.DataFrame] | None = None) -> str:
    tables = rows or [pd.DataFrame()] * len(names)
    return comparison_page(names, lines_of(summaries), summaries, tables, [])


def cell_of(numerator: int, denominator: int) -> Cell:
    found = rate(numerator, denominator)
    return Cell(found.value, found.low, found.high, n=denominator)


def marks(summaries: list[CheckSummary], name: str) -> list[str]:
    return next([cell.mark for cell in line.cells] for line in lines_of(summaries) if line.name == name)


def test_an_empty_table_is_left_out_and_names_are_escaped():
    page = page_of([summary([1] * 100), summary([0] * 50 + [2] * 50)], ["<a>", "b"])
    assert "&lt;a&gt;" in page
    assert "<a>" not in page
    assert "<caption>Distances" not in page
    assert page.count("<h3>QED</h3>") == 1
    assert "<script" not in page


def test_sets_without_molecules_have_no_curve():
    page = page_of([summary([0] * 100), summary([0] * 100)], ["a", "b"])
    assert 'class="curve' not in page


def test_few_molecules_in_one_bin_are_drawn():
    assert "dot set1" in page_of([summary([0] * 99 + [1]), summary([0] * 99 + [3])], ["a", "b"])


def test_the_curve_of_a_reference_that_all_share_is_drawn():
    counts = {"records": 1, "valid": 1, "distinct": 1, "profiled": 1}
    descriptors = described([1] * 100)
    known, other = (
        {"reference": KnownSetRecord(path="a", checksum=text, **counts), "reference_descriptors": descriptors}
        for text in "cd"
    )
    same = page_of([summary([1] * 100, **known), summary([2] * 100, **known)], ["a", "b"])
    different = page_of([summary([1] * 100, **known), summary([2] * 100, **other)], ["a", "b"])
    assert 'class="curve reference"' in same
    assert 'class="curve reference"' not in different


def test_molecules_of_each_set_are_drawn():
    rows = pd.DataFrame({"name": ["<i>", "two"], "smiles": ["CCO", "c1ccccc1"], "valid": [True, True]})
    page = page_of([summary([1] * 100)] * 2, ["a", "b"], [rows, rows.assign(valid=[True, False])])
    assert page.count('class="molecule"') == 3
    assert "&lt;i&gt;" in page


def test_the_interval_of_a_difference_is_newcombes():
    # Newcombe 1998, table II, method 10: 56/70 against 48/80 gives 0.0524 to 0.3339, 9/10 against 3/10 0.1705 to 0.8090
    assert difference(cell_of(56, 70), cell_of(48, 80)) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert difference(cell_of(9, 10), cell_of(3, 10)) == pytest.approx((0.1705, 0.8090), abs=1e-4)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 300), st.integers(1, 300))
def test_a_difference_lies_in_its_interval_and_turns_its_sign(a: int, b: int, m: int, n: int):
    one, other = cell_of(min(a, m), m), cell_of(min(b, n), n)
    low, high = difference(one, other) or (1, -1)
    assert low - 1e-12 <= one.value - other.value <= high + 1e-12
    assert difference(other, one) == pytest.approx((-high, -low))


def test_the_best_is_marked_and_what_chance_may_explain():
    sets = [rates(valid=(90, 100), pains=(5, 100)), rates(valid=(88, 100), pains=(40, 100)),
            rates(valid=(50, 100), pains=(6, 100))]  # fmt: skip
    assert marks(sets, "valid") == ["best", "like best", "worse"]
    assert marks(sets, "pains") == ["best", "worse", "like best"]


def test_no_set_is_best_where_all_are_alike_or_neither_more_nor_less_is_better():
    assert marks([rates(valid=(9, 9)), rates(valid=(8, 8))], "valid") == ["", ""]
    assert marks([rates(new_ring_system=(9, 9)), rates(new_ring_system=(1, 8))], "new_ring_system") == ["", ""]


def test_distances_within_their_noise_floor_are_alike():
    counts = {"n": 1, "reference_n": 1, "noise_floor_n": 1, "covered": None}
    distances = [
        DistanceRecord(kind="W1", unit="", value=value, noise_floor=0.01, **counts) for value in (0.02, 0.025, 0.5)
    ]
    sets = [BLANK.model_copy(update={"distances": {"qed": one}}) for one in distances]
    assert marks(sets, "qed (W1)") == ["best", "like best", "worse"]


def test_tables_have_a_title_in_every_column_and_a_label_of_their_own() -> None:
    """What a screen reader goes by; found by axe-core."""
    page = page_of([rates(valid=(9, 10)), rates(valid=(8, 10))], ["one", "other"])
    assert '<th scope="col">' in page
    assert '<th scope="col"></th>' not in page
    labels = [label.lower() for label in re.findall(r'role="region" aria-label="([^"]*)"', page)]
    titles = [title.lower() for title in re.findall(r"<h2[^>]*>([^<]*)</h2>", page)]
    assert labels
    assert len({*labels, *titles}) == len(labels) + len(titles)


def test_intervals_and_noise_floors_stand_below_their_numbers_and_units_beside() -> None:
    counts = {"n": 1, "reference_n": 1, "noise_floor_n": 1, "covered": None}
    angles = DistanceRecord(kind="JS", unit="degree", value=-0.5, noise_floor=0.25, **counts)
    sets = [one.model_copy(update={"distances": {"bond_angles_js": angles}}) for one in (rates(valid=(9, 10)), BLANK)]
    page = page_of(sets, ["one", "other"])
    assert '>90.0\u202f%<span class="more">59.6 to 98.2, of 10</span></td>' in page
    assert '>Bond angles<span class="meaning">Jensen-Shannon distance</span></th>' in page
    assert '>−0.5°<span class="more">floor 0.25</span></td>' in page
