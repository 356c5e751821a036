from pathlib import Path

import pytest

from moldiff.config.check import CheckOptions
from moldiff.errors import UserError
from moldiff.stages.check import check
from tests.stages.ranking import rank, read


def table(folder: Path, *lines: str) -> list[str]:
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return [str(folder / "table.csv")]


def test_a_table_adds_columns_to_ask_for_and_to_score_by(checked: Path, tmp_path: Path):
    tables = table(tmp_path, "record,name,dock,unusual", "6,name5,-7.5,false", "5,name4,-9,true", "4,name3,-8,false")
    rank(checked, tmp_path, n=2, tables=tables, filters=["not unusual"], weights={"dock": -1}, diversity=1)
    assert [row["name"] for row in read(tmp_path / "shortlist.csv")] == ["name3", "name5"]
    candidates = read(tmp_path / "candidates.csv")
    assert [row["dock"] for row in candidates] == ["", "", "", "-8.0", "-9.0", "-7.5", "", "", "", ""]
    assert candidates[0]["reason"] == "refused by not unusual: unusual is null"


def test_a_table_by_name_serves_all_records_of_that_name(tmp_path: Path):
    (tmp_path / "some.smi").write_text("CCO one\nCCCO one\nCCCCO 007\n")
    check(CheckOptions(), [str(tmp_path / "some.smi")], tmp_path / "check", workers=1)
    rank(
        tmp_path / "check", tmp_path, n=3, tables=table(tmp_path, "name,dock", "one,-1", "007,-2"), weights={"dock": 1}
    )
    assert [row["dock"] for row in read(tmp_path / "candidates.csv")] == ["-1", "-1", "-2"]


def test_what_the_check_has_stays(checked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rank(checked, tmp_path, n=1, tables=table(tmp_path, "record,qed,dock", "6,0.001,1"), weights={"qed": 1})
    assert "qed: the check has this too, and its values stay" in capsys.readouterr().err
    assert float(read(tmp_path / "candidates.csv")[5]["qed"]) > 0.5


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["dock", "1"], "no column record or name"),
        (["record,dock"], "has no line"),
        (["record,dock", "11,1"], "record 11 does not exist; the check has records 1 to 10"),
        (["record,dock", "one,1"], "record one does not exist"),
        (["record,dock", "1,1", "1,2"], "two lines for record 1"),
        (["record,name,dock", "1,name7,1"], "record 1 is name7, but name0 in the check"),
        (["name,dock", "nobody,1"], "no record of the check is named 'nobody'"),
        (["name,dock", "name1,1", "name1,2"], "two lines for 'name1'"),
        (["record,dock", "1,2,3"], "cannot be read as CSV"),
    ],
)
def test_a_table_of_other_molecules_is_refused(checked: Path, tmp_path: Path, lines: list[str], message: str):
    with pytest.raises(UserError, match=message):
        rank(checked, tmp_path, tables=table(tmp_path, *lines))


def test_a_table_that_is_missing_is_named(checked: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"gone\.csv: cannot be read"):
        rank(checked, tmp_path, tables=[str(tmp_path / "gone.csv")])
