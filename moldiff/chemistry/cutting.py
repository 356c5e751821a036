"""Parts of a molecule cut by its bond graph alone: numpy and no RDKit, so that training may cut as it goes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SMALLEST, LARGEST = 0.2, 0.8
"""Share of the atoms that a cut part has, at least and at most, where the molecule allows it."""


@dataclass(frozen=True)
class BondGraph:
    """Atoms and bonds without their elements.

    Attributes:
        atoms: number of atoms.
        bonds: [bond, 2] the two atoms of each bond.
        orders: [bond] 1, 2 or 3.
    """

    atoms: int
    bonds: np.ndarray
    orders: np.ndarray

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

        Ring systems with their small substituents, and the links between them: the graph's part of BRICS
        (Degen et al. 2008), without its rules on elements.
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


def cut_one(graph: BondGraph, random: np.random.Generator) -> np.ndarray:
    """[atom] one connected part, of one of four kinds with even chances; at least one atom is left outside.

    A random connected part of 20 to 80 % of the atoms, a ring system, the scaffold, or neighbouring pieces.

    Raises:
        ValueError: the molecule has a single atom.
    """
    if graph.atoms < 2:
        raise ValueError("one atom cannot be cut")
    kind = int(random.integers(4))
    part = None
    if kind == 1 and graph.ring_systems:
        part = graph.ring_systems[int(random.integers(len(graph.ring_systems)))]
    elif kind == 2:
        part = graph.scaffold
    elif kind == 3:
        part = _joined_pieces(graph, random)
    if part is None or not 0 < part.sum() < graph.atoms:
        part = graph.connected_part(_size(graph, random), random)
        if part.all():
            part[int(np.flatnonzero(part)[-1])] = False
            part = graph.components(part)[0]
    return part


def cut_several(graph: BondGraph, random: np.random.Generator, most: int = 3) -> list[np.ndarray]:
    """Two or more parts that no bond joins, each a mask [atom]; empty if the molecule has none.

    With even chances they are pieces of the molecule that are no neighbours, or what remains when a connected part is
    taken out of the middle.
    """
    if random.random() < 0.5:
        parts = _pieces_apart(graph, random, int(random.integers(2, most + 1)))
        if len(parts) > 1:
            return parts
    for _ in range(4):
        outside = ~graph.connected_part(_size(graph, random, 0.5), random)
        parts = sorted(graph.components(outside), key=lambda part: -int(part.sum()))[:most]
        parts = [part for part in parts if part.sum() > 1]
        if len(parts) > 1:
            return parts
    return []


def union(parts: Iterable[np.ndarray], atoms: int) -> np.ndarray:
    """[atom] the atoms of any of the parts."""
    result = np.zeros(atoms, dtype=bool)
    for part in parts:
        result |= part
    return result


def _size(graph: BondGraph, random: np.random.Generator, largest: float = LARGEST) -> int:
    return max(1, round(graph.atoms * float(random.uniform(SMALLEST, largest))))


def _joined_pieces(graph: BondGraph, random: np.random.Generator) -> np.ndarray | None:
    """A piece and its neighbours, as long as they have no more than a random share of the atoms."""
    limit, pieces = _size(graph, random), graph.pieces
    owner = _owners(graph)
    start = int(random.integers(len(pieces)))
    chosen, border = pieces[start].copy(), [start]
    seen = {start}
    while border:
        atoms = np.flatnonzero(pieces[border.pop()]).tolist()
        near = {owner[other] for atom in atoms for other, _ in graph.neighbours[atom]} - seen
        for piece in random.permutation(sorted(near)).tolist():
            seen.add(piece)
            if chosen.sum() + pieces[piece].sum() <= limit:
                chosen |= pieces[piece]
                border.append(piece)
    return chosen


def _pieces_apart(graph: BondGraph, random: np.random.Generator, number: int) -> list[np.ndarray]:
    """Random pieces of two or more atoms of which no two are neighbours, at most ``number``."""
    owner, pieces = _owners(graph), graph.pieces
    chosen: list[int] = []
    taken: set[int] = set()
    for piece in random.permutation(len(pieces)).tolist():
        if piece in taken or pieces[piece].sum() < 2 or len(chosen) == number:
            continue
        atoms = np.flatnonzero(pieces[piece]).tolist()
        chosen.append(piece)
        taken |= {owner[other] for atom in atoms for other, _ in graph.neighbours[atom]} | {piece}
    return [pieces[piece] for piece in chosen]


def _owners(graph: BondGraph) -> list[int]:
    owner = [0] * graph.atoms
    for number, piece in enumerate(graph.pieces):
        for atom in np.flatnonzero(piece).tolist():
            owner[atom] = number
    return owner
