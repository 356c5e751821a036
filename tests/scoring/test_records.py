"""A summary is read as it was written; what is not a summary says what to do."""

import json
from pathlib import Path

import pytest

from moldiff.errors import UserError
from moldiff.scoring.records import CheckSummary, rate_record

SUMMARY = {
    "definitions": "moldiff-check-2",
    "hydrogens": "implicit",
    "n_total": 2,
    "n_valid": 1,
    "n_distinct": 1,
    "metrics": {
        "valid": rate_record(1, 2).model_dump(exclude_unset=True),
        "reasonable": rate_record(0, 1, 0.8).model_dump(exclude_unset=True),
    },
    "values": {"circles": {"value": 1, "n": 1}, "internal_diversity": {"value": 0.5, "pairs": 3, "n": 3}},
    "train": None,
}


def test_what_is_read_is_what_was_written(tmp_path: Path):
    (tmp_path / "summary.json").write_text(json.dumps(SUMMARY))
    summary = CheckSummary.read(tmp_path)
    assert json.dumps(summary.written(), sort_keys=True) == json.dumps(SUMMARY, sort_keys=True)
    assert summary.metrics["valid"].reference is None
    assert summary.metrics["reasonable"].reference == 0.8


def test_what_a_newer_version_adds_is_left_out(tmp_path: Path):
    (tmp_path / "summary.json").write_text(json.dumps({**SUMMARY, "later": 1}))
    assert "later" not in CheckSummary.read(tmp_path).written()


@pytest.mark.parametrize(
    ("content", "place"),
    [({}, "definitions"), ({**SUMMARY, "metrics": {"valid": {"numerator": "x"}}}, "metrics.valid")],
)
def test_what_is_no_summary_is_named(tmp_path: Path, content: dict, place: str):
    (tmp_path / "summary.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf"not a summary of .*{place}.*run `moldiff check` again"):
        CheckSummary.read(tmp_path)
