"""Relaxation by GFN2-xTB on the way into a data set, and what keeps a changed molecule out of it."""

import importlib.util

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from moldiff.chemistry.gfn2 import COLUMNS, LOOSE, NORMAL, electronic, energy, keeps_bonds, minimise, relaxed
from moldiff.chemistry.hydrogens import with_hydrogens
from moldiff.chemistry.parsing import Rejected
from moldiff.config.featurize import FeaturizeOptions
from moldiff.dataset.properties import read_columns
from moldiff.dataset.storage import open_dataset
from moldiff.errors import UserError
from moldiff.stages.featurize import featurize

needs_tblite = pytest.mark.skipif(importlib.util.find_spec("tblite") is None, reason="the extra xtb is not installed")


def embedded(smiles: str, conformers: int = 1) -> Chem.Mol:
    """Conformers with hydrogens."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert len(rdDistGeom.EmbedMultipleConfs(mol, conformers, randomSeed=1)) == conformers
    return mol


def test_added_hydrogens_leave_the_heavy_atoms_where_they_were() -> None:
    mol = embedded("CC(=O)NC1CC1", conformers=2)
    heavy = Chem.RemoveHs(mol)
    whole = with_hydrogens(heavy)
    assert whole.GetNumAtoms() == mol.GetNumAtoms()
    for conformer in range(2):
        before, after = (m.GetConformer(conformer).GetPositions()[: heavy.GetNumAtoms()] for m in (heavy, whole))
        assert np.array_equal(before, after)
        assert keeps_bonds(whole, whole.GetConformer(conformer).GetPositions())


@pytest.mark.parametrize(
    "smiles", ["C1CC1", "C12CC(C1)C2", "ClC(Cl)(Cl)Cl", "OS(=O)(=O)O", "[O-][N+](=O)c1ccccc1I", "C#C", "[H][H]"]
)
def test_real_bonds_are_kept(smiles: str) -> None:
    mol = embedded(smiles)
    assert keeps_bonds(mol, mol.GetConformer().GetPositions())


def test_a_stretched_and_a_new_bond_are_seen() -> None:
    methane = embedded("C")
    positions = methane.GetConformer().GetPositions()
    away, near = positions.copy(), positions.copy()
    away[1] = positions[0] + 1.5 * (positions[1] - positions[0])
    near[2] = positions[1] + 0.6 * (positions[2] - positions[1]) / np.linalg.norm(positions[2] - positions[1])
    assert not keeps_bonds(methane, away)
    assert not keeps_bonds(methane, near)


@needs_tblite
def test_a_relaxed_structure_has_nothing_left_to_relax() -> None:
    mol = embedded("CC(=O)Nc1ccccc1", conformers=2)
    lowered, positions = minimise(mol, 1, NORMAL)
    assert lowered > 1
    mol.GetConformer(1).SetPositions(positions)
    assert minimise(mol, 1, NORMAL)[0] < 0.05
    assert minimise(mol, 0, LOOSE)[0] <= minimise(mol, 0, NORMAL)[0]


@needs_tblite
def test_a_relaxation_lowers_the_energy_by_what_it_says() -> None:
    mol = embedded("CCO")
    before = energy(mol)
    drop, positions = minimise(mol)
    mol.GetConformer().SetPositions(positions)
    assert drop > 0.5
    assert before - energy(mol) == pytest.approx(drop, abs=1e-3)
    assert energy(mol) == pytest.approx(-11.39 * 627.51, abs=30)  # ethanol by GFN2-xTB, hartree


@needs_tblite
def test_fixed_atoms_stay_and_the_others_reach_their_own_minimum() -> None:
    mol = embedded("CO")
    best = minimise(mol)[1]
    moved = best.copy()
    moved[2] += 0.1 * (best[2] - best[0]) / np.linalg.norm(best[2] - best[0])  # one C-H bond is too long
    mol.GetConformer().SetPositions(moved)
    assert minimise(mol, fixed=range(mol.GetNumAtoms()))[0] == pytest.approx(0, abs=1e-3)
    lowered, after = minimise(mol, fixed=[0, 1])
    assert np.array_equal(after[:2], moved[:2])
    assert after[2:] == pytest.approx(best[2:], abs=0.01)
    assert lowered == pytest.approx(minimise(mol)[0], abs=0.05)


@needs_tblite
def test_featurize_relaxes_made_and_given_conformers(tmp_path) -> None:
    given = tmp_path / "given.sdf"
    with Chem.SDWriter(str(given)) as writer:
        writer.write(Chem.RemoveHs(embedded("CC(=O)Nc1ccccc1")))
    drawn = tmp_path / "drawn.smi"
    drawn.write_text("CCOC\nCC(N)C(=O)O\n")
    sets = {}
    for relax in ("none", "gfn2"):
        options = FeaturizeOptions(inputs=[str(given), str(drawn)], relax=relax, split="random", valid_fraction=0)
        featurize(options, tmp_path / relax, workers=1)
        sets[relax] = open_dataset(tmp_path / relax, verify=True)
    assert sets["none"].table().column("smiles") == sets["gfn2"].table().column("smiles")
    before, after = (sets[relax].molecules for relax in ("none", "gfn2"))
    assert np.array_equal(before.sizes, after.sizes)
    moved = np.linalg.norm(after.positions - before.positions, axis=1)
    for number, end in enumerate(np.cumsum(after.sizes)):
        assert 0.005 < moved[end - after.sizes[number] : end].max() < 1


@needs_tblite
def test_a_proton_that_moves_is_rejected() -> None:
    glycine = embedded("[NH3+]CC(=O)[O-]")  # no zwitterion without water
    with pytest.raises(Rejected, match="breaks or makes a bond"):
        relaxed(glycine)


def test_without_tblite_nothing_is_begun(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == "tblite" else find(name, *rest))
    (tmp_path / "drawn.smi").write_text("CCO\n")
    for asked in ({"relax": "gfn2"}, {"gfn2_columns": True}):
        with pytest.raises(UserError, match=r"moldiff\[xtb\]"):
            featurize(FeaturizeOptions(inputs=[str(tmp_path / "drawn.smi")], **asked), tmp_path / "set", workers=1)


def test_an_element_that_does_not_exist_is_named(tmp_path) -> None:
    (tmp_path / "drawn.smi").write_text("CCO\n")
    with pytest.raises(UserError, match="'H,C'"):
        featurize(FeaturizeOptions(inputs=[str(tmp_path / "drawn.smi")], elements=["H,C"]), tmp_path / "set", workers=1)


@needs_tblite
def test_dipoles_and_orbitals_are_those_that_are_known() -> None:
    """Water has about 2.2 D by GFN2 (1.85 by experiment), benzene none, and a turned molecule the same."""
    water = electronic(embedded("O"))
    assert water.dipole == pytest.approx(2.2, abs=0.15)
    assert water.homo < water.lumo
    assert water.gap == pytest.approx(water.lumo - water.homo)
    assert electronic(embedded("c1ccccc1")).dipole < 0.05
    amide = embedded("CC(=O)NC")
    before = electronic(amide)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    amide.GetConformer().SetPositions(amide.GetConformer().GetPositions() @ rotation + 3)
    assert electronic(amide) == pytest.approx(before, abs=1e-4)


@needs_tblite
def test_radicals_and_ions_have_their_electrons() -> None:
    """A nitroxide's single electron is in an occupied orbital; an anion's are bound less than its acid's."""
    assert electronic(embedded("CN(C)[O]")).gap > 0
    assert electronic(embedded("CC(=O)[O-]")).homo > electronic(embedded("CC(=O)O")).homo + 2


