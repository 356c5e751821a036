"""From latents, their noise level and the previous prediction to the first state of nodes and pairs."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from moldiff.molecules.latents import LatentPrediction
from moldiff.network.embeddings import CONDITION, SMALLEST_LEVEL, noise_embedding
from moldiff.network.graph import CompleteGraph, length
from moldiff.network.radial import RadialBasis


class LatentEmbeddings(nn.Module):
    """Nodes from their invariant numbers, pairs from distances of their vectors, the condition from the noise level.

    Where a node holds several atoms, a node sees the distances between its own vectors and a pair those between the
    vectors of both; since a pair has no order, of slot k of one and slot l of the other the sum of both ways.

    Args:
        channels: invariant numbers of a node.
        atom_channels, pair_channels: of the state that a body takes.
        hidden: hidden width of the pairs' network.
        group: slots of a node.
    """

    def __init__(self, channels: int, atom_channels: int, pair_channels: int, hidden: int, group: int = 1) -> None:
        super().__init__()
        self.radial, self.group = RadialBasis(), group
        self.ends = [(first, second) for second in range(group) for first in range(second + 1)]
        self.inside = [(first, second) for first, second in self.ends if first < second]
        self.condition = nn.Sequential(
            nn.Linear(CONDITION, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION), nn.SiLU()
        )
        own = 2 * len(self.inside) * self.radial.channels
        self.atom = nn.Linear(2 * channels + own + 1 + CONDITION, atom_channels)
        self.pair = nn.Sequential(
            nn.Linear(2 * len(self.ends) * self.radial.channels + 1, hidden),
            nn.SiLU(),
            nn.Linear(hidden, pair_channels),
        )

    def forward(
        self,
        features: Float[Tensor, "molecule node channel"],
        sigma: Float[Tensor, " molecule"],
        previous: LatentPrediction | None,
        entered: Float[Tensor, "molecule slot 3"],
        graph: CompleteGraph,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The nodes' scalars, [molecule, node, channel], the pairs, [molecule, pair, channel], and the condition.

        Args:
            features: the invariant numbers, of about the same spread at each noise level.
            sigma: noise level of each molecule, Å.
            previous: the prediction at the levels before, if there is one (self-conditioning).
            entered: the vectors that the body takes, Å.
            graph: who pairs with whom.
        """
        condition = self.condition(noise_embedding(sigma.clamp_min(SMALLEST_LEVEL)))
        before = torch.zeros_like(features) if previous is None else previous.feature
        # the size of the molecule, which attention's averages do not see
        size = graph.mask.sum(1).to(features.dtype).log()[:, None, None].expand(*features.shape[:2], 1)
        everywhere = condition[:, None].expand(-1, features.shape[1], -1)
        own = self._inside(entered)
        own_before = [torch.zeros_like(one) for one in own] if previous is None else self._inside(previous.pos)
        scalars = self.atom(torch.cat([features, before, *own, *own_before, size, everywhere], -1))
        distance = self._between(entered, graph)
        if previous is None:
            seen = distance.new_zeros(*distance.shape[:2], distance.shape[2] + 1)
        else:
            own_pairs = self._between(previous.pos, graph)
            seen = torch.cat([own_pairs, torch.ones_like(own_pairs[..., :1])], -1)
        return scalars, self.pair(torch.cat([distance, seen], -1)), condition

    def _inside(self, pos: Float[Tensor, "molecule slot 3"]) -> list[Float[Tensor, "molecule node channel"]]:
        """The radial basis of the distances between the vectors of a node."""
        slots = pos.unflatten(1, (-1, self.group))
        return [self.radial(length(slots[:, :, first] - slots[:, :, second])) for first, second in self.inside]

    def _between(
        self, pos: Float[Tensor, "molecule slot 3"], graph: CompleteGraph
    ) -> Float[Tensor, "molecule pair channel"]:
        """The radial basis of the distances between the vectors of two nodes."""
        if self.group == 1:
            return self.radial(graph.distance(pos))
        slots = pos.unflatten(1, (-1, self.group))
        rows, columns = (slots.index_select(1, ends) for ends in (graph.index.row, graph.index.column))
        apart = length(rows[:, :, :, None] - columns[:, :, None])
        seen = self.radial(apart.flatten(1)).unflatten(1, apart.shape[1:])
        both = [
            seen[:, :, first, second] + (seen[:, :, second, first] if first < second else 0)
            for first, second in self.ends
        ]
        return torch.cat(both, -1)
