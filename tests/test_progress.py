import io
import sys

import pytest

from moldiff.progress import Progress


def test_a_log_has_a_line_a_minute_with_count_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    now = iter(range(0, 10_000, 10))
    with Progress("featurize", "records", 600, clock=lambda: float(next(now))) as progress:
        for _ in range(30):
            progress.update(5, "4 molecules")
    lines = log.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0] == "featurize: 30 of 600 records, 4 molecules, 0.5 records/s, 19 min left"
    assert lines[-1] == "featurize: 150 of 600 records, 4 molecules, 0.5 records/s, 15 min left"


def test_without_a_total_no_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    now = iter((0.0, 61.0, 61.5))
    assert list(Progress("check", "records", clock=lambda: next(now)).over("ab")) == ["a", "b"]
    assert log.getvalue() == "check: 1 records, 0.0164 records/s\n"
