import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from moldiff.scoring.molecule.conformers import compare_with_conformers


def embedded(smiles: str, seed: int = 7) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=seed) == 0
    assert rdForceFieldHelpers.MMFFOptimizeMolecule(mol, mmffVariant="MMFF94s", maxIters=2000) == 0
    return mol


@pytest.mark.parametrize("smiles", ["CCO", "c1ccccc1", "C[C@H](N)C(=O)O", "CC(C)(C)c1ccc(F)cc1", "C"])
def test_what_the_generator_makes_is_near(smiles: str) -> None:
    found = compare_with_conformers(embedded(smiles))
    assert found.reason is None
    assert found.rmsd is not None
    assert found.rmsd < 0.2


def test_equivalent_atoms_may_be_exchanged() -> None:
    mol = embedded("CC(C)(C)c1ccc(F)cc1")
    order = np.random.default_rng(0).permutation(mol.GetNumAtoms())
    found = compare_with_conformers(Chem.RenumberAtoms(mol, order.tolist()))
    assert found.rmsd is not None
    assert found.rmsd < 0.2


def test_flat_cyclohexane_is_far() -> None:
    mol = embedded("C1CCCCC1")
    before = compare_with_conformers(mol)
    conformer = mol.GetConformer()
    angle = np.arange(6) * np.pi / 3
    for atom in range(6):
        conformer.SetAtomPosition(atom, (1.53 * np.cos(angle[atom]), 1.53 * np.sin(angle[atom]), 0.0))
    after = compare_with_conformers(Chem.RemoveHs(mol))
    assert before.rmsd is not None
    assert after.rmsd is not None
    assert before.rmsd < 0.05 < 0.15 < after.rmsd


def test_the_structure_stays_and_the_answer_repeats() -> None:
    mol = embedded("OCC(N)C=O")
    before = mol.GetConformer().GetPositions()
    first, second = compare_with_conformers(mol), compare_with_conformers(mol)
    assert first == second
    assert np.array_equal(mol.GetConformer().GetPositions(), before)


def test_missing_or_broken_coordinates_have_a_reason() -> None:
    assert compare_with_conformers(Chem.MolFromSmiles("CCO")).reason == "no coordinates"
    mol = embedded("CCO")
    mol.GetConformer().SetAtomPosition(0, (float("nan"), 0.0, 0.0))
    assert compare_with_conformers(mol).reason == "coordinates not finite"
