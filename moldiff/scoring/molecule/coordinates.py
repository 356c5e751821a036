"""What tests of three-dimensional structures share: finite positions, pairs of atoms, and what a test answers."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

LARGEST_COORDINATE = 1e8
"""Coordinates beyond this, Å, count as not finite: their squares lose all meaning."""


@dataclass(frozen=True)
class PoseResult:
    """Verdict on one structure: ``failed`` names each failed test, ``values`` the extremes that were found."""

    valid: bool
    failed: tuple[str, ...] = ()
    values: dict[str, float] = field(default_factory=dict)


def finite_positions(mol: Chem.Mol) -> tuple[str, NDArray[np.float64]]:
    """What forbids a test of the coordinates ("" if nothing), and the coordinates [A, 3], Å."""
    if mol.GetNumAtoms() == 0 or mol.GetNumConformers() == 0:
        return "conformer", np.empty((0, 3))
    positions = mol.GetConformer().GetPositions()
    finite = bool((np.abs(positions) < LARGEST_COORDINATE).all())  # NaN compares as false
    return "" if finite else "finite_coordinates", positions


def bonds_between(mol: Chem.Mol) -> NDArray[np.float64]:
    """Number of bonds [A, A] on the shortest way from atom to atom; very large where there is none."""
    steps: NDArray[np.float64] = Chem.GetDistanceMatrix(mol, force=True)
    return steps


@lru_cache(maxsize=64)
def atom_pairs(atoms: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of all pairs of atoms, the first below the second."""
    return np.triu_indices(atoms, k=1)
