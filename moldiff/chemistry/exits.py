"""Where new atoms are expected around a kept part: in the directions in which bonds leave it.

The centre of the atoms that are bonded to a part lies several ångströms from the part's own, and noise of 5 Å on each
of twenty atoms moves their common centre by one. Sampling that begins around the part's centre therefore begins where
no noised molecule is, and ends in pieces on all sides of it; it begins around these places instead.
"""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem

MOST = 3
"""Exits of a part without marks at which atoms are expected at once."""
# Of what is beyond a bond that leaves a part, by its number of atoms n, in Å, as a factor and a power of n; from 11,000
# parts cut from lead-like molecules: distance of its centre from the open atom, standard deviation of the centre along
# each axis, and that of the atoms around it.
DISTANCE = (1.33, 0.36)
DEVIATION = (0.21, 0.82)
SPREAD = (0.27, 0.69)


@dataclass(frozen=True)
class Exit:
    """A bond that leaves a part.

    Attributes:
        atom: the open atom, from which it leaves.
        direction: [3] unit vector to the new neighbour; zero where the part does not say.
    """

    atom: int
    direction: np.ndarray


def exits_of(mol: Chem.Mol, opened: dict[int, list[int]], place: dict[int, int]) -> tuple[Exit, ...]:
    """The exits of open atoms.

    Args:
        mol: with a pose.
        opened: the open atoms with what marks their bonds: dummies, or atoms that are replaced. Without a mark the
            bond leaves away from the atom's neighbours.
        place: number in the part of each kept atom.
    """
    positions = mol.GetConformer().GetPositions()
    exits = []
    for atom, marks in opened.items():
        near = [other.GetIdx() for other in mol.GetAtomWithIdx(atom).GetNeighbors() if other.GetIdx() in place]
        here = positions[atom]
        ways = [positions[mark] - here for mark in marks] or [here - positions[near].mean(0) if near else here * 0]
        exits += [Exit(place[atom], _unit(way)) for way in ways]
    return tuple(exits)


def expected_positions(
    positions: np.ndarray, exits: tuple[Exit, ...], atoms: int, random: np.random.Generator, *, every: bool
) -> np.ndarray:
    """[atom, 3] Where a number of new atoms may be, Å: normal around centres beyond the exits.

    Args:
        positions: [atom, 3] of the part, Å.
        exits: of the part, at least one.
        atoms: number of the new atoms; those of an exit follow each other.
        random: of all random numbers.
        every: whether there are new atoms at all exits; otherwise at up to three.
    """
    count = len(exits) if every else int(random.integers(1, min(MOST, len(exits)) + 1))
    count = min(count, atoms)
    used = random.permutation(len(exits))[:count]
    shares = random.dirichlet(np.ones(count))
    groups = 1 + random.multinomial(atoms - count, shares)
    made = []
    for number, size in zip(used.tolist(), groups.tolist(), strict=True):
        leaving = exits[number]
        far, varies, spread = (factor * size**power for factor, power in (DISTANCE, DEVIATION, SPREAD))
        centre = positions[leaving.atom] + far * leaving.direction + varies * random.standard_normal(3)
        made.append(centre + spread * random.standard_normal((size, 3)))
    return np.concatenate(made)


def _unit(way: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(way))
    return way / length if length > 0.1 else np.zeros(3)
