"""The order of the table: which molecules come first."""

from pathlib import Path

import pandas as pd

from moldiff.reporting.evidence import Evidence
from moldiff.reporting.selection import by_quality


def order(**columns: list[object]) -> list[int]:
    return by_quality(Evidence(output=Path("report.html"), rows=pd.DataFrame(columns)))


def test_distinct_valid_ones_come_first_then_novel_sound_and_reasonable_ones_then_by_qed():
    assert order(
        valid=[False, True, True, True, True, True, True],
        duplicate=[None, True, False, False, False, False, False],
        novel=[None, True, False, True, True, True, True],
        pb_valid=[None, True, True, False, True, True, True],
        reasonable=[None, True, True, True, False, True, True],
        qed=[None, 0.9, 0.9, 0.9, 0.9, 0.1, 0.2],
    ) == [6, 5, 4, 3, 2, 1, 0]


def test_what_is_not_known_of_any_does_not_count():
    assert order(valid=[True, True], qed=[0.1, 0.2]) == [1, 0]
    assert order(index=[1, 2, 3]) == [0, 1, 2]
