"""What makes two molecules the same: keys that depend on neither spelling nor atom order, stereo nor orientation."""

import hashlib

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdqueries

from moldiff.chemistry import identity
from moldiff.scoring.molecule.graph import bonds

_LABELLED = rdqueries.IsotopeGreaterQueryAtom(0)
_MAPPED = rdqueries.HasPropQueryAtom("molAtomMapNumber")


def without_hydrogens(sanitized: Chem.Mol) -> Chem.Mol:
    """A copy without hydrogen atoms, isotopes and atom map numbers; its stereo marks are kept.

    A molecule of nothing but hydrogen stays as it is, and so does one that is not valid without them.
    """
    with rdBase.BlockLogs():
        try:
            heavy = identity.without_hydrogens(sanitized)
        except (RuntimeError, ValueError):
            heavy = Chem.Mol(sanitized)
    if heavy.GetNumAtoms() == 0:
        heavy = Chem.Mol(sanitized)
    if heavy.GetAtomsMatchingQuery(_LABELLED) or heavy.GetAtomsMatchingQuery(_MAPPED):
        identity.strip_labels(heavy)
    return heavy


def stereo_from_3d(sanitized: Chem.Mol) -> Chem.Mol:
    """A copy whose stereo marks come from its conformer alone.

    Writers mark built double bonds "either", which would hide E and Z from the perception, so marks go first.
    """
    mol = Chem.Mol(sanitized)
    for bond in bonds(mol):
        if bond.GetBondDir() != Chem.BondDir.NONE:
            bond.SetBondDir(Chem.BondDir.NONE)
        if bond.GetStereo() == Chem.BondStereo.STEREOANY:
            bond.SetStereo(Chem.BondStereo.STEREONONE)
    with rdBase.BlockLogs():
        Chem.AssignStereochemistryFrom3D(mol, replaceExistingTags=True)
    return mol


def flat_smiles(heavy: Chem.Mol) -> str:
    """Canonical SMILES without stereo and labels of a molecule without hydrogens: the key of uniqueness and novelty."""
    return identity.flat_key(Chem.Mol(heavy))


def flat_key(sanitized: Chem.Mol) -> str:
    """`flat_smiles` of a molecule with or without hydrogen atoms."""
    return flat_smiles(without_hydrogens(sanitized))


def isomeric_smiles(heavy: Chem.Mol) -> str:
    """Canonical SMILES with stereo, of a molecule without hydrogens."""
    return Chem.MolToSmiles(heavy)


def inchikey_block(heavy: Chem.Mol) -> str | None:
    """First block of the InChIKey (connectivity, 14 letters); None where InChI has no answer."""
    with rdBase.BlockLogs():
        key = Chem.MolToInchiKey(heavy)
    return key[:14] or None


def key_hash(key: str) -> int:
    """64 bits of BLAKE2b: the same in every process; two of a million keys collide with probability 3e-8."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


def first_occurrences(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """True [N] where a key stands for the first time in the sequence [N]."""
    first = np.zeros(len(hashes), dtype=bool)
    first[np.unique(hashes, return_index=True)[1]] = True
    return first


def contained(hashes: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """True [N] where a key [N] is in the ascending array ``known`` [K]."""
    if not len(known):
        return np.zeros(len(hashes), dtype=bool)
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return known[place] == hashes
