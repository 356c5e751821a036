"""One layer of the denoiser: pairs carry scalars, atoms carry irreps, and tensor products happen on atoms only."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from moldiff.config.network import NetworkOptions
from moldiff.molecules.pairs import PairIndex
from moldiff.network.equivariant import DegreeLinear, DegreeNorm, Features, NodeProduct, degrees, spherical_harmonics
from moldiff.network.radial import RadialBasis

DOTS = 8
"""Channels of degree 1 whose dot products a pair sees."""
SUM_SCALE = 0.3
"""Brings the sums over an atom's pairs to the size of its other invariants."""
EPSILON = 1e-6
"""Added to squared lengths before a root, Å²: keeps the gradient of a zero distance finite."""


def pair_distance(pos: Float[Tensor, "molecule atom 3"], index: PairIndex) -> Float[Tensor, "molecule pair"]:
    """Distance of the two atoms of each pair."""
    between = pos.index_select(1, index.row) - pos.index_select(1, index.column)
    return ((between * between).sum(-1) + EPSILON).sqrt()


class Layer(nn.Module):
    """Updates atoms' scalars and features, positions and pairs.

    Args:
        options: widths.
        condition: channels of the noise level's embedding.
    """

    def __init__(self, options: NetworkOptions, condition: int) -> None:
        super().__init__()
        scalars, vectors, degree = options.scalars, options.vectors, options.degree
        self.heads, self.degree, self.vectors = options.heads, degree, vectors
        self.vector_heads = -(-vectors // options.heads) * options.heads
        self.node_split = [scalars // 2, scalars // 2, scalars, options.hidden, vectors]
        self.pair_split = [options.heads, vectors * degree, options.pairs]

        self.query_scale = (scalars // 2 // options.heads) ** -0.5

        self.norm = nn.LayerNorm(scalars, elementwise_affine=False)
        self.modulate = nn.Linear(condition, 2 * scalars)
        self.vector_norm = DegreeNorm(vectors, degree)
        self.from_node = nn.Linear(scalars, sum(self.node_split), bias=False)
        self.from_vector = DegreeLinear(vectors, self.vector_heads + DOTS, degree)

        self.radial = RadialBasis()
        self.pair_norm = nn.LayerNorm(options.pairs)
        self.from_pair = nn.Linear(options.pairs + self.radial.channels + 2 * DOTS, options.hidden)
        self.to_pair = nn.Linear(options.hidden, sum(self.pair_split))

        self.product = NodeProduct(vectors, degree)
        self.mixed = DegreeLinear(self.vector_heads + vectors, 2 * vectors, degree)
        invariants = 2 * scalars + 2 * vectors * degree + options.hidden
        self.update = nn.Sequential(
            nn.Linear(invariants, 2 * scalars), nn.SiLU(), nn.Linear(2 * scalars, scalars + 2 * vectors)
        )
        self.to_features = DegreeLinear(vectors, vectors, degree)
        self.to_position = nn.Linear(vectors, 1, bias=False)
        for output in (self.modulate, self.to_position):
            nn.init.zeros_(output.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(
        self,
        scalars: Float[Tensor, "molecule atom scalar"],
        features: Features,
        pos: Float[Tensor, "molecule atom 3"],
        pairs: Float[Tensor, "molecule pair pairchannel"],
        condition: Float[Tensor, "molecule condition"],
        mask: Bool[Tensor, "molecule atom"],
        index: PairIndex,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The updated scalars, features, positions and pairs; padding is left out of every sum over atoms."""
        scale, shift = self.modulate(condition)[:, None].chunk(2, -1)
        node = torch.addcmul(shift, self.norm(scalars), 1 + scale)
        vector = self.vector_norm(features)
        query, key, value, pair_part, gate = self.from_node(node).split(self.node_split, -1)
        vector_value, dotted = self.from_vector(vector).split([self.vector_heads, DOTS], -1)

        distance = pair_distance(pos, index)
        dots = self._dots(dotted[:, :, :3], pos, distance, index)
        hidden = self.from_pair(torch.cat([self.pair_norm(pairs), self.radial(distance), dots], -1))
        hidden = functional.silu(hidden + index.total(pair_part))
        bias, weight, change = self.to_pair(hidden).split(self.pair_split, -1)

        gathered, gathered_vectors = self._attend(query, key, value, vector_value, bias, mask, index)
        neighbours = self._neighbours(weight, gate, pos, mask, index)
        mixed, partner = self.mixed(torch.cat([gathered_vectors, neighbours], -1)).chunk(2, -1)
        products, coupled = self.product(mixed, partner)
        squares = self.product.scalars(partner, partner)
        # attention averages, and an average cannot count: valences are sums
        summed = index.gather(hidden, mask) * SUM_SCALE
        update, gates = self.update(torch.cat([node, gathered, products, squares, summed], -1)).split(
            [scalars.shape[-1], 2 * self.vectors], -1
        )
        mixed_gate, partner_gate = gates[:, :, None].chunk(2, -1)
        change_of_features = mixed * mixed_gate + partner * partner_gate
        if coupled is not None:
            change_of_features = change_of_features + coupled
        features = features + self.to_features(change_of_features)
        pos = pos + self.to_position(features[:, :, :3]).squeeze(-1) * mask[:, :, None]
        return scalars + update, features, pos, pairs + change

    def _dots(
        self,
        dotted: Float[Tensor, "molecule atom 3 channel"],
        pos: Float[Tensor, "molecule atom 3"],
        distance: Float[Tensor, "molecule pair"],
        index: PairIndex,
    ) -> Float[Tensor, "molecule pair dots"]:
        """⟨v_i, v_j⟩ and ⟨v_i − v_j, r̂_ij⟩ of each channel, both by matrix products that hold no vector a pair."""
        rows = dotted.permute(0, 3, 1, 2)
        along = rows @ pos[:, None].transpose(2, 3)
        towards = along.diagonal(dim1=2, dim2=3)[..., None] - along
        # one gather for both
        both = torch.cat([rows @ rows.transpose(2, 3), towards + towards.transpose(2, 3)], 1).flatten(2)
        own, projected = both.index_select(2, index.forward).chunk(2, 1)
        return torch.cat([own, projected / distance[:, None]], 1).transpose(1, 2)

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, vectors: Tensor, bias: Tensor, mask: Tensor, index: PairIndex
    ) -> tuple[Float[Tensor, "molecule atom scalar"], Features]:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (query * self.query_scale, key, value)
        )
        heads = vectors.unflatten(-1, (self.heads, -1)).permute(0, 3, 1, 2, 4).flatten(3)
        outside = (~mask)[:, None, None, :].to(query.dtype) * -1e4
        # the product first: the sum then takes its layout, and a softmax over a strided axis is slow
        logits = query @ key.transpose(2, 3) + index.spread(bias).permute(0, 3, 1, 2) + outside
        gathered = logits.softmax(-1) @ torch.cat([value, heads], -1)
        scalars, others = gathered.split([value.shape[-1], heads.shape[-1]], -1)
        others = others.unflatten(-1, (-1, self.vector_heads // self.heads)).permute(0, 2, 3, 1, 4).flatten(3)
        return scalars.transpose(1, 2).flatten(2), others

    def _neighbours(self, weight: Tensor, gate: Tensor, pos: Tensor, mask: Tensor, index: PairIndex) -> Features:
        """A_i = Σ_j w_ij g_j Y(r̂_ij) of each degree."""
        harmonics = spherical_harmonics(pos[:, :, None] - pos[:, None], self.degree)
        harmonics = harmonics * mask[:, None, :, None]
        spread = index.spread(weight)
        parts = []
        for number, (_, at) in enumerate(degrees(self.degree)):
            channel = slice(number * self.vectors, (number + 1) * self.vectors)
            parts.append(harmonics[..., at].transpose(2, 3) @ (spread[..., channel] * gate[:, None]))
        return torch.cat(parts, 2) if len(parts) > 1 else parts[0]
