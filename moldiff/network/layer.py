"""One layer of the denoiser: pairs carry scalars, atoms carry irreps, and tensor products happen on atoms only.

How values go from atoms to pairs and back is the graph's affair (`moldiff.network.graph.Graph`), so the same layer
works on all pairs of a molecule and on the edges of a sparse graph.
"""

import torch
from e3nn import o3
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from moldiff.config.network import NetworkOptions
from moldiff.network.equivariant import (
    Features,
    IrrepsLinear,
    IrrepsNorm,
    NodeProduct,
    channels,
    natural,
    places,
    with_channels,
)
from moldiff.network.graph import Graph
from moldiff.network.radial import RadialBasis

DOTS = 8
"""Channels of vectors whose dot products a pair sees."""
SUM_SCALE = 0.3
"""Brings the sums over an atom's pairs to the size of its other invariants."""


class Layer(nn.Module):
    """Updates atoms' scalars and features, positions and pairs.

    Args:
        options: widths.
        condition: channels of the noise level's embedding.
    """

    def __init__(self, options: NetworkOptions, condition: int) -> None:
        super().__init__()
        self.irreps = o3.Irreps(options.irreps)
        irreps, scalars = self.irreps[1:], options.scalars
        harmonics, count = natural(irreps), channels(irreps)
        self.harmonics, self.heads, self.vectors = harmonics, options.heads, count
        self.vector = dict(places(irreps))[o3.Irrep("1o")]
        self.vector_heads = -(-count // options.heads) * options.heads
        self.node_split = [scalars // 2, scalars // 2, scalars, options.hidden, count]
        self.pair_split = [options.heads + harmonics.num_irreps, options.pairs]
        self.query_scale = (scalars // 2 // options.heads) ** -0.5

        self.norm = nn.LayerNorm(scalars, elementwise_affine=False)
        self.modulate = nn.Linear(condition, 2 * scalars)
        self.vector_norm = IrrepsNorm(irreps)
        self.from_node = nn.Linear(scalars, sum(self.node_split), bias=False)
        self.from_vector = IrrepsLinear(irreps, with_channels(irreps, self.vector_heads + DOTS))

        self.radial = RadialBasis()
        self.pair_norm = nn.LayerNorm(options.pairs)
        self.from_pair = nn.Linear(options.pairs + self.radial.channels + 2 * DOTS, options.hidden)
        self.to_pair = nn.Linear(options.hidden, sum(self.pair_split))

        self.product = NodeProduct(irreps)
        self.from_gathered = IrrepsLinear(with_channels(irreps, self.vector_heads), with_channels(irreps, 2 * count))
        self.from_neighbours = IrrepsLinear(harmonics, with_channels(irreps, 2 * count))
        invariants = 2 * scalars + 2 * irreps.num_irreps + options.hidden
        self.update = nn.Sequential(
            nn.Linear(invariants, 2 * scalars), nn.SiLU(), nn.Linear(2 * scalars, scalars + 2 * count)
        )
        self.to_features = IrrepsLinear(irreps, irreps)
        self.to_position = nn.Linear(count, 1, bias=False)
        bound = (self.vector_heads + count) ** -0.5  # both begin as one map of both does
        for layer in (*self.from_gathered.maps, *self.from_neighbours.maps):
            nn.init.uniform_(layer.weight, -bound, bound)
        for output in (self.modulate, self.to_position):
            nn.init.zeros_(output.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(
        self,
        scalars: Float[Tensor, "molecule atom scalar"],
        features: Features,
        pos: Float[Tensor, "molecule atom 3"],
        pairs: Float[Tensor, "molecule pair pairchannel"],
        condition: Float[Tensor, "batch condition"],
        graph: Graph,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The updated scalars, features, positions and pairs; padding is left out of every sum over atoms."""
        scale, shift = graph.of_molecules(self.modulate(condition)).chunk(2, -1)
        node = torch.addcmul(shift, self.norm(scalars), 1 + scale)
        vector = self.vector_norm(features)
        query, key, value, pair_part, gate = self.from_node(node).split(self.node_split, -1)
        vector_value, dotted = self.from_vector(vector).split([self.vector_heads, DOTS], -1)

        hidden = self._hidden(pairs, pos, dotted[:, :, self.vector], pair_part, graph)
        matrix, change = self.to_pair(hidden).split(self.pair_split, -1)
        bias, weight = graph.spread(matrix).split([self.heads, self.harmonics.num_irreps], -1)

        gathered, gathered_vectors = self._attend(query, key, value, vector_value, bias, graph)
        neighbours = graph.neighbours(weight, gate, pos, self.harmonics)
        mixed, partner = (self.from_gathered(gathered_vectors) + self.from_neighbours(neighbours)).chunk(2, -1)
        products, coupled = self.product(mixed, partner)
        squares = self.product.scalars(partner, partner)
        # attention averages, and an average cannot count: valences are sums
        summed = graph.gather(hidden) * SUM_SCALE
        update, gates = self.update(torch.cat([node, gathered, products, squares, summed], -1)).split(
            [scalars.shape[-1], 2 * self.vectors], -1
        )
        mixed_gate, partner_gate = gates[:, :, None].chunk(2, -1)
        change_of_features = mixed * mixed_gate + partner * partner_gate
        if coupled is not None:
            change_of_features = change_of_features + coupled
        features = features + self.to_features(change_of_features)
        pos = pos + self.to_position(features[:, :, self.vector]).squeeze(-1) * graph.mask[:, :, None]
        return scalars + update, features, pos, pairs + change

    def extra_repr(self) -> str:
        """What enters and what leaves."""
        return f"{self.irreps} -> {self.irreps}"

    def _hidden(
        self,
        pairs: Float[Tensor, "molecule pair pairchannel"],
        pos: Float[Tensor, "molecule atom 3"],
        dotted: Float[Tensor, "molecule atom 3 dots"],
        nodes: Float[Tensor, "molecule atom hidden"],
        graph: Graph,
    ) -> Float[Tensor, "molecule pair hidden"]:
        """The pairs' hidden layer, of their state, distance, dot products and the sum of both atoms' ``nodes``.

        One linear map, whose parts are added up: what it takes is nowhere concatenated.
        """
        distance = graph.distance(pos)
        dots = graph.dots(dotted, pos, distance)
        state, radial = self.pair_norm(pairs).flatten(0, 1), self.radial(distance).flatten(0, 1)
        of_state, of_radial, of_dots = self.from_pair.weight.split([pairs.shape[-1], radial.shape[-1], 2 * DOTS], 1)
        hidden = functional.linear(state, of_state, self.from_pair.bias)
        hidden = torch.addmm(hidden, radial, of_radial.t()).unflatten(0, pairs.shape[:2])
        hidden = torch.baddbmm(hidden, dots.transpose(1, 2), of_dots.t().expand(len(pairs), -1, -1))
        return functional.silu(graph.add_ends(hidden, nodes))

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, vectors: Tensor, bias: Tensor, graph: Graph
    ) -> tuple[Float[Tensor, "molecule atom scalar"], Features]:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (query * self.query_scale, key, value)
        )
        heads = vectors.unflatten(-1, (self.heads, -1)).permute(0, 3, 1, 2, 4).flatten(3)
        gathered = graph.attend(query, key, torch.cat([value, heads], -1), bias)
        scalars, others = gathered.split([value.shape[-1], heads.shape[-1]], -1)
        others = others.unflatten(-1, (-1, self.vector_heads // self.heads)).permute(0, 2, 3, 1, 4).flatten(3)
        return scalars.transpose(1, 2).flatten(2), others
