"""How far above its nearest local minimum does a structure lie? MMFF94s energy and the displacement to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from moldiff.chemistry.hydrogens import ITERATIONS, force_field, with_hydrogens


@dataclass(frozen=True)
class Relaxation:
    """What a relaxation lowered: energy, kcal/mol, and heavy-atom RMSD after superposition, Å.

    Both are None, with the ``reason``, where the relaxation could not be made. ``added_hydrogens`` were implicit in
    the molecule; they were placed and relaxed, the heavy atoms held fast, before the first energy was taken.
    ``placement``, kcal/mol, is what GFN2-xTB lowered while it relaxed them, 0 where none was added; None for MMFF94s.
    """

    energy: float | None
    rmsd: float | None
    reason: str | None = None
    added_hydrogens: int = 0
    placement: float | None = None


def strain(mol: Chem.Mol) -> Relaxation:
    """MMFF94s energy of a structure minus that of its local minimum (Halgren 1999), kcal/mol, and the RMSD between.

    Args:
        mol: sanitized molecule with a conformer, coordinates in Å; left as it is.

    Returns:
        The relaxation, or the reason why there is none: no parameters, not converged, no finite coordinates.
        Never raises.
    """
    with rdBase.BlockLogs():
        try:
            full, added, reason = complete(mol)
            if full is None:
                return Relaxation(None, None, reason)
            return _relax(full, added)
        except (RuntimeError, ValueError) as error:  # RDKit's and numpy's ways to refuse what they cannot handle
            return Relaxation(None, None, f"not evaluated: {type(error).__name__}")


def complete(mol: Chem.Mol) -> tuple[Chem.Mol | None, int, str | None]:
    """A copy with all hydrogens, how many were added, and why there is no copy.

    Added hydrogens are relaxed by MMFF94s with the other atoms held fast, where it has parameters.
    """
    if mol.GetNumAtoms() == 0 or mol.GetNumConformers() == 0:
        return None, 0, "no coordinates"
    if not np.isfinite(mol.GetConformer().GetPositions()).all():
        return None, 0, "coordinates not finite"
    if len(Chem.GetMolFrags(mol)) > 1:
        return None, 0, "not connected"
    full = with_hydrogens(mol)
    return full, full.GetNumAtoms() - mol.GetNumAtoms(), None


def displacement(mol: Chem.Mol, before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """RMSD of heavy atoms (of all atoms where none is heavy) after superposition (Kabsch 1976), Å.

    Args:
        mol: the molecule, whose atoms are in the order of the coordinates.
        before: coordinates [A, 3], Å.
        after: coordinates [A, 3], Å.
    """
    heavy = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1] or list(range(len(before)))
    left = before[heavy] - before[heavy].mean(axis=0)
    right = after[heavy] - after[heavy].mean(axis=0)
    u, sizes, v = np.linalg.svd(left.T @ right)
    if np.linalg.det(u @ v) < 0:
        sizes[-1] = -sizes[-1]
    square = (left**2).sum() + (right**2).sum() - 2 * sizes.sum()
    return float(np.sqrt(max(square, 0.0) / len(heavy)))


def _relax(full: Chem.Mol, added: int) -> Relaxation:
    field = force_field(full)
    if field is None:
        return Relaxation(None, None, "no MMFF94s parameters", added)
    before = full.GetConformer().GetPositions()
    energy = field.CalcEnergy()
    unfinished = field.Minimize(maxIts=ITERATIONS)
    lowered = energy - field.CalcEnergy()
    if not np.isfinite(lowered):
        return Relaxation(None, None, "energy not finite", added)
    if unfinished:
        return Relaxation(None, None, f"not converged in {ITERATIONS} iterations", added)
    after = full.GetConformer().GetPositions()
    return Relaxation(max(lowered, 0.0), displacement(full, before, after), None, added)
