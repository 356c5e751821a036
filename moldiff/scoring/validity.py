"""Is it a molecule? Each question of validity is one function."""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem, rdBase


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
    normalisation, or an aromatic bond that RDKit does not find aromatic is a change.
    """
    mol = Chem.Mol(written)
    with rdBase.BlockLogs():
        try:
            Chem.SanitizeMol(mol, _NORMALIZE)
            normalized = [bond.GetBondType() for bond in mol.GetBonds()]
            Chem.SanitizeMol(mol, Chem.SANITIZE_ALL)
        except (RuntimeError, ValueError) as error:
            return Sanitized(None, str(error).splitlines()[0].strip() if str(error) else type(error).__name__)
    changes = []
    if [a.GetFormalCharge() for a in written.GetAtoms()] != [a.GetFormalCharge() for a in mol.GetAtoms()]:
        changes.append("charge changed by sanitizing")
    types = [bond.GetBondType() for bond in written.GetBonds()]
    dearomatized = any(
        kind == Chem.BondType.AROMATIC and not bond.GetIsAromatic()
        for kind, bond in zip(types, mol.GetBonds(), strict=True)
    )
    if types != normalized or dearomatized:
        changes.append("bond order changed by sanitizing")
    return Sanitized(mol, changes=tuple(changes))


def fragments(written: Chem.Mol) -> int:
    """Number of connected fragments; connected means one."""
    return len(Chem.GetMolFrags(written))


def valid_largest_fragment(written: Chem.Mol, whole: Chem.Mol | None) -> bool:
    """The convention of EDM and MiDi, for comparison only: the fragment with most atoms can be sanitized.

    Args:
        written: the record as written.
        whole: its sanitized copy, if it can be sanitized; then no more work is needed.
    """
    if whole is not None:
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


def missing_hydrogens(sanitized: Chem.Mol) -> int:
    """Hydrogens that are no atoms of the record, but that RDKit counts to fill valences."""
    return sum(atom.GetTotalNumHs() for atom in sanitized.GetAtoms())


def strict_faults(written: Chem.Mol, sanitized: Sanitized) -> list[str]:
    """Why a valid molecule is not strictly valid, hydrogens apart (their policy is decided over all records).

    Args:
        written: the record as written.
        sanitized: its sanitized copy with the changes made.
    """
    faults = list(sanitized.changes)
    if written.GetNumConformers() and not np.isfinite(written.GetConformer().GetPositions()).all():
        faults.append("coordinates are not finite")
    if sanitized.mol is not None and any(atom.GetNumRadicalElectrons() for atom in sanitized.mol.GetAtoms()):
        faults.append("radical electrons")
    if any(bond.GetBondType() == Chem.BondType.AROMATIC for bond in written.GetBonds()):
        Chem.FastFindRings(written)
        rings = written.GetRingInfo()
        if any(
            bond.GetBondType() == Chem.BondType.AROMATIC and rings.NumBondRings(bond.GetIdx()) == 0
            for bond in written.GetBonds()
        ):
            faults.append("aromatic bond outside a ring")
    if any(bond.HasQuery() or bond.GetBondType() in _NO_ORDER for bond in written.GetBonds()):
        faults.append("bond without an order")
    return faults


_NO_ORDER = frozenset({Chem.BondType.ZERO, Chem.BondType.UNSPECIFIED, Chem.BondType.OTHER, Chem.BondType.HYDROGEN})
