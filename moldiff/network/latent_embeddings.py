"""From latents, their noise level and the previous prediction to the first state of atoms and pairs."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from moldiff.molecules.latents import LatentPrediction
from moldiff.network.embeddings import CONDITION, SMALLEST_LEVEL, noise_embedding
from moldiff.network.graph import CompleteGraph
from moldiff.network.radial import RadialBasis


class LatentEmbeddings(nn.Module):
    """Atoms from their invariant numbers, pairs from the distance of their vectors, the condition from the noise level.

    Args:
        channels: invariant numbers of an atom.
        atom_channels, pair_channels: of the state that a body takes.
        hidden: hidden width of the pairs' network.
    """

    def __init__(self, channels: int, atom_channels: int, pair_channels: int, hidden: int) -> None:
        super().__init__()
        self.radial = RadialBasis()
        self.condition = nn.Sequential(
            nn.Linear(CONDITION, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION), nn.SiLU()
        )
        self.atom = nn.Linear(2 * channels + 1 + CONDITION, atom_channels)
        self.pair = nn.Sequential(
            nn.Linear(2 * self.radial.channels + 1, hidden), nn.SiLU(), nn.Linear(hidden, pair_channels)
        )

    def forward(
        self,
        features: Float[Tensor, "molecule atom channel"],
        sigma: Float[Tensor, " molecule"],
        previous: LatentPrediction | None,
        entered: Float[Tensor, "molecule atom 3"],
        graph: CompleteGraph,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The atoms' scalars, [molecule, atom, channel], the pairs, [molecule, pair, channel], and the condition.

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
        scalars = self.atom(torch.cat([features, before, size, everywhere], -1))
        distance = self.radial(graph.distance(entered))
        if previous is None:
            seen = distance.new_zeros(*distance.shape[:2], distance.shape[2] + 1)
        else:
            own = self.radial(graph.distance(previous.pos))
            seen = torch.cat([own, torch.ones_like(own[..., :1])], -1)
        return scalars, self.pair(torch.cat([distance, seen], -1)), condition
