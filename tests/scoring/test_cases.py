"""Files as people have them, scored: the verdict that a chemist gives each record."""

from pathlib import Path

import pytest

from moldiff.chemistry.formats.records import read_records
from moldiff.config.check import CheckOptions
from moldiff.config.rank import RankOptions
from moldiff.scoring.score import Row, Task, score
from moldiff.stages.check import check
from moldiff.stages.rank import rank

CASES = Path(__file__).parent.parent / "data" / "cases"


def rows(name: str) -> dict[str, Row]:
    return {record.name: score(Task(1, record)) for record in read_records([CASES / name])}


def test_aromatic_bonds_with_hydrogens_are_stable():
    found = rows("aromatic4_h.sdf")
    assert len(found) == 5
    assert all(row["_strict"] and row["_stable_explicit"] == row["atoms"] for row in found.values())


def test_aromatic_bonds_without_hydrogens_are_as_far_as_they_say_how():
    found = rows("aromatic4_noh.sdf")
    assert {name for name, row in found.items() if row["valid"]} == {"phenol", "pyridine", "pyridinium"}
    refused = [row for row in found.values() if not row["valid"]]
    assert len(refused) == 4
    assert all("Can't kekulize" in str(row["reasons"]) for row in refused)


def test_bonds_without_an_order_are_not_strict():
    found = rows("bond_types.sdf")
    assert len(found) == 7
    for name, row in found.items():
        assert ("bond without an order" in str(row["reasons"]) and not row["_strict"]) or name == "bond9"  # dative


def test_radicals_are_valid_and_not_strict():
    found = rows("radicals.sdf")
    assert [row["smiles"] for row in found.values()] == ["[CH2]C", "CC1(C)CCCC(C)(C)N1[O]"]
    assert all(row["valid"] and row["reasons"] == "radical electrons" for row in found.values())


def test_a_molecule_without_inchi_is_scored():
    found = rows("inchi_fail.smi")
    assert len(found) == 4
    assert all(row["valid"] for row in found.values())
    assert found["azanyl"]["inchikey_block"] is None
    assert found["ok"]["inchikey_block"] == "LFQSCWFLJHTTHZ"


@pytest.mark.parametrize("name", ["rank_dative.smi", "rank_quadruple.smi"])
def test_an_odd_bond_does_not_cost_the_ranking(tmp_path: Path, name: str):
    check(CheckOptions(), [str(CASES / name)], tmp_path / "check", workers=1)
    result = rank(tmp_path / "check", tmp_path / "rank", RankOptions(n=3, filters=["not duplicate"], diversity=1))
    assert result["records"] == 3
    text = (tmp_path / "rank" / "shortlist.sdf").read_text()
    assert "ethanol" in text
    assert "phenol" in text
    lines = (tmp_path / "rank" / "candidates.csv").read_text().splitlines()
    assert len(lines) == 4
