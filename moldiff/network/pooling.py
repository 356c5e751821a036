"""From the nodes of a graph to fewer and back: what a U-Net's levels are joined by. E(3)-equivariant.

The coarse nodes begin at nodes that are far from each other. Every node belongs to the nearest of them by shares that
its own invariant features and theirs decide (a soft assignment, after Ying et al. 2018, arXiv:1806.08804); a coarse
node stands at the weighted mean of the positions of its members.
"""

from dataclasses import dataclass

import torch
from e3nn import o3
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from moldiff.network.equivariant import Features, IrrepsLinear, places
from moldiff.network.radial import RadialBasis
from moldiff.network.sparse import SparseGraph, length, nearest, numbered, summed

MEMBERSHIPS = 4
"""Coarse nodes that a node belongs to, at most."""
PAIR_SCALE = 0.3
"""Brings the sum of the edges between two coarse nodes to the size of one edge."""


@dataclass(frozen=True)
class Assignment:
    """Which nodes belong to which coarse nodes, and by what share.

    Attributes:
        fine, coarse: [membership] the node and the coarse node.
        share: [membership] of the node; the shares of a node add up to 1.
        weight: [membership] share of the coarse node; those of its members add up to 1.
        graph: of the coarse nodes.
        edge: [edge] the coarse edge between the nearest coarse nodes of each fine edge's two nodes; one after the last
            where that is one node, or where there is no such edge.
    """

    fine: Int[Tensor, " membership"]
    coarse: Int[Tensor, " membership"]
    share: Float[Tensor, " membership"]
    weight: Float[Tensor, " membership"]
    graph: SparseGraph
    edge: Int[Tensor, " edge"]

    def mean(self, nodes: Float[Tensor, "1 node *channel"]) -> Float[Tensor, "1 coarse *channel"]:
        """The weighted mean of each coarse node's members."""
        return self._sent(nodes, self.fine, self.coarse, self.weight, len(self.graph.molecule))

    def back(self, nodes: Float[Tensor, "1 coarse *channel"], count: int) -> Float[Tensor, "1 node *channel"]:
        """The coarse nodes of each of ``count`` nodes, by its shares."""
        return self._sent(nodes, self.coarse, self.fine, self.share, count)

    def _sent(self, nodes: Tensor, source: Tensor, target: Tensor, by: Tensor, count: int) -> Tensor:
        values = nodes[0].index_select(0, source)
        return summed(values * by.reshape(-1, *[1] * (values.dim() - 1)).to(values.dtype), target, count)[None]


@dataclass(frozen=True)
class Nodes:
    """The state of a level: nodes in a row and the edges among them.

    Attributes:
        scalars, features, pos: [1, node, ...] of each node.
        pairs: [1, edge, channel] of each edge.
    """

    scalars: Float[Tensor, "1 node scalar"]
    features: Features
    pos: Float[Tensor, "1 node 3"]
    pairs: Float[Tensor, "1 edge pairchannel"]


