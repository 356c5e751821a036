"""Who pairs with whom: what a layer asks of a graph, and the complete graph of each molecule of a batch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from e3nn import o3
from jaxtyping import Bool, Float
from torch import Tensor

from moldiff.molecules.pairs import PairIndex
from moldiff.network.equivariant import Features, places, spherical_harmonics

EPSILON = 1e-6
"""Added to squared lengths before a root, Å²: keeps the gradient of a zero distance finite."""


@runtime_checkable
class Graph(Protocol):
    """Sums over pairs and the way of values between atoms and pairs.

    The axis pair holds unordered pairs; the axes *place* hold ordered ones, [atom, atom] or a single list.
    """

    @property
    def mask(self) -> Bool[Tensor, "molecule atom"]:
        """True where an atom is real."""
        ...

    def of_molecules(self, values: Float[Tensor, "condition channel"]) -> Float[Tensor, "molecule place channel"]:
        """Values of molecules as each atom takes them; one place stands for all atoms of a molecule."""
        ...

    def distance(self, pos: Float[Tensor, "molecule atom 3"]) -> Float[Tensor, "molecule pair"]:
        """Distance of the two atoms of each pair."""
        ...

    def dots(
        self,
        vectors: Float[Tensor, "molecule atom 3 channel"],
        pos: Float[Tensor, "molecule atom 3"],
        distance: Float[Tensor, "molecule pair"],
    ) -> Float[Tensor, "molecule dots pair"]:
        """⟨v_i, v_j⟩ and ⟨v_i − v_j, r̂_ij⟩ of each channel."""
        ...

    def add_ends(
        self, pairs: Float[Tensor, "molecule pair channel"], atoms: Float[Tensor, "molecule atom channel"]
    ) -> Float[Tensor, "molecule pair channel"]:
        """The pairs' values plus the sum of both atoms'."""
        ...

    def gather(self, pairs: Float[Tensor, "molecule pair channel"]) -> Float[Tensor, "molecule atom channel"]:
        """Sum over each atom's pairs with real atoms."""
        ...

    def spread(self, pairs: Float[Tensor, "molecule pair channel"]) -> Float[Tensor, "molecule *place channel"]:
        """Each pair's values at both of its ordered pairs, zero for that of an atom with itself."""
        ...

    def attend(
        self,
        query: Float[Tensor, "molecule head atom key"],
        key: Float[Tensor, "molecule head atom key"],
        value: Float[Tensor, "molecule head atom channel"],
        bias: Float[Tensor, "molecule *place head"],
    ) -> Float[Tensor, "molecule head atom channel"]:
        """The values of each atom's partners and its own, averaged by softmax(⟨query, key⟩ + bias)."""
        ...

    def neighbours(
        self,
        weight: Float[Tensor, "molecule *place weight"],
        gate: Float[Tensor, "molecule atom channel"],
        pos: Float[Tensor, "molecule atom 3"],
        irreps: o3.Irreps,
    ) -> Features:
        """A_i = Σ_j w_ij g_j Y(r̂_ij) of each of these irreps, which have harmonics."""
        ...


def length(vectors: Float[Tensor, "*place 3"]) -> Float[Tensor, "*place"]:
    """√(x² + ε), whose gradient at zero is finite."""
    return ((vectors * vectors).sum(-1) + EPSILON).sqrt()


