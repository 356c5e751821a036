"""The denoiser: noisy molecules in, a prediction of the clean ones out. E(3)-equivariant, atoms in any order."""

import math

import torch
from e3nn import o3
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from moldiff.config.network import NetworkOptions
from moldiff.molecules.batch import BOND_ORDERS, MoleculeBatch, Prediction, Vocabulary, centred
from moldiff.network.equivariant import channels, components
from moldiff.network.graph import CompleteGraph
from moldiff.network.layer import Layer
from moldiff.network.radial import RadialBasis

CONDITION = 64
"""Channels of the noise level's embedding."""


class DenoisingNetwork(nn.Module):
    """A `moldiff.molecules.batch.Denoiser` that learns.

    Positions are preconditioned as in Karras et al. 2022 (arXiv:2206.00364, table 1):
    x̂₀ = c_skip x + c_out F(c_in x), where F is the sum of the layers' moves of the positions. Inside, positions are
    σ_d c_in x, so that distances are true Å once the noise is small.

    Args:
        options: widths and depth.
        vocabulary: the categories.
        sigma_data: standard deviation of the data's centred coordinates, Å.
    """

    def __init__(self, options: NetworkOptions, vocabulary: Vocabulary, sigma_data: float) -> None:
        super().__init__()
        self.options, self.vocabulary, self.sigma_data = options, vocabulary, sigma_data
        self.irreps, classes = o3.Irreps(options.irreps), vocabulary.sizes
        node_classes = classes["element"] + classes["charge"]
        self.condition = nn.Sequential(
            nn.Linear(CONDITION, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION), nn.SiLU()
        )
        self.node_embedding = nn.Linear(2 * node_classes + 1 + CONDITION, options.scalars)
        self.radial = RadialBasis()
        pair_features = 2 * len(BOND_ORDERS) + 2 * self.radial.channels + 1
        self.pair_embedding = nn.Sequential(
            nn.Linear(pair_features, options.hidden), nn.SiLU(), nn.Linear(options.hidden, options.pairs)
        )
        self.layers = nn.ModuleList(Layer(options, CONDITION) for _ in range(options.layers))
        self.node_norm = nn.LayerNorm(options.scalars)
        self.node_head = nn.Linear(options.scalars, node_classes + options.pairs)
        self.pair_norm = nn.LayerNorm(options.pairs)
        self.pair_head = nn.Sequential(
            nn.Linear(2 * options.pairs + self.radial.channels, options.hidden),
            nn.SiLU(),
            nn.Linear(options.hidden, len(BOND_ORDERS)),
        )

    def forward(
        self, noisy: MoleculeBatch, sigma: Float[Tensor, " molecule"], previous: Prediction | None = None
    ) -> Prediction:
        """What are the clean molecules?

        Args:
            noisy: molecules at noise level σ.
            sigma: noise level of each molecule, Å.
            previous: the network's prediction at the level before, if there is one (self-conditioning).
        """
        mask, graph = noisy.mask, CompleteGraph.of(noisy.mask, noisy.pos.dtype)
        index = graph.index
        variance = sigma**2 + self.sigma_data**2
        entered = noisy.pos * (self.sigma_data * variance.rsqrt())[:, None, None]
        condition = self.condition(noise_embedding(sigma))
        scalars = self._embed_nodes(noisy, condition, previous)
        pairs = self._embed_pairs(noisy, entered, previous, graph)
        features = entered.new_zeros(*mask.shape, components(self.irreps[1:]), channels(self.irreps[1:]))
        pos = entered
        for layer in self.layers:
            scalars, features, pos, pairs = layer(scalars, features, pos, pairs, condition, graph)

        move = pos - entered
        c_skip = self.sigma_data**2 / variance
        c_out = sigma * self.sigma_data * variance.rsqrt()
        clean = centred(c_skip[:, None, None] * noisy.pos + c_out[:, None, None] * move, mask)
        element, charge, bonding = self.node_head(self.node_norm(scalars)).split(
            [len(self.vocabulary.elements), len(self.vocabulary.charges), self.options.pairs], -1
        )
        product = bonding.index_select(1, index.row) * bonding.index_select(1, index.column)
        distance = self.radial(graph.distance(clean))
        bond = self.pair_head(torch.cat([self.pair_norm(pairs), product, distance], -1))
        return Prediction(clean, element, charge, index.spread(bond))

    def _embed_nodes(self, noisy: MoleculeBatch, condition: Tensor, previous: Prediction | None) -> Tensor:
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
        return self.node_embedding(torch.cat([seen, before, size, everywhere], -1))

    def _embed_pairs(
        self, noisy: MoleculeBatch, entered: Tensor, previous: Prediction | None, graph: CompleteGraph
    ) -> Tensor:
        bond = functional.one_hot(graph.index.pack(noisy.bond), len(BOND_ORDERS)).to(entered.dtype)
        distance = self.radial(graph.distance(entered))
        if previous is None:
            features = distance.new_zeros(*bond.shape[:2], bond.shape[2] + distance.shape[2] + 1)
            return self.pair_embedding(torch.cat([bond, distance, features], -1))
        before = [
            graph.index.pack(previous.bond).softmax(-1),
            self.radial(graph.distance(previous.pos)),
            torch.ones_like(bond[..., :1]),
        ]
        return self.pair_embedding(torch.cat([bond, distance, *before], -1))


def noise_embedding(sigma: Float[Tensor, " molecule"]) -> Float[Tensor, "molecule condition"]:
    """Sinusoids of log σ with wavelengths from about 0.4 to 60."""
    frequency = torch.logspace(math.log2(0.1), math.log2(16.0), CONDITION // 2, 2.0, device=sigma.device).to(sigma)
    angle = sigma.log()[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], -1)
