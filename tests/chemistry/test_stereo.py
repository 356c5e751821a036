"""The hands that are asked of a molecule are those of its coordinates."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from moldiff.chemistry.stereo import asked_hands, asks_stereo, right_handed

MOLECULES = [
    "C[C@H](O)F",
    "C[C@](N)(O)F",
    "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O",
    "C[C@@H]1CC[C@H]2[C@@H](C1)C2(C)C",
    "CC[S@](=O)C",
    "C[C@]12CC[C@H](C1)C(=O)C2",
    "C[C@@H](C#N)[C@H](F)[C@@](C)(Cl)CO",
    "N[C@@]([H])(C)C(=O)O",
]


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("smiles", MOLECULES)
def test_a_hand_is_the_sign_of_the_volume_of_a_conformer_with_the_stereochemistry(smiles: str, explicit: bool) -> None:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=7) == 0
    mol = mol if explicit else Chem.RemoveHs(mol)
    # an order of atoms in which bonds are not those of the SMILES
    order = np.random.default_rng(1).permutation(mol.GetNumAtoms()).tolist()
    mol = Chem.RenumberAtoms(mol, order)
    hands, positions = asked_hands(mol), mol.GetConformer().GetPositions()
    centres = [atom for atom, _ in Chem.FindMolChiralCenters(mol, includeUnassigned=False)]
    assert sorted(np.flatnonzero(hands[:, 0]).tolist()) == sorted(centres)
    assert asks_stereo(mol)
    for centre in centres:
        sign, *named = hands[centre].tolist()
        assert np.sign(np.linalg.det(positions[named] - positions[centre])) == sign
        assert all(mol.GetAtomWithIdx(one).GetAtomicNum() > 1 for one in named)
    assert right_handed(mol, positions)[0] is positions
    mirrored = right_handed(mol, positions * np.array([1.0, 1.0, -1.0]))[0]
    assert mirrored is not None
    assert np.allclose(np.abs(mirrored), np.abs(positions))


@pytest.mark.parametrize(("smiles", "asks"), [("CC(O)F", False), ("c1ccccc1", False), (r"C/C=C/C", True)])
def test_nothing_is_asked_of_what_is_not_said(smiles: str, asks: bool) -> None:
    mol = Chem.MolFromSmiles(smiles)
    assert not asked_hands(mol).any()
    assert asks_stereo(mol) == asks
