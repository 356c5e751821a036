"""Unordered pairs of atoms, packed: what is symmetric in a pair is computed and stored once, not twice."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor


@dataclass(frozen=True)
class PairIndex:
    """Where the unordered pairs of ``atoms`` atoms stand.

    Attributes:
        atoms: atoms of the padded molecules.
        row, column: [pair] the two atoms, row < column.
        forward, backward: [pair] position of (row, column) and (column, row) in a flattened [atom, atom] matrix.
        place: [atom * atom] the pair of each place of the flattened matrix; the diagonal points at an extra last one.
    """

    atoms: int
    row: Int[Tensor, " pair"]
    column: Int[Tensor, " pair"]
    forward: Int[Tensor, " pair"]
    backward: Int[Tensor, " pair"]
    place: Int[Tensor, " place"]

    @classmethod
    def of(cls, atoms: int, device: torch.device) -> "PairIndex":
        """The index of all pairs of this many atoms."""
        row, column = torch.triu_indices(atoms, atoms, offset=1, device=device)
        forward, backward = row * atoms + column, column * atoms + row
        place = torch.full((atoms * atoms,), len(row), device=device)
        place[forward] = place[backward] = torch.arange(len(row), device=device)
        return cls(atoms, row, column, forward, backward, place)

    def pack(self, matrix: Shaped[Tensor, "molecule atom atom *channel"]) -> Shaped[Tensor, "molecule pair *channel"]:
        """The value of each pair of a symmetric matrix."""
        return matrix.flatten(1, 2).index_select(1, self.forward)

    def spread(self, pairs: Float[Tensor, "molecule pair channel"]) -> Float[Tensor, "molecule atom atom channel"]:
        """The symmetric matrix of the pairs' values, zero on the diagonal."""
        return _Spread.apply(pairs, self)


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
