"""The denoiser: noisy molecules in, a prediction of the clean ones out. E(3)-equivariant, atoms in any order."""

import math
from collections.abc import Sequence

import torch
from e3nn import o3
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from moldiff.config.network import NetworkOptions
from moldiff.molecules.batch import BOND_ORDERS, MoleculeBatch, Prediction, Vocabulary, centred
from moldiff.molecules.levels import Levels
from moldiff.molecules.properties import PropertyScale
from moldiff.network.condition import PropertyEmbedding
from moldiff.network.equivariant import channels, components
from moldiff.network.graph import CompleteGraph
from moldiff.network.layer import Layer
from moldiff.network.radial import RadialBasis

CONDITION = 64
"""Channels of the noise level's embedding."""
NODE_LEVELS, PAIR_LEVELS = 6, 2
"""Inputs of an atom and of a pair that say how their levels differ from the molecule's: two for each modality."""
SMALLEST_LEVEL = 1e-6
"""Level, Å, that a molecule counts as having if all of it is given."""


class DenoisingNetwork(nn.Module):
    """A `moldiff.molecules.denoiser.Denoiser` that learns.

    Positions are preconditioned as in Karras et al. 2022 (arXiv:2206.00364, table 1), each atom by its own level:
    x̂₀ = c_skip x + c_out F(c_in x), where F is the sum of the layers' moves of the positions. Inside, positions are
    σ_d c_in x, so that distances are true Å once the noise is small, and between given atoms always.

    Layers are modulated by the highest level of a molecule. How the level of an atom or a pair differs from it enters
    beside its classes; these inputs are zero where nothing is given, and have weights of zero at first.

    Args:
        options: widths and depth.
        vocabulary: the categories.
        sigma_data: standard deviation of the data's centred coordinates, Å.
        properties: scales of the properties that it can be asked for, in the order of their columns.
    """

    def __init__(
        self,
        options: NetworkOptions,
        vocabulary: Vocabulary,
        sigma_data: float,
        properties: Sequence[PropertyScale] = (),
    ) -> None:
        super().__init__()
        self.options, self.vocabulary, self.sigma_data = options, vocabulary, sigma_data
        self.irreps, classes = o3.Irreps(options.irreps), vocabulary.sizes
        node_classes = classes["element"] + classes["charge"]
        self.condition = nn.Sequential(
            nn.Linear(CONDITION, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION), nn.SiLU()
        )
        self.node_embedding = nn.Linear(2 * node_classes + 1 + CONDITION + NODE_LEVELS, options.scalars)
        self.radial = RadialBasis()
        pair_features = 2 * len(BOND_ORDERS) + 2 * self.radial.channels + 1 + PAIR_LEVELS
        pair_input = nn.Linear(pair_features, options.hidden)
        self.pair_embedding = nn.Sequential(pair_input, nn.SiLU(), nn.Linear(options.hidden, options.pairs))
        self.layers = nn.ModuleList(Layer(options, CONDITION) for _ in range(options.layers))
        self.node_norm = nn.LayerNorm(options.scalars)
        self.node_head = nn.Linear(options.scalars, node_classes + options.pairs)
        self.pair_norm = nn.LayerNorm(options.pairs)
        self.pair_head = nn.Sequential(
            nn.Linear(2 * options.pairs + self.radial.channels, options.hidden),
            nn.SiLU(),
            nn.Linear(options.hidden, len(BOND_ORDERS)),
        )
        self.properties = PropertyEmbedding(properties, CONDITION) if properties else None
        nn.init.zeros_(self.node_embedding.weight.data[:, -NODE_LEVELS:])
        nn.init.zeros_(pair_input.weight.data[:, -PAIR_LEVELS:])

    def forward(self, noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        """What are the clean molecules?

        Args:
            noisy: molecules at these noise levels.
            levels: noise level of each place.
            previous: the network's prediction at the levels before, if there is one (self-conditioning).
        """
        mask, graph, frame = noisy.mask, CompleteGraph.of(noisy.mask, noisy.pos.dtype), levels.frame(noisy.mask)
        index = graph.index
        sigma = levels.highest.clamp_min(SMALLEST_LEVEL)
        level = levels.pos[:, :, None]
        variance = level**2 + self.sigma_data**2
        framed = centred(noisy.pos, frame, mask)
        entered = framed * (self.sigma_data * variance.rsqrt())
        condition = self.condition(noise_embedding(sigma))
        if self.properties is not None and noisy.properties.shape[1]:
            condition = condition + self.properties(noisy.properties)
        scalars = self._embed_nodes(noisy, condition, previous, levels, sigma)
        pairs = self._embed_pairs(noisy, entered, previous, graph, levels, sigma)
        features = entered.new_zeros(*mask.shape, components(self.irreps[1:]), channels(self.irreps[1:]))
        pos = entered
        for layer in self.layers:
            scalars, features, pos, pairs = layer(scalars, features, pos, pairs, condition, graph)

        move = pos - entered
        c_skip = self.sigma_data**2 / variance
        c_out = level * self.sigma_data * variance.rsqrt()
        clean = centred(c_skip * framed + c_out * move, frame, mask)
        element, charge, bonding = self.node_head(self.node_norm(scalars)).split(
            [self.vocabulary.sizes["element"], self.vocabulary.sizes["charge"], self.options.pairs], -1
        )
        product = bonding.index_select(1, index.row) * bonding.index_select(1, index.column)
        distance = self.radial(graph.distance(clean))
        bond = self.pair_head(torch.cat([self.pair_norm(pairs), product, distance], -1))
        return Prediction(clean, element, charge, bond)

    def _embed_nodes(
        self, noisy: MoleculeBatch, condition: Tensor, previous: Prediction | None, levels: Levels, sigma: Tensor
    ) -> Tensor:
        sizes = self.vocabulary.sizes
        seen = torch.cat(
            [functional.one_hot(noisy.element, sizes["element"]), functional.one_hot(noisy.charge, sizes["charge"])], -1
        ).to(noisy.pos.dtype)
        if previous is None:
            before = torch.zeros_like(seen)
        else:
            before = torch.cat([previous.element.softmax(-1), previous.charge.softmax(-1)], -1)
        # the size of the molecule, which attention's averages do not see
        size = noisy.mask.sum(1).to(seen.dtype).log()[:, None, None].expand(*seen.shape[:2], 1)
        everywhere = condition[:, None].expand(-1, seen.shape[1], -1)
        own = [part for level in (levels.pos, levels.element, levels.charge) for part in level_features(level, sigma)]
        return self.node_embedding(torch.cat([seen, before, size, everywhere, torch.stack(own, -1)], -1))

    def _embed_pairs(
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
            return self.pair_embedding(torch.cat([bond, distance, features, own], -1))
        before = [
            previous.bond.softmax(-1),
            self.radial(graph.distance(previous.pos)),
            torch.ones_like(bond[..., :1]),
        ]
        return self.pair_embedding(torch.cat([bond, distance, *before, own], -1))


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