@needs_tblite
def test_featurize_adds_columns_of_each_conformer(tmp_path) -> None:
    given = tmp_path / "given.sdf"
    mol = embedded("CC(=O)Nc1ccccc1")
    mol.SetProp("gfn2_gap", "my own")
    with Chem.SDWriter(str(given)) as writer:
        writer.write(mol)
    drawn = tmp_path / "drawn.smi"
    drawn.write_text("CCOC\n[He]\n")
    options = FeaturizeOptions(
        inputs=[str(given), str(drawn)], gfn2_columns=True, conformers=2, split="random", valid_fraction=0,
        elements=["C", "N", "O", "He"],
    )  # fmt: skip
    info = featurize(options, tmp_path / "set", workers=1)
    dataset = open_dataset(tmp_path / "set", verify=True)
    table = dataset.table().to_pydict()
    columns = read_columns(dataset, COLUMNS, {})
    assert table["input_gfn2_gap"][0] == "my own"
    for name in COLUMNS:
        assert columns[name].dtype == np.float64
        assert np.isfinite(columns[name][:3]).all()
    assert np.allclose(columns["gfn2_gap"], columns["gfn2_lumo"] - columns["gfn2_homo"], equal_nan=True)
    assert columns["gfn2_dipole"][0] == pytest.approx(electronic(mol).dipole, abs=0.01)
    assert columns["gfn2_dipole"][1] != columns["gfn2_dipole"][2]
    assert info["conformers"] == len(columns["gfn2_gap"])


@needs_tblite
def test_what_has_no_single_point_stays_with_empty_columns(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(mol: Chem.Mol, conformer: int = -1) -> None:
        raise RuntimeError("SCF not converged")

    monkeypatch.setattr("moldiff.chemistry.gfn2.electronic", refuse)
    (tmp_path / "drawn.smi").write_text("CCO\n")
    options = FeaturizeOptions(inputs=[str(tmp_path / "drawn.smi")], gfn2_columns=True)
    assert featurize(options, tmp_path / "set", workers=1)["conformers"] == 1
    assert "gfn2_gap" not in open_dataset(tmp_path / "set").table().column_names
