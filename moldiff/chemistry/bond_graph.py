"""A molecule's atoms and bonds as a graph: numpy and no RDKit, so that training may ask it as it goes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class BondGraph:
    """Atoms and bonds, and what elements they are where that is known.

    Attributes:
        atoms: number of atoms.
        bonds: [bond, 2] the two atoms of each bond.
        orders: [bond] 1, 2 or 3.
        elements: [atom] atomic numbers.
        charges: [atom] formal charges; without them all are 0.
    """

    atoms: int
    bonds: np.ndarray
    orders: np.ndarray
    elements: np.ndarray | None = None
    charges: np.ndarray | None = None

    def element(self, atom: int) -> int:
        """The atomic number of an atom.

        Raises:
            ValueError: elements are not known.
        """
        if self.elements is None:
            raise ValueError("the graph was made without elements")
        return int(self.elements[atom])

    def charge(self, atom: int) -> int:
        """The formal charge of an atom."""
        return 0 if self.charges is None else int(self.charges[atom])

    @cached_property
    def neighbours(self) -> list[list[tuple[int, int]]]:
        """For each atom its neighbours and the numbers of the bonds to them."""
        result: list[list[tuple[int, int]]] = [[] for _ in range(self.atoms)]
        for number, (begin, end) in enumerate(self.bonds.tolist()):
            result[begin].append((end, number))
            result[end].append((begin, number))
        return result

    @cached_property
    def in_ring(self) -> np.ndarray:
        """[bond] whether a bond belongs to a ring: what is not a bridge (Tarjan 1974)."""
        ring = np.ones(len(self.bonds), dtype=bool)
        order = [-1] * self.atoms
        low = [0] * self.atoms
        count = 0
        for root in range(self.atoms):
            if order[root] >= 0:
                continue
            order[root] = low[root] = count
            count += 1
            stack = [(root, -1, iter(self.neighbours[root]))]
            while stack:
                atom, arrived, rest = stack[-1]
                for other, bond in rest:
                    if bond == arrived:
                        continue
                    if order[other] < 0:
                        order[other] = low[other] = count
                        count += 1
                        stack.append((other, bond, iter(self.neighbours[other])))
                        break
                    low[atom] = min(low[atom], order[other])
                else:
                    stack.pop()
                    if stack:
                        before = stack[-1][0]
                        low[before] = min(low[before], low[atom])
                        ring[arrived] = low[atom] <= order[before]
        return ring

    def components(self, atoms: np.ndarray, bonds: np.ndarray | None = None) -> list[np.ndarray]:
        """Connected parts of the marked atoms, each a mask [atom]; ``bonds`` [bond] says which bonds hold."""
        left = atoms.copy()
        parts = []
        for first in np.flatnonzero(atoms).tolist():
            if not left[first]:
                continue
            part, stack = np.zeros(self.atoms, dtype=bool), [first]
            left[first] = False
            while stack:
                atom = stack.pop()
                part[atom] = True
                for other, bond in self.neighbours[atom]:
                    if left[other] and (bonds is None or bonds[bond]):
                        left[other] = False
                        stack.append(other)
            parts.append(part)
        return parts

    @cached_property
    def pieces(self) -> list[np.ndarray]:
        """What remains when single bonds outside rings are cut, but for those to atoms with one neighbour.

        Ring systems with their small substituents, and the links between them; see `moldiff.chemistry.brics` for pieces
        that also go by elements.
        """
        ends = np.array([len(one) == 1 for one in self.neighbours], dtype=bool)
        terminal = ends[self.bonds].any(1) if len(self.bonds) else np.zeros(0, dtype=bool)
        return self.components(np.ones(self.atoms, dtype=bool), self.in_ring | (self.orders > 1) | terminal)

    @cached_property
    def ring_systems(self) -> list[np.ndarray]:
        """Rings that share atoms, with the atoms that a multiple bond holds to them."""
        atoms = np.zeros(self.atoms, dtype=bool)
        atoms[self.bonds[self.in_ring].ravel()] = True
        systems = self.components(atoms, self.in_ring)
        return [self._with_multiple(system) for system in systems]

    @cached_property
    def scaffold(self) -> np.ndarray:
        """[atom] rings and what links them, with the atoms that a multiple bond holds to them (Bemis and Murcko 1996).

        Empty for a molecule without a ring.
        """
        kept = np.ones(self.atoms, dtype=bool)
        degree = np.array([len(one) for one in self.neighbours])
        ends = np.flatnonzero(degree <= 1).tolist()
        while ends:
            atom = ends.pop()
            kept[atom] = False
            for other, _ in self.neighbours[atom]:
                if kept[other]:
                    degree[other] -= 1
                    if degree[other] == 1:
                        ends.append(other)
        return self._with_multiple(kept)

    def _with_multiple(self, atoms: np.ndarray) -> np.ndarray:
        held = atoms.copy()
        for begin, end in self.bonds[(self.orders > 1) & ~self.in_ring].tolist():
            held[begin] |= atoms[end]
            held[end] |= atoms[begin]
        return held

    def attachments(self, atoms: np.ndarray) -> np.ndarray:
        """[atom] the marked atoms that have a bond to an atom that is not marked."""
        result = np.zeros(self.atoms, dtype=bool)
        across = self.bonds[atoms[self.bonds].sum(1) == 1].ravel() if len(self.bonds) else np.zeros(0, int)
        result[across] = True
        return result & atoms

    def connected_part(self, size: int, random: np.random.Generator) -> np.ndarray:
        """[atom] a connected part of ``size`` atoms, grown from a random atom by random neighbours.

        It is smaller where the atom's component is.
        """
        part = np.zeros(self.atoms, dtype=bool)
        border = [int(random.integers(self.atoms))]
        seen = set(border)
        count = 0
        while border and count < size:
            at = int(random.integers(len(border)))
            border[at], border[-1] = border[-1], border[at]
            atom = border.pop()
            part[atom] = True
            count += 1
            for other, _ in self.neighbours[atom]:
                if other not in seen:
                    seen.add(other)
                    border.append(other)
        return part
