"""From noisy molecules, their noise levels and the previous prediction to the first state of atoms and pairs."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from moldiff.molecules.batch import BOND_ORDERS, MoleculeBatch, Prediction, Vocabulary
from moldiff.molecules.levels import Levels
from moldiff.molecules.properties import PropertyScale
from moldiff.network.condition import PropertyEmbedding
from moldiff.network.graph import CompleteGraph
from moldiff.network.radial import RadialBasis

CONDITION = 64
"""Channels of the condition, which is made of the noise level and of properties."""
ATOM_LEVELS, PAIR_LEVELS = 6, 2
"""Inputs of an atom and of a pair that say how their levels differ from the molecule's: two for each modality."""
LATENT_SPREAD = 0.2
"""Standard deviation of a latent's channels at first: values that were alike would stay alike."""
SMALLEST_LEVEL = 1e-6
"""Level, Å, that a molecule counts as having if all of it is given."""


class Embeddings(nn.Module):
    """The condition from the highest level of a molecule and its properties; atoms and pairs from what is seen of them.

    How the level of an atom or a pair differs from the molecule's enters beside its classes; these inputs are zero
    where nothing is given, and have weights of zero at first.

    Args:
        vocabulary: the categories.
        atom_channels, pair_channels: of the state that a body takes.
        hidden: hidden width of the pairs' network.
        properties: scales of the properties that molecules can be asked for.
        latents: values of the random input, each of which adds its own channels to the condition; 0 for none.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        atom_channels: int,
        pair_channels: int,
        hidden: int,
        properties: Sequence[PropertyScale] = (),
        latents: int = 0,
    ) -> None:
        super().__init__()
        self.sizes, self.radial = vocabulary.sizes, RadialBasis()
        self.condition = nn.Sequential(
            nn.Linear(CONDITION, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION), nn.SiLU()
        )
        classes = self.sizes["element"] + self.sizes["charge"]
        self.atom = nn.Linear(2 * classes + 1 + CONDITION + ATOM_LEVELS, atom_channels)
        pair_input = nn.Linear(2 * len(BOND_ORDERS) + 2 * self.radial.channels + 1 + PAIR_LEVELS, hidden)
        self.pair = nn.Sequential(pair_input, nn.SiLU(), nn.Linear(hidden, pair_channels))
        self.properties = PropertyEmbedding(properties, CONDITION) if properties else None
        self.latents = nn.Embedding(latents, CONDITION) if latents else None
        if self.latents is not None:
            nn.init.normal_(self.latents.weight, std=LATENT_SPREAD)
        nn.init.zeros_(self.atom.weight.data[:, -ATOM_LEVELS:])
        nn.init.zeros_(pair_input.weight.data[:, -PAIR_LEVELS:])

    def forward(
        self,
        noisy: MoleculeBatch,
        levels: Levels,
        previous: Prediction | None,
        entered: Float[Tensor, "molecule atom 3"],
        graph: CompleteGraph,
        latent: Int[Tensor, " molecule"] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The atoms' scalars, [molecule, atom, channel], the pairs, [molecule, pair, channel], and the condition.

        Args:
            noisy: molecules at these noise levels.
            levels: noise level of each place.
            previous: the prediction at the levels before, if there is one (self-conditioning).
            entered: the positions that the body takes, Å.
            graph: who pairs with whom.
            latent: the value of each molecule's random input, if it is shown one.
        """
        sigma = levels.highest.clamp_min(SMALLEST_LEVEL)
        condition = self.condition(noise_embedding(sigma))
        if self.properties is not None and noisy.properties.shape[1]:
            condition = condition + self.properties(noisy.properties)
        if self.latents is not None and latent is not None:
            condition = condition + self.latents(latent)
        atoms = self._atoms(noisy, condition, previous, levels, sigma)
        return atoms, self._pairs(noisy, entered, previous, graph, levels, sigma), condition

    def _atoms(
        self, noisy: MoleculeBatch, condition: Tensor, previous: Prediction | None, levels: Levels, sigma: Tensor
    ) -> Tensor:
        seen = torch.cat(
            [
                functional.one_hot(noisy.element, self.sizes["element"]),
                functional.one_hot(noisy.charge, self.sizes["charge"]),
            ],
            -1,
        ).to(noisy.pos.dtype)
        if previous is None:
            before = torch.zeros_like(seen)
        else:
            before = torch.cat([previous.element.softmax(-1), previous.charge.softmax(-1)], -1)
        # the size of the molecule, which attention's averages do not see
        size = noisy.mask.sum(1).to(seen.dtype).log()[:, None, None].expand(*seen.shape[:2], 1)
        everywhere = condition[:, None].expand(-1, seen.shape[1], -1)
        own = [part for level in (levels.pos, levels.element, levels.charge) for part in level_features(level, sigma)]
        return self.atom(torch.cat([seen, before, size, everywhere, torch.stack(own, -1)], -1))

    def _pairs(
        self,
        noisy: MoleculeBatch,
        entered: Tensor,
        previous: Prediction | None,
        graph: CompleteGraph,
        levels: Levels,
        sigma: Tensor,
    ) -> Tensor:
        bond = functional.one_hot(noisy.bond, len(BOND_ORDERS)).to(entered.dtype)
        distance = self.radial(graph.distance(entered))
        own = torch.stack(level_features(levels.bond, sigma), -1)
        if previous is None:
            features = distance.new_zeros(*bond.shape[:2], bond.shape[2] + distance.shape[2] + 1)
            return self.pair(torch.cat([bond, distance, features, own], -1))
        before = [
            previous.bond.softmax(-1),
            self.radial(graph.distance(previous.pos)),
            torch.ones_like(bond[..., :1]),
        ]
        return self.pair(torch.cat([bond, distance, *before, own], -1))


def level_features(
    level: Float[Tensor, "molecule place"], sigma: Float[Tensor, " molecule"]
) -> tuple[Float[Tensor, "molecule place"], Float[Tensor, "molecule place"]]:
    """Whether each place is given, and the logarithm of its level over the molecule's; both zero at its level."""
    given = level == 0
    ratio = torch.where(given, 1, level / sigma[:, None])
    return given.to(level.dtype), ratio.log()


def noise_embedding(sigma: Float[Tensor, " molecule"]) -> Float[Tensor, "molecule condition"]:
    """Sinusoids of log σ with wavelengths from about 0.4 to 60."""
    frequency = torch.logspace(math.log2(0.1), math.log2(16.0), CONDITION // 2, 2.0, device=sigma.device).to(sigma)
    angle = sigma.log()[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], -1)
