"""Parts of a molecule cut by its bond graph alone: numpy and no RDKit, so that training may cut as it goes."""

from collections.abc import Iterable

import numpy as np

from moldiff.chemistry.bond_graph import BondGraph
from moldiff.chemistry.brics import brics_pieces

SMALLEST, LARGEST = 0.2, 0.8
"""Share of the atoms that a cut part has, at least and at most, where the molecule allows it."""


def cut_one(graph: BondGraph, random: np.random.Generator) -> np.ndarray:
    """[atom] one connected part, of one of four kinds with even chances; at least one atom is left outside.

    A random connected part of 20 to 80 % of the atoms, a ring system, the scaffold, or neighbouring pieces (see
    `_pieces`).

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

    With even chances they are pieces of the molecule that are not neighbours, or what remains when a connected part is
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


def _pieces(graph: BondGraph, random: np.random.Generator) -> list[np.ndarray]:
    """Those of BRICS with an even chance, where elements are known, else those of all single bonds outside rings."""
    if graph.elements is not None and random.random() < 0.5:
        pieces = brics_pieces(graph)
        if len(pieces) > 1:
            return pieces
    return graph.pieces


def _joined_pieces(graph: BondGraph, random: np.random.Generator) -> np.ndarray | None:
    """A piece and its neighbours, as long as they have no more than a random share of the atoms."""
    limit, pieces = _size(graph, random), _pieces(graph, random)
    owner = _owners(graph, pieces)
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
    pieces = _pieces(graph, random)
    owner = _owners(graph, pieces)
    chosen: list[int] = []
    taken: set[int] = set()
    for piece in random.permutation(len(pieces)).tolist():
        if piece in taken or pieces[piece].sum() < 2 or len(chosen) == number:
            continue
        atoms = np.flatnonzero(pieces[piece]).tolist()
        chosen.append(piece)
        taken |= {owner[other] for atom in atoms for other, _ in graph.neighbours[atom]} | {piece}
    return [pieces[piece] for piece in chosen]


def _owners(graph: BondGraph, pieces: list[np.ndarray]) -> list[int]:
    owner = [0] * graph.atoms
    for number, piece in enumerate(pieces):
        for atom in np.flatnonzero(piece).tolist():
            owner[atom] = number
    return owner
