"""Is it a molecule? Each question of validity is one function."""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem, rdBase

from moldiff.scoring.molecule.graph import AROMATIC, bonds, formal_charges, has_radicals, orders


@dataclass(frozen=True)
class Sanitized:
    """A sanitized copy (None if RDKit refuses), and what sanitizing altered in the record as written."""

    mol: Chem.Mol | None
    problem: str = ""
    changes: tuple[str, ...] = ()


_NORMALIZE = Chem.SANITIZE_CLEANUP | Chem.SANITIZE_CLEANUP_ORGANOMETALLICS


def sanitize(written: Chem.Mol) -> Sanitized:
    """`SanitizeMol(SANITIZE_ALL)` on a copy of the whole record, compared with the record as written.

    Kekulized bonds that become aromatic are the same molecule; a changed charge, a bond order changed by RDKit's
    normalisation, or an aromatic bond between atoms that RDKit does not find aromatic is a change (the bond that two
    aromatic rings share, as in azulene, may be none itself).
    """
    mol = Chem.Mol(written)
    with rdBase.BlockLogs():
        try:
            Chem.SanitizeMol(mol, _NORMALIZE)
            normalized = orders(mol)
            with_dative = mol.HasSubstructMatch(_DATIVE)
            Chem.SanitizeMol(mol, Chem.SANITIZE_ALL)
        except (RuntimeError, ValueError) as error:
            return Sanitized(None, str(error).splitlines()[0].strip() if str(error) else type(error).__name__)
    changes = []
    if formal_charges(written) != formal_charges(mol):
        changes.append("charge changed by sanitizing")
    given = orders(written)
    dearomatized = any(
        not mol.GetAtomWithIdx(int(atom)).GetIsAromatic() for atom in np.flatnonzero((given == AROMATIC).any(axis=1))
    )
    # Orders do not distinguish dative from single bonds; RDKit turns a single bond to a metal into a dative one.
    bound = with_dative and not written.HasSubstructMatch(_DATIVE)
    if dearomatized or bound or not np.array_equal(given, normalized):
        changes.append("bond order changed by sanitizing")
    return Sanitized(mol, changes=tuple(changes))


def fragments(written: Chem.Mol) -> int:
    """Number of connected fragments; connected means one."""
    return len(Chem.GetMolFrags(written))


def one_molecule(written: Chem.Mol) -> Chem.Mol | None:
    """The sanitized copy of what is written, if it is a single connected molecule that can be sanitized."""
    return sanitize(written).mol if fragments(written) == 1 else None


def is_strict(written: Chem.Mol) -> bool:
    """Whether a molecule is valid_strict, if it has all hydrogens that it should have, or none.

    Where hydrogens are atoms like others, those that are missing must show as radicals: `SetNoImplicit`.
    """
    molecule = sanitize(written)
    return molecule.mol is not None and fragments(written) == 1 and not strict_faults(written, molecule)


def valid_largest_fragment(written: Chem.Mol, sanitized: Chem.Mol | None) -> bool:
    """The convention of EDM and MiDi, for comparison only: the fragment with most atoms can be sanitized.

    Args:
        written: the record as written.
        sanitized: its sanitized copy, if it can be sanitized; then no more work is needed.
    """
    if sanitized is not None:
        return True
    with rdBase.BlockLogs():
        parts = Chem.GetMolFrags(written, asMols=True, sanitizeFrags=False)
        if len(parts) == 1:
            return False
        largest = max(parts, key=lambda part: part.GetNumAtoms())
        try:
            Chem.SanitizeMol(Chem.Mol(largest))
        except (RuntimeError, ValueError):
            return False
    return True


def strict_faults(written: Chem.Mol, sanitized: Sanitized) -> list[str]:
    """Why a valid molecule is not strictly valid, hydrogens apart (their policy is decided over all records).

    Args:
        written: the record as written.
        sanitized: its sanitized copy with the changes made.
    """
    faults = list(sanitized.changes)
    if written.GetNumConformers() and not np.isfinite(written.GetConformer().GetPositions()).all():
        faults.append("coordinates are not finite")
    if sanitized.mol is not None and has_radicals(sanitized.mol):
        faults.append("radical electrons")
    kinds = [bond.GetBondType() for bond in bonds(written)]
    if Chem.BondType.AROMATIC in kinds:
        Chem.FastFindRings(written)
        if any(bond.GetBondType() == Chem.BondType.AROMATIC and not bond.IsInRing() for bond in bonds(written)):
            faults.append("aromatic bond outside a ring")
    if not _NO_ORDER.isdisjoint(kinds):
        faults.append("bond without an order")
    return faults


_NO_ORDER = frozenset({Chem.BondType.ZERO, Chem.BondType.UNSPECIFIED, Chem.BondType.OTHER, Chem.BondType.HYDROGEN})
_DATIVE = Chem.MolFromSmarts("*->*")
