"""Strain: none in a minimum, much in a bent molecule, and a reason where there is no number."""

import math

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers
from scipy.spatial.transform import Rotation

from moldiff.scoring.molecule.strain import displacement, strain


def relaxed(smiles: str) -> Chem.Mol:
    """A molecule in an MMFF94s minimum."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=5) == 0
    assert rdForceFieldHelpers.MMFFOptimizeMolecule(mol, "MMFF94s", maxIters=5000) == 0
    return mol


def test_a_minimum_has_no_strain() -> None:
    for smiles in ("CCO", "CC(=O)Nc1ccccc1", "C[N+](C)(C)CC(=O)[O-]"):
        found = strain(relaxed(smiles))
        assert found.energy == pytest.approx(0, abs=0.01)
        assert found.rmsd == pytest.approx(0, abs=0.01)
        assert (found.reason, found.added_hydrogens) == (None, 0)


def test_strain_is_the_energy_above_the_minimum() -> None:
    mol = relaxed("c1ccccc1")
    before = mol.GetConformer().GetPositions()
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, "MMFF94s")
    low = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties).CalcEnergy()
    mol.GetConformer().SetPositions(before * 1.03)
    high = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties).CalcEnergy()
    found = strain(mol)
    assert found.energy == pytest.approx(high - low, abs=0.01)
    assert found.rmsd == pytest.approx(
        0.03 * np.linalg.norm(before[:6] - before[:6].mean(axis=0), axis=1).mean(), abs=1e-3
    )
    np.testing.assert_array_equal(mol.GetConformer().GetPositions(), before * 1.03)


def test_implicit_hydrogens_are_added_and_cost_nothing() -> None:
    whole = relaxed("CC(=O)NCCO")
    found = strain(Chem.RemoveHs(whole))
    assert found.added_hydrogens == 9
    assert found.energy is not None
    assert found.energy < 5  # hydrogens turn to the side they find first, heavy atoms are in their minimum


def test_reasons() -> None:
    ethanol = relaxed("CCO")
    broken = Chem.Mol(ethanol)
    broken.GetConformer().SetAtomPosition(0, (math.nan, 0, 0))
    borane = Chem.AddHs(Chem.MolFromSmiles("CB(C)C"))
    rdDistGeom.EmbedMolecule(borane, randomSeed=1)
    apart = Chem.AddHs(Chem.MolFromSmiles("C.C"))
    rdDistGeom.EmbedMolecule(apart, randomSeed=1)
    for mol, reason in (
        (Chem.Mol(), "no coordinates"),
        (Chem.MolFromSmiles("CC"), "no coordinates"),
        (broken, "coordinates not finite"),
        (borane, "no MMFF94s parameters"),
        (apart, "not connected"),
    ):
        found = strain(mol)
        assert (found.energy, found.rmsd, found.reason) == (None, None, reason)


def test_coincident_atoms_do_not_raise() -> None:
    mol = relaxed("CCO")
    mol.GetConformer().SetPositions(np.zeros((mol.GetNumAtoms(), 3)))
    found = strain(mol)
    assert (found.energy is None) == (found.reason is not None)


def test_displacement_ignores_place_and_orientation() -> None:
    mol = relaxed("CC(=O)Nc1ccccc1")
    x = mol.GetConformer().GetPositions()
    turn = Rotation.from_euler("xyz", [20, 130, 250], degrees=True).as_matrix()
    assert displacement(mol, x, x @ turn.T + [1, 2, 3]) == pytest.approx(0, abs=1e-6)
    assert displacement(mol, x, x * [1, 1, -1] * 1.5) > 0.3
