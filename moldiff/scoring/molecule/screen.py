"""Which of many SMARTS patterns cannot match a molecule, by the kinds of its atoms and bonds.

Hundreds of patterns are asked of every molecule, and few match. A pattern can match only if each of its bonds finds
a bond of its order whose two ends fit. Molecules share some hundreds of kinds of bonds; which conditions a kind meets
is worked out once. What is left over is matched by RDKit, so the screen saves time and never decides: whatever it
does not understand, it lets pass.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from moldiff.scoring.molecule.graph import atoms, bonds


class AtomKind(NamedTuple):
    """What the primitives of SMARTS ask of an atom."""

    number: int
    aromatic: bool
    hydrogens: int
    charge: int
    degree: int
    connections: int
    ring: bool


_Key = tuple[int, bool, int, int, int, int, bool]
AtomTest = Callable[[AtomKind], bool]
Edge = tuple[str, str, str]
"""SMARTS of an atom, a bond and an atom; an atom without bonds is on both sides of `_NO_BOND`."""

_NO_BOND = "."
_ALONE = -1.0
_ORDERS = {"": (1.0, 1.5), "-": (1.0,), "=": (2.0,), "#": (3.0,), ":": (1.5,), _NO_BOND: (_ALONE,)}
_ELEMENTS = {Chem.GetPeriodicTable().GetElementSymbol(number): number for number in range(1, 119)}
_COUNTED = {"H": "hydrogens", "D": "degree", "X": "connections"}


class Screen:
    """Conditions of a list of patterns, and what has been worked out about the kinds of bonds that were met."""

    def __init__(self, patterns: Sequence[Chem.Mol]) -> None:
        """Take the patterns, made by `MolFromSmarts`, apart."""
        self._count = len(patterns)
        rows = [(place, row) for place, pattern in enumerate(patterns) for row in _alternatives(pattern)]
        edges = {edge: number for number, edge in enumerate(dict.fromkeys(e for _, row in rows for e in row))}
        texts = {text: number for number, text in enumerate(dict.fromkeys(t for e in edges for t in (e[0], e[2])))}
        self._tests = [_atom_test(text) for text in texts]
        self._first = np.array([texts[first] for first, _, _ in edges], dtype=np.int64)
        self._last = np.array([texts[last] for _, _, last in edges], dtype=np.int64)
        self._bonds = [text for _, text, _ in edges]
        needed = np.zeros((len(rows), len(edges)), dtype=bool)
        for number, (_, row) in enumerate(rows):
            needed[number, [edges[edge] for edge in row]] = True
        self._needed = _packed(needed)
        self._place = np.array([place for place, _ in rows], dtype=np.int64)
        self._kinds: dict[_Key, int] = {}
        self._passed: list[NDArray[np.bool_]] = []
        self._fits: dict[float, NDArray[np.bool_]] = {}
        self._met: dict[tuple[int, float, int], NDArray[np.uint64]] = {}

    def possible(self, mol: Chem.Mol) -> list[int]:
        """Places of the patterns that may match a sanitized molecule, ascending."""
        known_kinds = self._kinds
        keys = [
            (
                atom.GetAtomicNum(),
                atom.GetIsAromatic(),
                atom.GetTotalNumHs(True),
                atom.GetFormalCharge(),
                atom.GetDegree(),
                atom.GetTotalDegree(),
                atom.IsInRing(),
            )
            for atom in atoms(mol)
        ]
        kinds = [known_kinds[key] if key in known_kinds else self._kind(key) for key in keys]
        edges = {(kind, _ALONE, kind) for kind in kinds}
        for bond in bonds(mol):
            edges.add((kinds[bond.GetBeginAtomIdx()], bond.GetBondTypeAsDouble(), kinds[bond.GetEndAtomIdx()]))
        known = self._met
        met = np.bitwise_or.reduce([known[edge] if edge in known else self._meets(*edge) for edge in edges])
        # places ascend, and a pattern with several alternatives has its place several times
        return list(dict.fromkeys(self._place[~(self._needed & ~met).any(axis=1)].tolist()))

    def _kind(self, key: _Key) -> int:
        """Number of a kind of atom that was not met before, given the fields of `AtomKind`."""
        number = self._kinds[key] = len(self._passed)
        kind = AtomKind(*key)
        self._passed.append(np.array([test(kind) for test in self._tests], dtype=bool))
        return number

    def _meets(self, first: int, order: float, last: int) -> NDArray[np.uint64]:
        """Packed conditions that a bond meets, whichever end comes first."""
        if order not in self._fits:
            fits = [
                order in _ORDERS.get(text, (order,)) and (order == _ALONE) == (text == _NO_BOND) for text in self._bonds
            ]
            self._fits[order] = np.array(fits, dtype=bool)
        one, other = self._passed[first], self._passed[last]
        ends = (one[self._first] & other[self._last]) | (other[self._first] & one[self._last])
        packed = self._met[first, order, last] = _packed(ends & self._fits[order])
        return packed


def _packed(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Flags [..., E] as bits in words [..., W]."""
    padding = [(0, 0)] * (flags.ndim - 1) + [(0, -flags.shape[-1] % 64)]
    return np.packbits(np.pad(flags, padding), axis=-1).view(np.uint64)


