"""From the last state of atoms and pairs to the logits of their categories."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from moldiff.molecules.batch import BOND_ORDERS, Vocabulary
from moldiff.network.graph import CompleteGraph
from moldiff.network.radial import RadialBasis


class Heads(nn.Module):
    """Elements and charges from atoms; bonds from pairs, the product of both atoms' outputs and their final distance.

    Args:
        vocabulary: the categories.
        atom_channels, pair_channels: of the state that a body leaves.
        hidden: hidden width of the bonds' network.
    """

    def __init__(self, vocabulary: Vocabulary, atom_channels: int, pair_channels: int, hidden: int) -> None:
        super().__init__()
        self.radial = RadialBasis()
        self.split = [vocabulary.sizes["element"], vocabulary.sizes["charge"], pair_channels]
        self.atom_norm = nn.LayerNorm(atom_channels)
        self.atom = nn.Linear(atom_channels, sum(self.split))
        self.pair_norm = nn.LayerNorm(pair_channels)
        self.pair = nn.Sequential(
            nn.Linear(2 * pair_channels + self.radial.channels, hidden), nn.SiLU(), nn.Linear(hidden, len(BOND_ORDERS))
        )

    def forward(
        self,
        scalars: Float[Tensor, "molecule atom scalar"],
        pairs: Float[Tensor, "molecule pair channel"],
        clean: Float[Tensor, "molecule atom 3"],
        graph: CompleteGraph,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of elements and charges, [molecule, atom, class], and of bond orders, [molecule, pair, 4].

        Args:
            scalars: last invariants of the atoms.
            pairs: last state of the pairs.
            clean: the predicted positions, Å, so that a bond and its length agree.
            graph: who pairs with whom.
        """
        element, charge, bonding = self.atom(self.atom_norm(scalars)).split(self.split, -1)
        product = bonding.index_select(1, graph.index.row) * bonding.index_select(1, graph.index.column)
        distance = self.radial(graph.distance(clean))
        return element, charge, self.pair(torch.cat([self.pair_norm(pairs), product, distance], -1))
