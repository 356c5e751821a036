"""Which atoms of a kekulized graph RDKit calls aromatic, without RDKit: Hückel's rule on rings and on pairs of them."""

import numpy as np

from moldiff.chemistry.bond_graph import BondGraph

LARGEST = 7
"""Atoms of a ring at most."""
_C, _N, _O, _P, _S = 6, 7, 8, 15, 16


def aromatic_bonds(graph: BondGraph) -> np.ndarray:
    """[bond] whether a bond is in an aromatic ring; its two atoms are aromatic.

    Each ring of 5 to 7 atoms is tried, then each two that share one bond. It is RDKit's model but for systems that are
    aromatic only as three rings or more.

    Args:
        graph: with elements.
    """
    electrons = [_electrons(graph, atom) for atom in range(graph.atoms)]
    possible = [ring for ring in _rings(graph) if all(electrons[atom] is not None for atom in _atoms(graph, ring))]
    marks = np.zeros(len(graph.bonds), dtype=bool)

    def hueckel(bonds: frozenset[int]) -> bool:
        return sum(electrons[atom] or 0 for atom in _atoms(graph, bonds)) % 4 == 2

    alone = {ring for ring in possible if hueckel(ring)}
    around = set(alone)
    for number, first in enumerate(possible):
        for second in possible[:number]:
            if {first, second} <= alone or len(first & second) != 1:
                continue
            if hueckel(first | second):
                around.add(first ^ second)  # the bond that they share is not on the way around
    for ring in around:
        marks[list(ring)] = True
    return marks


def _electrons(graph: BondGraph, atom: int) -> int | None:
    """π electrons that an atom gives to a ring; None for one that no aromatic ring has."""
    number, charge = graph.element(atom), graph.charge(atom)
    multiple = [(other, bond) for other, bond in graph.neighbours[atom] if graph.orders[bond] > 1]
    if any(graph.orders[bond] > 2 for _, bond in multiple) or len(multiple) > 1:
        return None
    if multiple:
        other, bond = multiple[0]
        if graph.in_ring[bond]:
            return 1
        return {_C: 0 if graph.element(other) in (_N, _O, _S) else 1}.get(number)
    if number == _N:
        return 2 if charge <= 0 else None
    if number in (_O, _S):
        return 2 if len(graph.neighbours[atom]) == 2 and charge == 0 else None
    return 2 if number == _C and charge == -1 else None


def _rings(graph: BondGraph) -> list[frozenset[int]]:
    """The bonds of the smallest rings through each bond, in order and each once; those of 5 to 7 atoms."""
    found: dict[frozenset[int], None] = {}
    for bond in np.flatnonzero(graph.in_ring).tolist():
        begin, end = graph.bonds[bond].tolist()
        ways: list[tuple[int, frozenset[int]]] = [(begin, frozenset({bond}))]
        seen = {begin}
        while ways and len(ways[0][1]) < LARGEST:
            further: list[tuple[int, frozenset[int]]] = []
            reached: set[int] = set()
            for atom, way in ways:
                for other, crossed in graph.neighbours[atom]:
                    if graph.in_ring[crossed] and crossed not in way and other not in seen:
                        further.append((other, way | {crossed}))
                        reached.add(other)
            if closed := [way for atom, way in further if atom == end]:
                found.update((way, None) for way in closed if len(way) >= 5)
                break
            seen |= reached
            ways = further
    return list(found)


def _atoms(graph: BondGraph, bonds: frozenset[int]) -> set[int]:
    return {int(atom) for bond in bonds for atom in graph.bonds[bond]}
