"""Unordered pairs of atoms, packed: what is symmetric in a pair is computed and stored once, not twice.

Pairs are in order of their second atom, then of their first: (0, 1), (0, 2), (1, 2), (0, 3), ... The number of a pair,
column (column − 1) / 2 + row, does not depend on the number of atoms, so padding appends pairs and moves none.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor


@dataclass(frozen=True)
class PairIndex:
    """Positions of the unordered pairs of ``atoms`` atoms.

    Attributes:
        atoms: atoms of the padded molecules.
        row, column: [pair] the two atoms, row < column.
        forward, backward: [pair] position of (row, column) and (column, row) in a flattened [atom, atom] matrix.
        place: [atom * atom] the pair of each place of the flattened matrix; the diagonal points at an extra last one.

    >>> index = PairIndex.of(3, torch.device("cpu"))
    >>> index.row.tolist(), index.column.tolist()
    ([0, 0, 1], [1, 2, 2])
    """

    atoms: int
    row: Int[Tensor, " pair"]
    column: Int[Tensor, " pair"]
    forward: Int[Tensor, " pair"]
    backward: Int[Tensor, " pair"]
    place: Int[Tensor, " place"]

    @classmethod
    def of(cls, atoms: int, device: torch.device) -> "PairIndex":
        """The index of all pairs of this many atoms; those of the last sizes asked for are kept."""
        return _indexed(atoms, device)

    def pack(self, matrix: Shaped[Tensor, "molecule atom atom *channel"]) -> Shaped[Tensor, "molecule pair *channel"]:
        """The value of each pair of a symmetric matrix."""
        # backward: ascending positions, which are read faster
        return matrix.flatten(1, 2).index_select(1, self.backward)

    def real(self, mask: Bool[Tensor, "molecule atom"]) -> Bool[Tensor, "molecule pair"]:
        """Whether both atoms of a pair are marked."""
        return mask.index_select(1, self.row) & mask.index_select(1, self.column)

    def matrix(self, pairs: Shaped[Tensor, "molecule pair"]) -> Shaped[Tensor, "molecule atom atom"]:
        """The symmetric matrix of one value for each pair, zero on the diagonal; classes as well as features."""
        return _spread(pairs, self)

    def spread(self, pairs: Float[Tensor, "molecule pair channel"]) -> Float[Tensor, "molecule atom atom channel"]:
        """The symmetric matrix of the pairs' values, zero on the diagonal."""
        return _Spread.apply(pairs, self)


@lru_cache(maxsize=64)
def _indexed(atoms: int, device: torch.device) -> PairIndex:
    with torch.inference_mode(False):  # a kept index serves training too
        column, row = torch.tril_indices(atoms, atoms, offset=-1, device=device)
        forward, backward = row * atoms + column, column * atoms + row
        place = torch.full((atoms * atoms,), len(row), device=device)
        place[forward] = place[backward] = torch.arange(len(row), device=device)
        return PairIndex(atoms, row, column, forward, backward, place)


def pair_number(row: Int[Tensor, "*place"], column: Int[Tensor, "*place"]) -> Int[Tensor, "*place"]:
    """The number of the pair of two different atoms, in either order."""
    low, high = torch.minimum(row, column), torch.maximum(row, column)
    return high * (high - 1) // 2 + low


def pair_count(atoms: int) -> int:
    """How many pairs this many atoms have."""
    return atoms * (atoms - 1) // 2


class _Spread(torch.autograd.Function):
    """Each pair's value at both of its places; the gradient gathers both again."""

    @staticmethod
    def forward(ctx: Any, pairs: Tensor, index: PairIndex) -> Tensor:
        ctx.index = index
        return _spread(pairs, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        flat, index = gradient.flatten(1, 2), ctx.index
        return flat.index_select(1, index.forward) + flat.index_select(1, index.backward), None


def _spread(pairs: Tensor, index: PairIndex) -> Tensor:
    padded = torch.cat([pairs, pairs.new_zeros(len(pairs), 1, *pairs.shape[2:])], 1)
    return padded.index_select(1, index.place).unflatten(1, (index.atoms, index.atoms))
