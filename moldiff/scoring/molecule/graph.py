"""A molecule's atoms, bonds and orders, by the quickest ways into RDKit.

Its own iterators make five Python calls for each atom; for forty atoms and a dozen questions that is what most time
would go to.
"""

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdqueries

_RADICAL = rdqueries.NumRadicalElectronsGreaterQueryAtom(0)
_DUMMY = rdqueries.AtomNumEqualsQueryAtom(0)
AROMATIC = 1.5
"""Order of an aromatic bond in `orders`."""


def atoms(mol: Chem.Mol) -> list[Chem.Atom]:
    """The atoms, in order."""
    get = mol.GetAtomWithIdx
    return [get(index) for index in range(mol.GetNumAtoms())]


def bonds(mol: Chem.Mol) -> list[Chem.Bond]:
    """The bonds, in order."""
    get = mol.GetBondWithIdx
    return [get(index) for index in range(mol.GetNumBonds())]


def orders(mol: Chem.Mol) -> NDArray[np.float64]:
    """Bond orders [A, A]: 0 where there is no bond, 1.5 for an aromatic one; dative bonds count 1, others 0."""
    matrix: NDArray[np.float64] = Chem.GetAdjacencyMatrix(mol, useBO=True, force=True)
    return matrix


def formal_charges(mol: Chem.Mol) -> list[int]:
    """Formal charges [A], e."""
    return [atom.GetFormalCharge() for atom in atoms(mol)]


def has_radicals(mol: Chem.Mol) -> bool:
    """Whether an atom has unpaired electrons."""
    return bool(mol.GetAtomsMatchingQuery(_RADICAL))


def has_dummies(mol: Chem.Mol) -> bool:
    """Whether an atom has no element."""
    return bool(mol.GetAtomsMatchingQuery(_DUMMY))


def implicit_hydrogens(mol: Chem.Mol) -> int:
    """Hydrogens that are not atoms of the molecule, but that RDKit counts to fill valences."""
    return int(mol.GetNumAtoms(onlyExplicit=False)) - int(mol.GetNumAtoms())
