"""Bond orders and formal charges of a molecule of which only the atoms and who is bonded to whom are known."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

_CHARGE = 10.0
"""Cost of a formal charge; a second one on the same atom costs three times as much again."""
_NEIGHBOURS = {-1: -6.0, 1: 8.0}
"""Cost of a bond between opposite charges (nitro groups, N-oxides) and between like ones."""
_WITHIN = 1.0
"""Cost of a negative charge on an atom with several neighbours: an azide is N=[N+]=[N-]."""
_CARBONYL = -2.0
"""Cost of the second bond of C=O, P=O and S=O: a diazoketone is O=CC=[N+]=[N-], not [O-]C=C[N+]#N."""
_LENGTH = 0.5
"""Cost of a further bond for each sum of covalent radii that it is long: double bonds are short."""
_MOST_CHARGE = 12
_BEAM = 20_000
"""Partial solutions that are kept; drug-like molecules have some dozens, C60 some thousands."""

# Valence, formal charge, cost beyond that of the charge. Hypervalent S, P and halogens are written without charges, as
# RDKit and the public data sets do.
_HALOGEN = ((1, 0, 0.0), (0, -1, 0.0), (2, 1, 8.0), (3, 0, 5.0), (5, 0, 6.0), (7, 0, 7.0))
_CHALCOGEN = ((2, 0, 0.0), (1, -1, 1.0), (3, 1, 2.0), (4, 0, 4.0), (6, 0, 6.0), (0, -2, 10.0))
_PNICTOGEN = ((3, 0, 0.0), (5, 0, 2.0), (4, 1, 1.0), (2, -1, 5.0), (6, -1, 0.0))
_TETRAVALENT = ((4, 0, 0.0), (3, -1, 8.0), (6, -2, 0.0))
_States = tuple[tuple[int, int, float], ...]
_VALENCES: dict[int, _States] = {
    1: ((1, 0, 0.0), (0, 1, 0.0), (0, -1, 5.0)),
    5: ((3, 0, 0.0), (4, -1, -5.0)),
    6: ((4, 0, 0.0), (3, -1, 8.0), (3, 1, 12.0)),
    7: ((3, 0, 0.0), (4, 1, 0.0), (2, -1, 1.0), (1, -2, 20.0)),
    8: ((2, 0, 0.0), (1, -1, 0.0), (3, 1, 6.0), (0, -2, 10.0)),
    9: ((1, 0, 0.0), (0, -1, 0.0)),
    13: ((3, 0, 0.0), (4, -1, 0.0)),
    14: _TETRAVALENT,
    15: _PNICTOGEN,
    16: _CHALCOGEN,
    17: _HALOGEN,
    32: _TETRAVALENT,
    33: _PNICTOGEN,
    34: _CHALCOGEN,
    35: _HALOGEN,
    50: _TETRAVALENT,
    52: _CHALCOGEN,
    53: _HALOGEN,
    **dict.fromkeys((2, 10, 18, 36), ((0, 0, 0.0),)),
    **dict.fromkeys((3, 11, 19, 37, 55), ((0, 1, -5.0), (1, 0, 0.0))),
    **dict.fromkeys((4, 12, 20, 30, 38, 56), ((0, 2, -15.0), (2, 0, 0.0))),
}
_NEUTRAL: frozenset[tuple[int, int]] = frozenset()
_COMMON = frozenset(((7, 1), (7, -1), (8, -1), (16, -1), (15, 1), (5, -1)))
"""Atomic numbers and charges of bonded atoms in the usual charged groups."""
_MAY_BE_POSITIVE = frozenset((7, 8, 15, 16))


class Assignment(NamedTuple):
    """Orders [bond] and formal charges [atom], and how unusual they are."""

    orders: list[int]
    charges: list[int]
    cost: float


class _Atom(NamedTuple):
    """What an atom may be: bonds beyond the single ones, formal charge, cost."""

    states: _States
    neighbours: list[int]


# A partial solution: of each atom at the border the bonds it still needs and its charge, and the charge of all so far.
_Border = tuple[tuple[tuple[int, int], ...], int]
_Step = dict[_Border, tuple[float, _Border | None, int, tuple[int, ...]]]


