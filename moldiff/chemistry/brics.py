"""BRICS: bonds at which a synthesis might join a molecule (Degen et al., ChemMedChem 3, 1503, 2008), without RDKit.

The environments and the pairs of them between which bonds are cut are those of RDKit's `Chem.BRICS`; their numbers are
the paper's.
"""

import numpy as np

from moldiff.chemistry.aromaticity import aromatic_bonds
from moldiff.chemistry.bond_graph import BondGraph

_H, _C, _N, _O, _S = 1, 6, 7, 8, 16
_SINGLE = {
    1: (3, 5, 10),
    3: (4, 13, 14, 15, 16),
    4: (5, 11),
    5: (12, 13, 14, 15, 16),
    6: (13, 14, 15, 16),
    8: (9, 10, 13, 14, 15, 16),
    9: (13, 14, 15, 16),
    10: (13, 14, 15, 16),
    11: (13, 14, 15, 16),
    13: (14, 15, 16),
    14: (14, 15, 16),
    15: (16,),
    16: (16,),
}
"""Environments between which a single bond outside rings is cut."""
_DOUBLE = 7
"""The environment that a double bond is cut between."""


def brics_bonds(graph: BondGraph) -> np.ndarray:
    """[bond] whether BRICS cuts it.

    Args:
        graph: kekulized, with elements; hydrogens may be atoms of it.
    """
    marks = np.zeros(len(graph.bonds), dtype=bool)
    outside = np.flatnonzero(~graph.in_ring).tolist()
    if not outside:
        return marks
    around = _Around(graph)
    kinds: dict[int, frozenset[int]] = {}
    for bond in outside:
        ends = graph.bonds[bond].tolist()
        first, second = (kinds.setdefault(atom, around.environments(atom)) for atom in ends)
        if graph.orders[bond] == 2:
            marks[bond] = _DOUBLE in first and _DOUBLE in second
        elif graph.orders[bond] == 1:
            marks[bond] = any(
                set(_SINGLE.get(kind, ())) & there for own, there in ((first, second), (second, first)) for kind in own
            )
    return marks


def brics_pieces(graph: BondGraph) -> list[np.ndarray]:
    """The pieces of a molecule that is cut at all BRICS bonds, each a mask [atom]."""
    return graph.components(np.ones(graph.atoms, dtype=bool), ~brics_bonds(graph))


class _Around:
    """What stands around each atom of a graph."""

    def __init__(self, graph: BondGraph) -> None:
        self.graph = graph
        aromatic = aromatic_bonds(graph)
        self.aromatic_bond = aromatic.tolist()
        self.aromatic = np.zeros(graph.atoms, dtype=bool)
        self.aromatic[graph.bonds[aromatic].ravel()] = True
        self.in_ring = np.zeros(graph.atoms, dtype=bool)
        self.in_ring[graph.bonds[graph.in_ring].ravel()] = True

    def environments(self, atom: int) -> frozenset[int]:
        """The numbers of the environments that an atom has."""
        ask = {_C: self._carbon, _N: self._nitrogen, _O: self._oxygen, _S: self._sulphur}.get(self.graph.element(atom))
        return frozenset(ask(atom)) if ask else frozenset()

    def _carbon(self, atom: int) -> set[int]:
        near = self._near(atom)
        degree, single = len(near), [other for other, order, _ in near if order == 1]
        if self.aromatic[atom]:
            others = [other for other, _, bond in near if self.aromatic_bond[bond]]
            numbers = [self.graph.element(other) for other in others]
            return ({14} if self._pair(numbers, {_N, _O, _S}, {_C, _N, _O, _S}) else set()) | (
                {16} if numbers.count(_C) > 1 else set()
            )
        found: set[int] = set()
        ring, numbers = bool(self.in_ring[atom]), [self.graph.element(other) for other in single]
        doubly = [self.graph.element(other) for other, order, _ in near if order == 2]
        if degree == 3 and _O in doubly:
            found |= {1} if {_C, _N, _O} & set(numbers) else set()
            found |= {6} if not ring and {_C, _N, _O} & set(numbers) else set()
        if degree != 1 and not doubly and self._hangs_on(atom, {_C}):
            found.add(4)
        if degree in (2, 3) and _C in numbers:
            found.add(7)
        if degree != 1 and not ring and len(single) == degree:
            found.add(8)
        within = [
            self.graph.element(other)
            for other, order, bond in near
            if order == 1 and self.graph.in_ring[bond] and not self.aromatic[other]
        ]
        if self._pair(within, {_N, _O, _S}, {_C, _N, _O, _S}):
            found.add(13)
        if within.count(_C) > 1:
            found.add(15)
        return found

    def _nitrogen(self, atom: int) -> set[int]:
        near = self._near(atom)
        if self.aromatic[atom]:
            numbers = [self.graph.element(other) for other, _, bond in near if self.aromatic_bond[bond]]
            return {9} if self.graph.charge(atom) == 0 and self._pair(numbers, *[{_C, _N, _O, _S}] * 2) else set()
        found: set[int] = set()
        amide = any(self.graph.in_ring[bond] and self._is_carbonyl(other) for other, _, bond in near)
        plain = all(order == 1 and self.graph.element(other) in (_C, _S) for other, order, _ in near)
        if len(near) != 1 and plain and not amide:
            found.add(5)
        within = [
            other
            for other, _, bond in near
            if self.graph.in_ring[bond] and not self.aromatic[other] and self.graph.element(other) in (_C, _N, _O, _S)
        ]
        if any(self._is_carbonyl(other) for other in within) and len(within) > 1:
            found.add(10)
        return found

    def _oxygen(self, atom: int) -> set[int]:
        alone = len(self._near(atom)) == 2 and not self.aromatic[atom]
        return {3} if alone and self._hangs_on(atom, {_C}) else set()

    def _sulphur(self, atom: int) -> set[int]:
        near = self._near(atom)
        if self.aromatic[atom]:
            return set()
        if len(near) == 2:
            return {11} if self._hangs_on(atom, {_C}) else set()
        oxides = sum(order == 2 and self.graph.element(other) == _O for other, order, _ in near)
        carbon = any(order == 1 and self.graph.element(other) == _C for other, order, _ in near)
        return {12} if len(near) == 4 and oxides == 2 and carbon else set()

    def _near(self, atom: int) -> list[tuple[int, int, int]]:
        """Neighbours that are not hydrogen, the orders and the numbers of the bonds to them."""
        graph = self.graph
        return [
            (other, int(graph.orders[bond]), bond)
            for other, bond in graph.neighbours[atom]
            if graph.element(other) != _H
        ]

    def _hangs_on(self, atom: int, numbers: set[int]) -> bool:
        """Whether a single bond outside rings leads to one of these elements."""
        return any(
            order == 1 and not self.graph.in_ring[bond] and self.graph.element(other) in numbers
            for other, order, bond in self._near(atom)
        )

    def _is_carbonyl(self, atom: int) -> bool:
        """Whether it is a carbon, not aromatic, with a double bond to oxygen."""
        if self.graph.element(atom) != _C or self.aromatic[atom]:
            return False
        return any(order == 2 and self.graph.element(other) == _O for other, order, _ in self._near(atom))

    @staticmethod
    def _pair(numbers: list[int], first: set[int], second: set[int]) -> bool:
        """Whether two of the atoms are one of each."""
        return any(
            one in first and other in second
            for place, one in enumerate(numbers)
            for at, other in enumerate(numbers)
            if at != place
        )