class Pooling(nn.Module):
    """Fewer nodes, and back.

    Args:
        irreps: of a node's features without its scalars.
        scalars: scalar channels of a node.
        pairs: channels of an edge.
        ratio: nodes that a coarse node stands for.
        neighbours: nearest coarse nodes that each has edges to.
    """

    def __init__(self, irreps: o3.Irreps, scalars: int, pairs: int, ratio: int, neighbours: int) -> None:
        super().__init__()
        self.ratio, self.neighbours = ratio, neighbours
        self.vector, count = dict(places(irreps))[o3.Irrep("1o")], irreps[0].mul
        keys = max(8, scalars // 4)
        self.radial = RadialBasis()
        self.norm = nn.LayerNorm(scalars)
        self.key_scale = keys**-0.5
        self.member, self.centre = nn.Linear(scalars, keys), nn.Linear(scalars, keys)
        self.near = nn.Linear(self.radial.channels, 1, bias=False)
        self.gates = nn.Linear(scalars, 2 * count)
        self.scalars_down, self.scalars_up = nn.Linear(scalars + 1, scalars), nn.Linear(scalars, scalars)
        self.features_down, self.features_up = IrrepsLinear(irreps, irreps), IrrepsLinear(irreps, irreps)
        self.pairs_down, self.pairs_up = nn.Linear(pairs, pairs), nn.Linear(pairs, pairs, bias=False)
        # at first the coarse levels change nothing above them
        for output in (self.scalars_up, self.pairs_up, *self.features_up.maps):
            nn.init.zeros_(output.weight)
        nn.init.zeros_(self.scalars_up.bias)

    def down(self, nodes: Nodes, graph: SparseGraph) -> tuple[Nodes, Assignment]:
        """The coarse nodes, and who belongs to them."""
        invariant = self.norm(nodes.scalars)
        assignment = self._assign(invariant, nodes.pos, graph)
        coarse, pos = assignment.coarse, assignment.mean(nodes.pos)
        mass = summed(assignment.share, coarse, pos.shape[1])[None, :, None].clamp_min(1e-3).log()
        means = assignment.mean(invariant)
        scalars = self.scalars_down(torch.cat([means, mass.to(means.dtype)], -1))
        # where the members are, seen from their mean
        gate = self.gates(invariant)[:, :, None].chunk(2, -1)[0]
        around = nodes.pos[..., None] * gate
        shape = assignment.mean(around) - pos[..., None] * assignment.mean(gate)
        features = self.features_down(self._with_vectors(assignment.mean(nodes.features), shape))
        edges = len(assignment.graph.row)
        between = summed(nodes.pairs[0], assignment.edge, edges + 1)[None, :edges]
        return Nodes(scalars, features, pos, self.pairs_down(between) * PAIR_SCALE), assignment

    def up(self, nodes: Nodes, coarse: Nodes, before: Float[Tensor, "1 coarse 3"], assignment: Assignment) -> Nodes:
        """The nodes with what the coarse ones have learned; they move along with them.

        Args:
            nodes: as they went down.
            coarse: as they come back.
            before: the positions of the coarse nodes on the way down, Å.
            assignment: who belongs to whom.
        """
        invariant, count = self.norm(nodes.scalars), nodes.pos.shape[1]
        scalars = nodes.scalars + assignment.back(self.scalars_up(coarse.scalars), count)
        gate = self.gates(invariant)[:, :, None].chunk(2, -1)[1]
        towards = assignment.back(coarse.pos, count) - nodes.pos
        returned = self._with_vectors(assignment.back(coarse.features, count), towards[..., None] * gate)
        pos = nodes.pos + assignment.back(coarse.pos - before, count)
        pairs = self.pairs_up(coarse.pairs)
        pairs = torch.cat([pairs, pairs.new_zeros(1, 1, pairs.shape[-1])], 1).index_select(1, assignment.edge)
        return Nodes(scalars, nodes.features + self.features_up(returned), pos, nodes.pairs + pairs)

    def _with_vectors(self, features: Features, vectors: Float[Tensor, "1 node 3 channel"]) -> Features:
        before, own, after = features.split([self.vector.start, 3, features.shape[2] - self.vector.stop], 2)
        return torch.cat([before, own + vectors, after], 2)

    def _assign(self, invariant: Tensor, pos: Float[Tensor, "1 node 3"], graph: SparseGraph) -> Assignment:
        from torch_geometric.utils import softmax

        padded = graph.padded(pos)
        place, chosen = far_apart(padded.detach(), graph.real, self.ratio)
        number, coarse_number = numbered(graph.real), numbered(chosen)
        first = padded.take_along_dim(place[..., None], 1)
        square = (padded[:, :, None] - first[:, None]).square().sum(-1).detach()
        square = square.masked_fill(~(graph.real[:, :, None] & chosen[:, None]), torch.inf)
        members = square.topk(min(MEMBERSHIPS, square.shape[2]), largest=False)
        molecule, at, slot = members.values.isfinite().nonzero(as_tuple=True)
        to = members.indices[molecule, at, slot]
        fine, coarse, began = number[molecule, at], coarse_number[molecule, to], number.take_along_dim(place, 1)
        began = began[molecule, to]
        distance = length(pos[0].index_select(0, fine) - pos[0].index_select(0, began))
        match = self.member(invariant)[0].index_select(0, fine) * self.centre(invariant)[0].index_select(0, began)
        logits = match.sum(-1) * self.key_scale + self.near(self.radial(distance[None]))[0, :, 0] - distance
        share = softmax(logits, fine, num_nodes=pos.shape[1]).to(pos.dtype)
        count = int(chosen.sum())
        weight = share / summed(share, coarse, count).index_select(0, coarse)
        # the coarse positions are needed for the coarse graph, which is part of the assignment
        centres = summed(pos[0].detach().index_select(0, fine) * weight.detach()[:, None], coarse, count)
        rows = padded.new_zeros(*chosen.shape, 3)
        rows[chosen] = centres
        coarse_graph = SparseGraph.of(nearest(rows, chosen, self.neighbours), chosen)
        closest = coarse_number.take_along_dim(members.indices[..., 0], 1)[graph.real]
        edge = coarse_graph.numbers(closest.index_select(0, graph.row), closest.index_select(0, graph.column))
        return Assignment(fine, coarse, share, weight, coarse_graph, edge)


def far_apart(
    pos: Float[Tensor, "molecule place 3"], real: Bool[Tensor, "molecule place"], ratio: int
) -> tuple[Int[Tensor, "molecule coarse"], Bool[Tensor, "molecule coarse"]]:
    """One node in ``ratio`` of each molecule, rounded up: the outermost, then always the one farthest from those.

    Returns:
        The places of the chosen nodes, and which of them there are: a molecule of fewer nodes has fewer.
    """
    sizes = real.sum(1)
    wanted = (sizes + ratio - 1) // ratio
    centre = pos.sum(1) / sizes.clamp_min(1)[:, None]
    away = (pos - centre[:, None]).square().sum(-1).masked_fill(~real, -1.0)
    taken, distance = [], torch.full_like(away, torch.inf).masked_fill(~real, -1.0)
    for _ in range(max(1, int(wanted.max()))):
        place = away.argmax(1)
        taken.append(place)
        one = pos.gather(1, place[:, None, None].expand(-1, 1, 3))
        distance = torch.minimum(distance, (pos - one).square().sum(-1)).scatter(1, place[:, None], -1.0)
        away = distance
    place = torch.stack(taken, 1)
    return place, torch.arange(place.shape[1], device=place.device) < wanted[:, None]
