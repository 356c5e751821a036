"""Short contacts: those of hydrogen bonds are real, those of other atoms are not."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from moldiff.scoring.molecule.sanity import sanity

HYDROGEN_BONDS = Path(__file__).parents[1] / "data" / "hydrogen_bonds.sdf"


def enol() -> Chem.Mol:
    """The enol of acetylacetone, whose O-H is 1.61 Å from the other O."""
    return next(iter(Chem.SDMolSupplier(str(HYDROGEN_BONDS), removeHs=False)))


def with_bond_length(distance: float) -> Chem.Mol:
    """The enol, its second oxygen at this distance, Å, from the hydroxyl hydrogen."""
    mol = enol()
    conformer = mol.GetConformer()
    hydrogen, oxygen = (np.array(conformer.GetAtomPosition(index)) for index in (10, 6))
    away = (oxygen - hydrogen) / np.linalg.norm(oxygen - hydrogen)
    conformer.SetAtomPosition(6, (hydrogen + distance * away).tolist())
    return mol


def test_molecules_with_strong_hydrogen_bonds_are_sane():
    mols = list(Chem.SDMolSupplier(str(HYDROGEN_BONDS), removeHs=False))
    assert len(mols) == 2
    assert [sanity(mol).failed for mol in mols] == [(), ()]


@pytest.mark.parametrize(("distance", "possible"), [(1.61, True), (1.45, True), (1.25, True), (1.15, False)])
def test_a_hydrogen_bond_may_be_as_short_as_the_shortest_known(distance, possible):
    assert ("contacts" not in sanity(with_bond_length(distance)).failed) == possible


@pytest.mark.parametrize(("atom", "element"), [(6, 6), (2, 6), (6, 1)])
def test_the_same_contact_of_atoms_that_form_no_hydrogen_bond_is_refused(atom, element):
    mol = Chem.RWMol(with_bond_length(1.4))
    mol.GetAtomWithIdx(atom).SetAtomicNum(element)
    assert "contacts" in sanity(mol).failed
