"""Every verdict that was written by hand is the one that the code gives."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.scoring.molecule.validity import is_strict
from moldiff.scoring.score import Task, score
from moldiff.scoring.sets.summary import finish_row, take_census
from tests.scoring import handmade

COLUMNS = ("readable", "sanitizable", "connected", "valid", "valid_strict", "stable")


def finished(record: Record, policy: str) -> dict:
    row = score(Task(1, record))
    row = {"atoms": None, "_key": 0, **row}
    one = np.array([True])
    census = take_census(policy, one, np.array([row["valid"]]), np.array([row["_key"]], dtype=np.uint64), None)
    finish_row(row, 0, census)
    return row


def verdict(row: dict) -> str:
    return "".join(str(int(row[column])) for column in COLUMNS)


def agrees(found: str, expected: str) -> bool:
    return all(a == b or b == "?" for a, b in zip(found, expected, strict=True))


def test_there_are_enough_of_them():
    assert len(handmade.SMILES) + len(handmade.STRUCTURES) + len(handmade.XYZ) + len(handmade.SAME) >= 120


@pytest.mark.parametrize("name", handmade.SMILES)
def test_smiles(name):
    text, expected = handmade.SMILES[name]
    row = finished(Record("by hand", 1, text, "smiles"), "implicit")
    assert verdict(row) == expected, row["reasons"]
    assert (row["reasons"] == "") == bool(row["valid_strict"])


@pytest.mark.parametrize("name", handmade.SMILES)
def test_one_question_is_answered_as_by_the_check(name):
    text, expected = handmade.SMILES[name]
    written = Chem.MolFromSmiles(text, sanitize=False)
    if written is None or any(atom.GetAtomicNum() == 0 or atom.GetIsAromatic() for atom in written.GetAtoms()):
        pytest.skip("no model makes it: dummy atoms, aromatic bonds")
    assert is_strict(written) == (expected[COLUMNS.index("valid_strict")] == "1")


@pytest.mark.parametrize("key", handmade.SAME)
def test_spellings_of_one_molecule_share_a_key(key):
    rows = [finished(Record("by hand", 1, text, "smiles"), "implicit") for text in handmade.SAME[key]]
    assert {row["key"] for row in rows} == {key}
    assert len({row["inchikey_block"] for row in rows}) == 1


@pytest.mark.parametrize("name", handmade.STRUCTURES)
def test_structures(name, tmp_path: Path):
    text, expected, pose = handmade.STRUCTURES[name]
    path = tmp_path / "one.sdf"
    path.write_text(text)
    (record,) = read_records([path])
    row = finished(record, "explicit")
    assert agrees(verdict(row), expected), (verdict(row), row["reasons"])
    if pose is not None:
        found = "".join("-" if row.get(name) is None else str(int(row[name])) for name in ("pb_valid", "sane"))
        assert agrees(found, pose), (found, row.get("pb_failed"), row.get("sanity_failed"))


@pytest.mark.parametrize("name", handmade.XYZ)
def test_xyz(name, tmp_path: Path):
    text, expected = handmade.XYZ[name]
    path = tmp_path / "one.xyz"
    path.write_text(text)
    (record,) = read_records([path])
    row = finished(record, "explicit")
    assert verdict(row) == expected, row["reasons"]


def test_what_rdkit_refuses_midway_costs_one_row(monkeypatch):
    def refuse(mol):
        raise RuntimeError("Invariant violation\nmany lines")

    monkeypatch.setattr("moldiff.scoring.score.stable_atoms", refuse)
    row = score(Task(1, Record("by hand", 1, "C", "smiles")))
    assert row["reasons"] == "cannot be scored: RuntimeError: Invariant violation"
    assert row["readable"] is False


def test_a_complaint_cut_within_a_character_is_an_unreadable_record():
    row = score(Task(1, Record("by hand", 1, "C" * 200 + "é" * 200 + "(", "smiles")))
    assert not row["readable"]
    assert "unreadable SMILES" in row["reasons"]


def test_a_sulfoxide_has_the_same_key_from_bonds_and_from_positions():
    cases = Path(__file__).parents[1] / "data" / "cases"
    keys = {
        name: [score(Task(1, record))["key"] for record in read_records([str(cases / f"sulfoxide_dev.{name}")])]
        for name in ("sdf", "xyz")
    }
    assert keys["sdf"] == keys["xyz"] == ["CS(=O)c1ccccc1"]
