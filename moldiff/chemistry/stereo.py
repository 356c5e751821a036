"""The stereocentres and double bonds that a molecule was given with, and whether coordinates have them."""

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from rdkit.Geometry import Point3D

_SAME_SIDE = {Chem.BondStereo.STEREOZ, Chem.BondStereo.STEREOCIS}
_OTHER_SIDE = {Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOTRANS}
_TAGS = (Chem.ChiralType.CHI_TETRAHEDRAL_CW, Chem.ChiralType.CHI_TETRAHEDRAL_CCW)


def right_handed(mol: Chem.Mol, positions: np.ndarray) -> tuple[np.ndarray | None, str]:
    """The positions, mirrored if that makes them right, or the reason why they are wrong.

    Whatever stereochemistry the molecule leaves open, the coordinates may have either way. A mirror image is as good
    as the original where nothing prefers a hand, so it is taken where all stereocentres came out turned.

    Args:
        mol: with its stereochemistry assigned.
        positions: [atom, 3], Å.
    """
    posed = with_positions(mol, positions)
    for bond in mol.GetBonds():
        if bond.GetStereo() in _SAME_SIDE | _OTHER_SIDE and not _has_side(bond, posed):
            return None, "double bond turned"
    wanted = {atom.GetIdx(): atom.GetChiralTag() for atom in mol.GetAtoms() if atom.GetChiralTag() in _TAGS}
    if not wanted:
        return positions, ""
    Chem.AssignAtomChiralTagsFromStructure(posed, replaceExistingTags=True)
    made = {index: posed.GetAtomWithIdx(index).GetChiralTag() for index in wanted}
    if made == wanted:
        return positions, ""
    if all(made[index] in _TAGS and made[index] != tag for index, tag in wanted.items()):
        return positions * np.array([-1.0, 1.0, 1.0]), ""
    return None, "stereocentre turned"


def asks_stereo(mol: Chem.Mol) -> bool:
    """Whether a molecule with its stereochemistry assigned has any stereocentre or double bond to be right."""
    return any(atom.GetChiralTag() in _TAGS for atom in mol.GetAtoms()) or any(
        bond.GetStereo() in _SAME_SIDE | _OTHER_SIDE for bond in mol.GetBonds()
    )


def asked_hands(mol: Chem.Mol) -> np.ndarray:
    """[atom, 4] a sign and three neighbours of each stereocentre, the signed volume of which it is; else zeros.

    RDKit's tag is the hand of the neighbours in the order of their bonds: counterclockwise, seen from the first, is
    a positive volume of the first three.
    """
    hands = np.zeros((mol.GetNumAtoms(), 4), dtype=np.int64)
    for atom in mol.GetAtoms():
        near = list(atom.GetNeighbors())
        if atom.GetChiralTag() not in _TAGS or len(near) not in (3, 4):
            continue
        sign = 1 if atom.GetChiralTag() == Chem.ChiralType.CHI_TETRAHEDRAL_CCW else -1
        if len(near) == 4:  # without the hydrogen, if one is an atom: the others have the hand that leaves them
            left_out = next((place for place, one in enumerate(near) if one.GetAtomicNum() == 1), 3)
            sign *= (-1) ** (3 - left_out)
            near.pop(left_out)
        hands[atom.GetIdx()] = [sign, *(one.GetIdx() for one in near)]
    return hands


def with_positions(mol: Chem.Mol, positions: np.ndarray) -> Chem.Mol:
    """A copy with these positions as its only conformer."""
    posed = Chem.Mol(mol)
    posed.RemoveAllConformers()
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.Set3D(True)
    for index, (x, y, z) in enumerate(positions.tolist()):
        conformer.SetAtomPosition(index, Point3D(x, y, z))
    posed.AddConformer(conformer, assignId=True)
    return posed


def anywhere(mol: Chem.Mol) -> Chem.Mol:
    """A copy with all atoms in one place, for what needs a conformer and does not look at it."""
    return with_positions(mol, np.zeros((mol.GetNumAtoms(), 3)))


def _has_side(bond: Chem.Bond, posed: Chem.Mol) -> bool:
    first, last = bond.GetStereoAtoms()
    ends = (first, bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), last)
    angle = abs(rdMolTransforms.GetDihedralDeg(posed.GetConformer(), *ends))
    return bool(angle < 90) == (bond.GetStereo() in _SAME_SIDE)