def assign(
    numbers: Sequence[int], bonds: Sequence[tuple[int, int]], lengths: Sequence[float], charge: int
) -> Assignment | None:
    """The closed-shell structure of least cost with these bonds and this total charge, or None.

    Exact dynamic programming over the border between the atoms that are done and those that are not, so the time
    grows with the molecule's size and not with the number of its resonance structures. Structures without charges are
    looked for first, then those with common ones: what they miss would cost more.

    Args:
        numbers: atomic numbers [atom].
        bonds: who is bonded to whom [bond].
        lengths: of the bonds, in sums of the covalent radii [bond].
        charge: the sum of formal charges.
    """
    for allowed in (_NEUTRAL, _COMMON, None):
        assignment = _assign(_atoms(numbers, bonds, charge, allowed), numbers, bonds, lengths, charge)
        if assignment is not None:
            return assignment
    return None


def _assign(
    atoms: Sequence[_Atom],
    numbers: Sequence[int],
    bonds: Sequence[tuple[int, int]],
    lengths: Sequence[float],
    charge: int,
) -> Assignment | None:
    place = {frozenset(bond): index for index, bond in enumerate(bonds)}
    if any(not atom.states for atom in atoms):
        return None
    order = _order(atoms)
    if not order:
        return Assignment([1] * len(bonds), [0] * len(atoms), 0.0) if charge == 0 else None
    rank = {atom: step for step, atom in enumerate(order)}
    last = [max((rank.get(other, -1) for other in atom.neighbours), default=-1) for atom in atoms]
    border: list[int] = []
    steps: list[tuple[int, list[int], _Step]] = []
    current: _Step = {((), 0): (0.0, None, 0, ())}
    for step, atom in enumerate(order):
        earlier = [other for other in atoms[atom].neighbours if rank.get(other, step) < step]
        cost = [_LENGTH * lengths[place[frozenset((atom, other))]] for other in earlier]
        carbonyl = [_CARBONYL if _is_carbonyl(numbers[atom], numbers[other]) else 0.0 for other in earlier]
        slots = [border.index(other) for other in earlier]
        kept = [slot for slot, other in enumerate([*border, atom]) if max(last[other], rank[other]) > step]
        closed = [slot for slot in range(len(border) + 1) if slot not in kept]
        following: _Step = {}
        for key, (so_far, *_) in current.items():
            for number, (needed, own, price) in enumerate(atoms[atom].states):
                total = key[1] + own
                if abs(total) > _MOST_CHARGE:
                    continue
                base = so_far + price + sum(_between(own, key[0][slot][1]) for slot in slots)
                for extra in _shares(needed, [key[0][slot][0] for slot in slots]):
                    open_bonds = [*key[0], (needed - sum(extra), own)]
                    for slot, count in zip(slots, extra, strict=True):
                        open_bonds[slot] = (open_bonds[slot][0] - count, open_bonds[slot][1])
                    if any(open_bonds[slot][0] for slot in closed):
                        continue
                    new = (tuple(open_bonds[slot] for slot in kept), total)
                    value = base
                    for count, length, gain in zip(extra, cost, carbonyl, strict=True):
                        value += count * length + (gain if count else 0.0)
                    if new not in following or value < following[new][0]:
                        following[new] = (value, key, number, extra)
        if len(following) > _BEAM:
            following = dict(sorted(following.items(), key=lambda item: item[1][0])[:_BEAM])
        border = [[*border, atom][slot] for slot in kept]
        steps.append((atom, earlier, following))
        current = following
    if ((), charge) not in current:
        return None
    assignment = _trace(steps, atoms, place, charge)
    return assignment if _is_sensible(assignment, atoms, numbers, charge) else None


def _atoms(
    numbers: Sequence[int], bonds: Sequence[tuple[int, int]], charge: int, allowed: frozenset[tuple[int, int]] | None
) -> list[_Atom]:
    neighbours: list[list[int]] = [[] for _ in numbers]
    for first, second in bonds:
        neighbours[first].append(second)
        neighbours[second].append(first)
    states = [_states(number, len(others), allowed, charge) for number, others in zip(numbers, neighbours, strict=True)]
    if allowed is None and charge >= 0:
        for atom, others in enumerate(neighbours):
            if numbers[atom] == 6 and not any(numbers[other] in _MAY_BE_POSITIVE for other in others):
                states[atom] = tuple(state for state in states[atom] if state[1] >= 0)
    most = [max((min(2, state[0]) for state in own), default=0) for own in states]
    atoms = []
    for own, others in zip(states, neighbours, strict=True):
        room = sum(most[other] for other in others)  # states that need more than the neighbours can give are left out
        atoms.append(_Atom(tuple(state for state in own if state[0] <= room), others))
    return atoms