@dataclass(frozen=True)
class CompleteGraph:
    """What all layers ask of all pairs of a batch; made once an evaluation.

    Attributes:
        mask: [molecule, atom] True where an atom is real.
        index: positions of the pairs.
        dtype: of what is summed.
        chances: gives how probable a bond of each pair is; None where nothing is known.
    """

    mask: Bool[Tensor, "molecule atom"]
    index: PairIndex
    dtype: torch.dtype
    chances: Callable[[], Float[Tensor, "molecule pair"]] | None = None

    @classmethod
    def of(
        cls,
        mask: Bool[Tensor, "molecule atom"],
        dtype: torch.dtype,
        chances: Callable[[], Float[Tensor, "molecule pair"]] | None = None,
    ) -> "CompleteGraph":
        """The graph of molecules with these real atoms."""
        return cls(mask, PairIndex.of(mask.shape[1], mask.device), dtype, chances)

    @cached_property
    def bonded(self) -> Float[Tensor, "molecule pair"]:
        """How probable a bond is: 1 where the noisy molecule has one, otherwise what was predicted before, or 0.

        Made where it is first asked for: a body that attends to all pairs never asks.
        """
        if self.chances is None:
            return torch.zeros(len(self.mask), len(self.index.row), dtype=self.dtype, device=self.mask.device)
        return self.chances().to(self.dtype)

    @cached_property
    def incidence(self) -> Float[Tensor, "molecule atom pair"]:
        """1 where a real atom is one of the two of a pair of real atoms.

        Sums over an atom's pairs and over a pair's atoms are matrix products with it: N times the additions, in a third
        of the time that gathers take, and their order is always the same. Made where it is first asked for: a body on
        sparse edges never asks.
        """
        atom = torch.arange(self.mask.shape[1], device=self.mask.device)[:, None]
        ends = (atom == self.index.row) | (atom == self.index.column)
        return (ends & self.index.real(self.mask)[:, None]).to(self.dtype)

    def of_molecules(self, values: Float[Tensor, "molecule channel"]) -> Float[Tensor, "molecule 1 channel"]:
        """See `Graph`."""
        return values[:, None]

    def distance(self, pos: Float[Tensor, "molecule atom 3"]) -> Float[Tensor, "molecule pair"]:
        """See `Graph`."""
        return length(pos.index_select(1, self.index.row) - pos.index_select(1, self.index.column))

    def dots(
        self,
        vectors: Float[Tensor, "molecule atom 3 channel"],
        pos: Float[Tensor, "molecule atom 3"],
        distance: Float[Tensor, "molecule pair"],
    ) -> Float[Tensor, "molecule dots pair"]:
        """See `Graph`; by matrix products that hold no vector a pair."""
        rows = vectors.permute(0, 3, 1, 2)
        along = rows @ pos[:, None].transpose(2, 3)
        towards = along.diagonal(dim1=2, dim2=3)[..., None] - along
        # one gather for both
        both = torch.cat([rows @ rows.transpose(2, 3), towards + towards.transpose(2, 3)], 1).flatten(2)
        own, projected = both.index_select(2, self.index.backward).chunk(2, 1)
        return torch.cat([own, projected / distance[:, None]], 1)

    def ends(self) -> Float[Tensor, "molecule pair atom"]:
        """The matrix that takes values of atoms to their sum over the two atoms of each pair."""
        return self.incidence.transpose(1, 2)

    def add_ends(
        self, pairs: Float[Tensor, "molecule pair channel"], atoms: Float[Tensor, "molecule atom channel"]
    ) -> Float[Tensor, "molecule pair channel"]:
        """See `Graph`."""
        return torch.baddbmm(pairs, self.ends(), atoms)

    def gather(self, pairs: Float[Tensor, "molecule pair channel"]) -> Float[Tensor, "molecule atom channel"]:
        """See `Graph`."""
        return self.incidence @ pairs

    def spread(self, pairs: Float[Tensor, "molecule pair channel"]) -> Float[Tensor, "molecule atom atom channel"]:
        """See `Graph`."""
        return self.index.spread(pairs)

    def attend(
        self,
        query: Float[Tensor, "molecule head atom key"],
        key: Float[Tensor, "molecule head atom key"],
        value: Float[Tensor, "molecule head atom channel"],
        bias: Float[Tensor, "molecule atom atom head"],
    ) -> Float[Tensor, "molecule head atom channel"]:
        """See `Graph`."""
        outside = (~self.mask)[:, None, None, :].to(query.dtype) * -1e4
        # the product first: the sum then takes its layout, and a softmax over a strided axis is slow
        logits = query @ key.transpose(2, 3) + bias.permute(0, 3, 1, 2) + outside
        return logits.softmax(-1) @ value

    def neighbours(
        self,
        weight: Float[Tensor, "molecule atom atom weight"],
        gate: Float[Tensor, "molecule atom channel"],
        pos: Float[Tensor, "molecule atom 3"],
        irreps: o3.Irreps,
    ) -> Features:
        """See `Graph`."""
        harmonics = spherical_harmonics(pos[:, :, None] - pos[:, None], irreps)
        harmonics = harmonics * self.mask[:, None, :, None]
        parts = [
            harmonics[..., at].transpose(2, 3) @ (own * gate[:, None])
            for own, (_, at) in zip(weight.split(gate.shape[-1], -1), places(irreps), strict=True)
        ]
        return torch.cat(parts, 2) if len(parts) > 1 else parts[0]
