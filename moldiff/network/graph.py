"""The complete graph of each molecule of a batch: who pairs with whom, and the sums over an atom's pairs."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from moldiff.molecules.pairs import PairIndex

EPSILON = 1e-6
"""Added to squared lengths before a root, Å²: keeps the gradient of a zero distance finite."""


@dataclass(frozen=True)
class CompleteGraph:
    """What all layers ask of the pairs of a batch; made once an evaluation.

    Attributes:
        mask: [molecule, atom] True where an atom is real.
        index: positions of the pairs.
        incidence: [molecule, atom, pair] 1 where a real atom is one of the two of a pair of real atoms. Sums over an
            atom's pairs and over a pair's atoms are matrix products with it: N times the additions, in a third of the
            time that gathers take, and their order is always the same.
    """

    mask: Bool[Tensor, "molecule atom"]
    index: PairIndex
    incidence: Float[Tensor, "molecule atom pair"]

    @classmethod
    def of(cls, mask: Bool[Tensor, "molecule atom"], dtype: torch.dtype) -> "CompleteGraph":
        """The graph of molecules with these real atoms."""
        index = PairIndex.of(mask.shape[1], mask.device)
        atom = torch.arange(mask.shape[1], device=mask.device)[:, None]
        ends = (atom == index.row) | (atom == index.column)
        real = mask.index_select(1, index.row) & mask.index_select(1, index.column)
        return cls(mask, index, (ends & real[:, None]).to(dtype))

    def distance(self, pos: Float[Tensor, "molecule atom 3"]) -> Float[Tensor, "molecule pair"]:
        """Distance of the two atoms of each pair."""
        between = pos.index_select(1, self.index.row) - pos.index_select(1, self.index.column)
        return ((between * between).sum(-1) + EPSILON).sqrt()

    def ends(self) -> Float[Tensor, "molecule pair atom"]:
        """The matrix that takes values of atoms to their sum over the two atoms of each pair."""
        return self.incidence.transpose(1, 2)

    def gather(self, pairs: Float[Tensor, "molecule pair channel"]) -> Float[Tensor, "molecule atom channel"]:
        """Sum over each atom's pairs with real atoms."""
        return self.incidence @ pairs