@cache
def _states(number: int, degree: int, allowed: frozenset[tuple[int, int]] | None, charge: int) -> _States:
    """What an atom with so many neighbours may be in a molecule of that charge."""
    states = []
    for valence, own, price in _VALENCES.get(number, ()):
        if valence < degree or valence > 3 * degree:
            continue
        if own and degree and allowed is not None and (number, own) not in allowed:
            continue
        if number == 6 and own > 0 >= charge:
            continue
        price += _CHARGE * (abs(own) + 2 * max(abs(own) - 1, 0))
        if own < 0 and degree > 1 and number != 5:
            price += _WITHIN
        states.append((valence - degree, own, price))
    return tuple(states)


def _order(atoms: Sequence[_Atom]) -> list[int]:
    """The atoms that leave a choice, in an order in which few are done while their neighbours are not."""
    done = [len(atom.states) == 1 and atom.states[0][:2] == (0, 0) for atom in atoms]
    order: list[int] = []
    open_neighbours = [sum(not done[other] for other in atom.neighbours) for atom in atoms]
    waiting: set[int] = set()

    def growth(atom: int) -> tuple[int, int, int]:
        """By how much the border grows with an atom, then how many new neighbours it brings."""
        ended = sum(1 for other in atoms[atom].neighbours if done[other] and open_neighbours[other] == 1)
        return (open_neighbours[atom] > 0) - ended, open_neighbours[atom], atom

    starts = sorted(
        (atom for atom in range(len(atoms)) if not done[atom]), key=lambda atom: (open_neighbours[atom], atom)
    )
    for start in starts:
        if not done[start]:
            waiting.add(start)
        while waiting:
            atom = min(waiting, key=growth) if len(waiting) > 1 else next(iter(waiting))
            done[atom] = True
            order.append(atom)
            waiting.discard(atom)
            for other in atoms[atom].neighbours:
                open_neighbours[other] -= 1
                if not done[other]:
                    waiting.add(other)
    return order


def _shares(needed: int, rooms: list[int]) -> Iterator[tuple[int, ...]]:
    """Ways to give up to ``needed`` further bonds to neighbours with that much room each, at most two to one."""
    if not rooms:
        yield ()
        return
    for count in range(min(needed, rooms[0], 2) + 1):
        for rest in _shares(needed - count, rooms[1:]):
            yield (count, *rest)


def _between(charge: int, other: int) -> float:
    product = charge * other
    return _NEIGHBOURS[1 if product > 0 else -1] if product else 0.0


def _is_carbonyl(number: int, other: int) -> bool:
    return (number == 8 and other in (6, 15, 16)) or (other == 8 and number in (6, 15, 16))


def _trace(
    steps: list[tuple[int, list[int], _Step]], atoms: Sequence[_Atom], place: dict[frozenset[int], int], charge: int
) -> Assignment:
    orders = [1] * len(place)
    charges = [0] * len(atoms)
    key: _Border | None = ((), charge)
    cost = steps[-1][2][((), charge)][0]
    for atom, earlier, step in reversed(steps):
        assert key is not None
        _, key, number, extra = step[key]
        charges[atom] = atoms[atom].states[number][1]
        for other, count in zip(earlier, extra, strict=True):
            orders[place[frozenset((atom, other))]] += count
    return Assignment(orders, charges, cost)


def _is_sensible(assignment: Assignment, atoms: Sequence[_Atom], numbers: Sequence[int], charge: int) -> bool:
    """Whether a carbanion in a molecule that is not negative has a positive neighbour (isocyanides, ylides)."""
    return charge < 0 or all(
        any(assignment.charges[other] > 0 for other in atoms[atom].neighbours)
        for atom, own in enumerate(assignment.charges)
        if own < 0 and numbers[atom] == 6
    )
