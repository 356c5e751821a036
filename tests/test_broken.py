"""The benchmark that breaks molecules by hand: one thing differs, and the area is that of its definition."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from benchmarks.broken import STRETCH, area, ringed, stretched, swapped
from moldiff.scoring.molecule.keys import flat_smiles
from moldiff.scoring.molecule.portrait import all_ring_systems


def butanamide() -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCC(=O)N"))
    AllChem.EmbedMolecule(mol, randomSeed=3)
    return Chem.RemoveHs(mol)


def lengths(mol: Chem.Mol) -> np.ndarray:
    at = mol.GetConformer().GetPositions()
    return np.array([np.linalg.norm(at[b.GetBeginAtomIdx()] - at[b.GetEndAtomIdx()]) for b in mol.GetBonds()])


@pytest.mark.parametrize("seed", range(5))
def test_one_element_differs_and_the_molecule_is_valid(seed: int) -> None:
    mol = butanamide()
    made = swapped(mol, np.random.default_rng(seed))
    assert made is not None
    pairs = zip(mol.GetAtoms(), made.GetAtoms(), strict=True)
    assert sum(one.GetAtomicNum() != other.GetAtomicNum() for one, other in pairs) == 1
    assert Chem.MolFromSmiles(Chem.MolToSmiles(made)) is not None
    assert np.allclose(lengths(made), lengths(mol))


@pytest.mark.parametrize("seed", range(5))
def test_one_bond_is_longer(seed: int) -> None:
    mol = butanamide()
    made = stretched(mol, np.random.default_rng(seed))
    assert made is not None
    assert sorted((lengths(made) - lengths(mol)).round(6)) == pytest.approx([0] * 4 + [STRETCH])


def test_a_ring_is_closed_that_is_not_known() -> None:
    made = ringed(butanamide(), frozenset(), np.random.default_rng(0))
    assert made is not None
    assert made.GetRingInfo().NumRings() == 1
    known = all_ring_systems([flat_smiles(made)])
    others = {ringed(butanamide(), known, np.random.default_rng(seed)) for seed in range(3)}
    assert all(known.isdisjoint(all_ring_systems([flat_smiles(other)])) for other in others if other is not None)


def test_the_area_counts_pairs() -> None:
    real, broken = np.array([1.0, 2.0]), np.array([2.0, 3.0])
    assert area(real, broken) == 3.5 / 4
    assert area(real, real) == 0.5
    assert area(real, real + 10) == 1
