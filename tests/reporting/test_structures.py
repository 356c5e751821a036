"""Structures of the table and pictures: true to the records, and foreign molecules harm nothing but themselves."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from moldiff.chemistry.formats.records import Record
from moldiff.reporting import pictures, structures
from moldiff.reporting.pictures import Request, draw, draw_all
from moldiff.reporting.structures import HIDDEN, Query


def record(smiles: str, name: str = "m", **properties: str) -> Record:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    mol.SetProp("_Name", name)
    return Record("made.sdf", 1, Chem.MolToMolBlock(mol), "sdf", name, properties)


def packed(*records: Record) -> structures.Structures:
    return structures.structures([Query(place, each, "") for place, each in enumerate(records)], len(records))


def test_positions_bonds_and_charges_are_those_of_the_record():
    one, two = record("C[N+](C)(C)CC(=O)[O-]"), record("C#CC=O")
    found = packed(one, two).arrays
    mols = [Chem.MolFromMolBlock(each.text, removeHs=False) for each in (one, two)]
    assert found["atoms"].tolist() == [mol.GetNumAtoms() for mol in mols]
    positions = np.concatenate([mol.GetConformer().GetPositions() for mol in mols])
    assert np.abs(found["position"].reshape(-1, 3) * 0.001 - positions).max() <= 0.00051
    assert found["charge"].tolist() == [atom.GetFormalCharge() for mol in mols for atom in mol.GetAtoms()]
    assert found["order"].tolist() == [int(bond.GetBondTypeAsDouble()) for mol in mols for bond in mol.GetBonds()]


def test_hydrogens_are_in_the_labels_of_a_drawing():
    found = packed(record("OCC")).arrays
    shown = found["flat"].reshape(-1, 2)[:, 0] != HIDDEN
    assert shown.tolist() == [number != 1 for number in found["element"]]
    assert found["hydrogens"][shown].tolist() == [1, 2, 3]


def test_wedges_begin_at_a_stereocentre():
    found = packed(record("C[C@H](F)Cl")).arrays
    (wedge,) = np.flatnonzero(found["wedge"])
    assert found["begin"][wedge] == 1


def test_a_molecule_larger_than_32_angstroms_keeps_its_shape():
    text = record("C").text
    far = text.replace(text.splitlines()[4][:10], "  100.0000", 1)
    found = packed(Record("made.sdf", 1, far, "sdf")).arrays
    assert found["position"][0] * found["unit"][0] == pytest.approx(100.0, abs=0.003)


def test_without_a_record_the_smiles_is_drawn_and_without_both_it_is_missing():
    found = structures.structures([Query(0, None, "CCO"), Query(1, None, "C1CC")], 3)
    assert found.arrays["atoms"].tolist() == [3, 0, 0]
    assert found.flat_only == 1
    assert found.missing == {"cannot be read": 1, "not found in the files that were checked": 1}


def test_given_atoms_are_marked_on_paper_and_in_space():
    marked = record("OCC", moldiff_given_atoms="1, 3,99,x")
    assert packed(marked).arrays["given"].tolist()[:3] == [1, 0, 1]
    colours = [{shape.fill for shape in draw(Request("d", "OCC", each)).shapes} for each in (marked, record("OCC"))]
    assert any(colour.upper().startswith("#FFB") for colour in colours[0])
    assert not any(colour.upper().startswith("#FFB") for colour in colours[1])


def test_the_result_does_not_depend_on_the_number_of_processes(monkeypatch: pytest.MonkeyPatch):
    records = [record(smiles) for smiles in ("CCO", "c1ccccc1", "CC(=O)N", "C", "[O-]C=O") * 30]
    monkeypatch.setattr(structures, "default_workers", lambda: 1)
    one = packed(*records).arrays
    monkeypatch.setattr(structures, "default_workers", lambda: 3)
    three = packed(*records).arrays
    assert all(np.array_equal(one[name], three[name]) for name in one)


def everybody_bound(count: int) -> Record:
    """A molecule in which every atom is bound to every other, which crashed the report."""
    atoms = [f"M  V30 {i} C {i % 10} {i // 10 % 10} {i // 100} 0" for i in range(1, count + 1)]
    pairs = [(i, j) for i in range(1, count + 1) for j in range(i + 1, count + 1)]
    bonds = [f"M  V30 {k} 1 {i} {j}" for k, (i, j) in enumerate(pairs, start=1)]
    lines = ["all", "     RDKit          3D", "", "  0  0  0  0  0  0  0  0  0  0999 V3000", "M  V30 BEGIN CTAB",
             f"M  V30 COUNTS {count} {len(bonds)} 0 0 0", "M  V30 BEGIN ATOM", *atoms, "M  V30 END ATOM",
             "M  V30 BEGIN BOND", *bonds, "M  V30 END BOND", "M  V30 END CTAB", "M  END", ""]  # fmt: skip
    return Record("made.sdf", 1, "\n".join(lines), "sdf", "all")


def test_a_molecule_of_very_many_bonds_is_left_out_and_said():
    heavy = everybody_bound(200)
    found = packed(record("CCO"), heavy, record("CC"))
    assert found.arrays["atoms"].tolist() == [9, 0, 8]
    assert found.missing == {"more than 400 atoms or 600 bonds": 1}
    good, bad = draw_all([Request("good", "CCO"), Request("bad", record=heavy)])
    assert good.shapes
    assert bad.problem == "not drawn: more than 600 bonds"


@pytest.mark.parametrize(("deed", "message"), [("hang", "timeout"), ("crash", "crash")])
def test_what_hangs_or_crashes_costs_only_itself(deed: str, message: str, monkeypatch: pytest.MonkeyPatch):
    real = pictures.read

    def read(given: Record) -> Chem.Mol | None:
        if given.name == "hang":
            time.sleep(60)
        if given.name == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        return real(given)

    for module in (pictures, structures):
        monkeypatch.setattr(module, "read", read)
        monkeypatch.setattr(module, "SECONDS", 2.0)
    records = [record("CCO"), record("CCN", deed), record("CC")]
    found = packed(*records)
    assert found.arrays["atoms"].tolist() == [9, 0, 8]
    assert sum(found.missing.values()) == 1
    drawings = draw_all([Request("d", record=each) for each in records])
    assert [bool(drawing.shapes) for drawing in drawings] == [True, False, True]
    assert message in drawings[1].problem


def test_a_record_that_is_no_molecule_is_no_molecule(tmp_path: Path):
    broken = Record("made.sdf", 1, "nothing\n\n\nno counts\n", "sdf")
    assert packed(broken).missing == {"cannot be read": 1}
    assert "cannot be read" in draw(Request("d", record=broken)).problem
