"""Several kept parts as one, each in its pose."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.chemistry.exits import Exit
from moldiff.chemistry.fragments import Fragment
from moldiff.errors import UserError

NEAREST = 0.8
"""Smallest distance, Å, of atoms of two parts."""


def joined(fragments: Sequence[Fragment]) -> Fragment:
    """Several parts as one, each in its pose.

    Raises:
        UserError: two atoms of different parts coincide.
    """
    offsets = np.cumsum([0, *(len(one) for one in fragments)])
    positions = np.concatenate([one.arrays.positions for one in fragments])
    for number, one in enumerate(fragments):
        others = np.delete(positions, np.arange(offsets[number], offsets[number + 1]), 0)
        if len(others) and np.linalg.norm(one.arrays.positions[:, None] - others, axis=2).min() < NEAREST:
            raise UserError(
                f"{one.name}: an atom is nearer than {NEAREST} Å to one of another part; move the parts apart"
            )
    placed = list(zip(fragments, offsets.tolist(), strict=False))
    arrays = MoleculeArrays(
        positions,
        np.concatenate([one.arrays.atomic_numbers for one in fragments]),
        np.concatenate([one.arrays.formal_charges for one in fragments]),
        np.concatenate([one.arrays.bonds + np.uint16(first) for one, first in placed]),
        np.concatenate([one.arrays.bond_orders for one in fragments]),
    )
    sides = tuple(
        replace(side, atom=side.atom + first, others=(side.others[0] + first, side.others[1] + first))
        for one, first in placed
        for side in one.sides
    )
    exits = tuple(Exit(leaving.atom + first, leaving.direction) for one, first in placed for leaving in one.exits)
    return Fragment(
        arrays,
        exits,
        all(one.marked for one in fragments),
        sides,
        " + ".join(one.name for one in fragments),
    )