def _alternatives(pattern: Chem.Mol) -> list[list[Edge]]:
    """Sets of conditions, of which one must be met as a whole."""
    if pattern.GetNumAtoms() == 1:
        clauses = _clauses(pattern.GetAtomWithIdx(0).GetSmarts())
        choices = [clause for clause in clauses if len(clause) > 1]
        if len(choices) == 1:
            rest = [clause for clause in clauses if len(clause) == 1]
            return [_conditions([*rest, [term]]) for term in choices[0]]
    return [_edges(pattern)]


def _edges(pattern: Chem.Mol) -> list[Edge]:
    texts = [atom.GetSmarts() for atom in atoms(pattern)]
    conditions = [(texts[b.GetBeginAtomIdx()], b.GetSmarts(), texts[b.GetEndAtomIdx()]) for b in bonds(pattern)]
    for atom, text in zip(atoms(pattern), texts, strict=True):
        conditions += _conditions(_clauses(text)) if atom.GetDegree() == 0 else _inner(_clauses(text))
    return conditions


def _conditions(clauses: list[list[list[str]]]) -> list[Edge]:
    """Conditions of one atom without bonds, and those of the environments that it must have."""
    text = "[" + ";".join(",".join("&".join(term) for term in clause) for clause in clauses) + "]"
    return [(text, _NO_BOND, text), *_inner(clauses)]


def _inner(clauses: list[list[list[str]]]) -> Iterator[Edge]:
    for clause in clauses:
        for primitive in clause[0] if len(clause) == 1 else ():
            if (pattern := _environment(primitive)) is not None:
                yield from _edges(pattern)


def _environment(primitive: str) -> Chem.Mol | None:
    return Chem.MolFromSmarts(primitive[2:-1]) if primitive.startswith("$(") else None


def _clauses(text: str) -> list[list[list[str]]]:
    """An atom's SMARTS as ANDed clauses of ORed terms of ANDed primitives."""
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return [[_split(term, "&") for term in _split(clause, ",")] for clause in _split(inside, ";")]


def _split(text: str, separator: str) -> list[str]:
    """Parts between separators that are not within parentheses or brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _atom_test(text: str) -> AtomTest:
    clauses = [[[_primitive(one) for one in term] for term in clause] for clause in _clauses(text)]
    return lambda kind: all(any(all(test(kind) for test in term) for term in clause) for clause in clauses)


def _primitive(text: str) -> AtomTest:
    """Whether an atom may fit; true of everything where the text is not understood."""
    if text.startswith("!"):
        exact = _exact(text[1:])
        return (lambda kind: not exact(kind)) if exact else _anything
    if (pattern := _environment(text)) is not None:
        return _atom_test(pattern.GetAtomWithIdx(0).GetSmarts())
    if re.fullmatch(r"[Rr][1-9]\d*", text):
        return lambda kind: kind.ring
    return _exact(text) or _anything


def _anything(kind: AtomKind) -> bool:
    return True


def _exact(text: str) -> AtomTest | None:
    """The meaning of a primitive that an atom's kind decides, None of any other."""
    if text in {"R", "r", "R0"}:
        return lambda kind: kind.ring == (text != "R0")
    if text in {"a", "A"}:
        return lambda kind: kind.aromatic == (text == "a")
    if re.fullmatch(r"#\d+", text):
        wanted = int(text[1:])
        return lambda kind: kind.number == wanted
    if re.fullmatch(r"[HDX]\d+", text):
        field, count = _COUNTED[text[0]], int(text[1:])
        return lambda kind: bool(getattr(kind, field) == count)
    if match := re.fullmatch(r"([+-])(\d*)", text):
        charge = int(match[1] + (match[2] or "1"))
        return lambda kind: kind.charge == charge
    if text != "H" and text.capitalize() in _ELEMENTS and text in {text.capitalize(), text.lower()}:
        number, aromatic = _ELEMENTS[text.capitalize()], text.islower()
        return lambda kind: kind.number == number and kind.aromatic == aromatic
    return None
