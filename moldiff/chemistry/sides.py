"""Which side of a kept part a new neighbour has to be on, so that stereocentres and double bonds stay what they are."""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem


@dataclass(frozen=True)
class Side:
    """On which side of the given atoms a new neighbour has to be, for a stereocentre or double bond at an open atom.

    Attributes:
        atom: the open atom, which the new neighbour is bonded to.
        others: two given neighbours of it for a stereocentre; for a double bond its other end and a neighbour of that.
        double: whether it is a double bond.
        sign: of (a − x) × (b − x) · (new − x) for a stereocentre; for a double bond 1 if the new neighbour and the
            given one are on the same side.
    """

    atom: int
    others: tuple[int, int]
    double: bool
    sign: int

    def holds(self, positions: np.ndarray, new: int) -> bool:
        """Whether the atom numbered ``new`` is on the right side; ``positions`` [atom, 3]."""
        return _sign(positions, self.atom, self.others, positions[new], self.double) == self.sign


def sides_of(mol: Chem.Mol, opened: set[int], marked: set[int]) -> list[Side]:
    """Sides of stereocentres and double bonds at open atoms, by the position of the mark.

    Args:
        mol: with a pose and its stereochemistry assigned.
        opened: numbers of the open atoms.
        marked: numbers of the dummy atoms.
    """
    positions = mol.GetConformer().GetPositions()
    sides = []
    for index in sorted(opened):
        atom = mol.GetAtomWithIdx(index)
        marks = [near.GetIdx() for near in atom.GetNeighbors() if near.GetIdx() in marked]
        given = _heavy(atom, marked)
        if len(marks) != 1:
            continue
        if atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED and len(given) == 2:
            first = (given[0], given[1])
            sides.append(Side(index, first, False, _sign(positions, index, first, positions[marks[0]], False)))
        for bond in atom.GetBonds():
            if bond.GetStereo() in (Chem.BondStereo.STEREONONE, Chem.BondStereo.STEREOANY):
                continue
            other = bond.GetOtherAtom(atom)
            beyond = _heavy(other, marked | {index})
            if beyond:
                ends = (other.GetIdx(), beyond[0])
                sides.append(Side(index, ends, True, _sign(positions, index, ends, positions[marks[0]], True)))
    return sides


def _heavy(atom: Chem.Atom, without: set[int]) -> list[int]:
    return [near.GetIdx() for near in atom.GetNeighbors() if near.GetIdx() not in without and near.GetAtomicNum() > 1]


def _sign(positions: np.ndarray, atom: int, others: tuple[int, int], new: np.ndarray, double: bool) -> int:
    here, first, second = positions[atom], positions[others[0]], positions[others[1]]
    if not double:
        return int(np.sign(np.dot(np.cross(first - here, second - here), new - here)))
    axis = first - here
    across = [np.cross(axis, new - here), np.cross(axis, second - first)]
    return int(np.sign(np.dot(*across)))
