"""Are bond lengths and contacts of all atoms, hydrogens included, such as molecules have?"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from moldiff.scoring.molecule.coordinates import PoseResult, atom_pairs, bonds_between, finite_positions
from moldiff.scoring.molecule.graph import atoms

COVALENT_RANGE = (0.6, 1.5)
"""Allowed bond length as multiple of the sum of covalent radii, hydrogens included."""
VAN_DER_WAALS_SHARE = 0.6
"""Share of the sum of van-der-Waals radii that atoms four or more bonds apart must keep."""
HYDROGEN_BOND_DISTANCE = 1.2
"""Smallest distance, Å, of a hydrogen bound to N, O or F from another N, O or F: strong hydrogen bonds inside a
molecule are short (1.6 Å in the enol of acetylacetone, 1.4 Å or less in hydrogen maleate)."""
SMALLEST_DISTANCE = 0.5
"""Smallest distance between any two atoms, Å."""


def sanity(mol: Chem.Mol, between: NDArray[np.float64] | None = None) -> PoseResult:
    """Distances that no molecule has, hydrogens included: bond lengths, contacts, coincident atoms.

    Args:
        mol: molecule with a conformer (the first one is looked at), coordinates in Å; left as it is.
        between: `bonds_between` of the molecule, if it is known.

    Returns:
        The tests failed among ``bond_lengths_covalent`` (see `COVALENT_RANGE`), ``contacts`` (`VAN_DER_WAALS_SHARE`,
        hydrogen bonds from `HYDROGEN_BOND_DISTANCE` on aside), ``smallest_distance`` (`SMALLEST_DISTANCE`),
        ``conformer`` and ``finite_coordinates``. Never raises.
    """
    problem, positions = finite_positions(mol)
    if problem:
        return PoseResult(False, (problem,))
    if len(positions) < 2:
        return PoseResult(True)
    numbers = np.array([atom.GetAtomicNum() for atom in atoms(mol)])
    first, second = atom_pairs(len(positions))
    distances = np.linalg.norm(positions[first] - positions[second], axis=1)
    steps = (bonds_between(mol) if between is None else between)[first, second]
    covalent, van_der_waals = _radii()
    with np.errstate(divide="ignore", invalid="ignore"):  # a dummy atom has no radius
        lengths = (distances / (covalent[numbers[first]] + covalent[numbers[second]]))[steps == 1]
        contacts = distances / (van_der_waals[numbers[first]] + van_der_waals[numbers[second]])
    compared = steps >= 4
    if (contacts[compared] < VAN_DER_WAALS_SHARE).any():
        bonded = _may_bond_by_hydrogen(numbers, steps, first, second) & (distances >= HYDROGEN_BOND_DISTANCE)
        compared &= ~bonded
    contacts = contacts[compared]
    values = {
        "shortest_bond": float(lengths.min(initial=np.inf)),
        "longest_bond": float(lengths.max(initial=0.0)),
        "closest_contact": float(contacts.min(initial=np.inf)),
        "smallest_distance": float(distances.min()),
    }
    failed = []
    if values["shortest_bond"] < COVALENT_RANGE[0] or values["longest_bond"] > COVALENT_RANGE[1]:
        failed.append("bond_lengths_covalent")
    if values["closest_contact"] < VAN_DER_WAALS_SHARE:
        failed.append("contacts")
    if values["smallest_distance"] < SMALLEST_DISTANCE:
        failed.append("smallest_distance")
    return PoseResult(not failed, tuple(failed), values)


def _may_bond_by_hydrogen(
    numbers: NDArray[np.int64], steps: NDArray[np.float64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Pairs [P] of a hydrogen on N, O or F with another N, O or F."""
    polar = np.isin(numbers, _POLAR)
    donated = np.zeros(len(numbers), dtype=bool)
    for one, other in ((first, second), (second, first)):
        donated[one[(steps == 1) & (numbers[one] == 1) & polar[other]]] = True
    return (donated[first] & polar[second]) | (donated[second] & polar[first])


_POLAR = (7, 8, 9)


@cache
def _radii() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Covalent and van-der-Waals radii by atomic number, Å, of RDKit's periodic table."""
    table = Chem.GetPeriodicTable()
    numbers = range(119)
    return np.array([table.GetRcovalent(z) for z in numbers]), np.array([table.GetRvdw(z) for z in numbers])
