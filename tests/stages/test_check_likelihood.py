"""A check with a table of likelihoods: which molecules are unusual to weights, whatever the shards."""

import filecmp
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from moldiff.config.check import CheckOptions
from moldiff.errors import UserError
from moldiff.scoring.tables import join_tables
from moldiff.stages import check as stage

RESULTS = ("rows.parquet", "rows.csv", "summary.json")


def rows(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / "rows.parquet").to_pylist()
    return found


def likelihoods(folder: Path, *lines: str) -> Path:
    path = folder / "likelihood.csv"
    path.write_text("\n".join(("record,name,nats,nats_per_atom,unusual", *lines)) + "\n")
    return path


def test_likelihoods_say_what_is_unusual_whatever_the_shards(tmp_path: Path) -> None:
    molecules = tmp_path / "molecules.smi"
    molecules.write_text("CCO one\nC(C)(C)(C)(C)C two\nCCN =three\nCCC four\n")
    table = likelihoods(tmp_path, "2,two,9,3.5,True", "1,one,2,1,False", "3,'=three,,,")
    parts = [tmp_path / "0", tmp_path / "1"]
    for shard, part in enumerate(parts):
        stage.check_shard(CheckOptions(), [str(molecules)], shard, 2, part, workers=1)
    stage.merge_checks(CheckOptions(), parts, tmp_path / "merged", likelihood=table)
    stage.check(CheckOptions(), [str(molecules)], tmp_path / "one", likelihood=table, workers=1)
    assert all(filecmp.cmp(tmp_path / "one" / name, tmp_path / "merged" / name, shallow=False) for name in RESULTS)
    assert [row["nats_per_atom"] for row in rows(tmp_path / "one")] == [1, 3.5, None, None]
    assert [row["unusual"] for row in rows(tmp_path / "one")] == [False, True, None, None]
    metrics = json.loads((tmp_path / "one" / "summary.json").read_text())["metrics"]
    assert (metrics["unusual"]["numerator"], metrics["unusual"]["denominator"]) == (1, 2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,other,2,1,False", "record 1 is other, but one in the check"),
        ("1,one,2,much,False", "is not of a table that `moldiff likelihood` made"),
        ("1,one,2,1,0.5", "is not of a table that `moldiff likelihood` made"),
        ("1,one,,,", "has no likelihood in a column nats_per_atom"),
    ],
)
def test_a_table_that_says_no_likelihoods(line: str, message: str, tmp_path: Path) -> None:
    molecules = tmp_path / "molecules.smi"
    molecules.write_text("CCO one\n")
    with pytest.raises(UserError, match=message):
        stage.check(CheckOptions(), [str(molecules)], tmp_path / "out", likelihood=likelihoods(tmp_path, line))


def test_a_table_without_known_molecules_has_no_rate_and_a_ranking_may_add_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    molecules = tmp_path / "molecules.smi"
    molecules.write_text("CCO one\nCCN two\n")
    table = likelihoods(tmp_path, "1,one,2,1,", "2,two,2,1,")
    summary = stage.check(CheckOptions(), [str(molecules)], tmp_path / "out", likelihood=table, workers=1)
    assert "unusual" not in summary.metrics
    assert "made without --known" in capsys.readouterr().err
    found = rows(tmp_path / "out")
    join_tables(found, [likelihoods(tmp_path, "1,one,2,7,True")])
    assert [(row["nats_per_atom"], row["unusual"]) for row in found] == [(1, True), (1, None)]
