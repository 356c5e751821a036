"""Sparse graphs: the edges that a layer works on where not all pairs matter.

The nodes of all molecules stand in one row, as in torch-geometric, so that nothing is padded; in the shapes of
`moldiff.network.graph.Graph` this row is one molecule.
"""

from dataclasses import dataclass

import torch
from e3nn import o3
from jaxtyping import Bool, Float, Int
from torch import Tensor

from moldiff.molecules.pairs import pair_count, pair_number
from moldiff.network.equivariant import Features, places, spherical_harmonics
from moldiff.network.graph import length

PROBABLE = 0.02
"""Probability of a bond above which its pair is an edge however long it is."""
MOST_BONDS = 8
"""Such edges that an atom asks for at most, the most probable ones: at high noise every pair is somewhat probable."""


@dataclass(frozen=True)
class SparseGraph:
    """Edges among the nodes of a batch; made once an evaluation.

    Attributes:
        molecule: [node] the molecule of each node, ascending.
        real: [molecule, place] True where a padded row of the nodes of each molecule has one; they come in this order.
        row, column: [edge] the two nodes of each edge, row < column.
        target, source: [arrow] the nodes that each ordered pair of an edge, and each node with itself, goes to and
            comes from; targets ascend.
        edge: [arrow] the edge of each arrow; that of a node with itself is one after the last.
    """

    molecule: Int[Tensor, " node"]
    real: Bool[Tensor, "molecule place"]
    row: Int[Tensor, " edge"]
    column: Int[Tensor, " edge"]
    target: Int[Tensor, " arrow"]
    source: Int[Tensor, " arrow"]
    edge: Int[Tensor, " arrow"]

    @classmethod
    def of(cls, chosen: Bool[Tensor, "molecule place place"], real: Bool[Tensor, "molecule place"]) -> "SparseGraph":
        """The graph with these edges, a symmetric matrix for each molecule, among these nodes."""
        number = numbered(real)
        chosen = chosen.triu(1)
        molecule, first, second = chosen.nonzero(as_tuple=True)
        names = torch.full(chosen.shape, -1, device=real.device)
        count = torch.arange(len(molecule), device=real.device)
        names[molecule, first, second] = names[molecule, second, first] = count
        names.diagonal(dim1=1, dim2=2).masked_fill_(real, len(count))
        at, to, other = (names >= 0).nonzero(as_tuple=True)
        return cls(
            real.nonzero(as_tuple=True)[0],
            real,
            number[molecule, first],
            number[molecule, second],
            number[at, to],
            number[at, other],
            names[at, to, other],
        )

    def pair_places(self) -> Int[Tensor, " edge"]:
        """The place of each edge among the packed pairs of all molecules, one molecule after the other."""
        atoms = self.real.shape[1]
        place = self.real.flatten().nonzero()[:, 0] % atoms
        molecule = self.molecule[self.row]
        return molecule * pair_count(atoms) + pair_number(place[self.row], place[self.column])

    def numbers(self, first: Int[Tensor, " pair"], second: Int[Tensor, " pair"]) -> Int[Tensor, " pair"]:
        """The edge of each pair of nodes; one after the last where there is none, or both are the same."""
        key, names = self.target * len(self.molecule) + self.source, len(self.molecule)
        asked = first * names + second
        place = torch.searchsorted(key, asked).clamp_max(len(key) - 1)
        return torch.where(key[place] == asked, self.edge[place], len(self.row))

    @property
    def mask(self) -> Bool[Tensor, "1 node"]:
        """All nodes are real."""
        return torch.ones_like(self.molecule, dtype=torch.bool)[None]

    def padded(self, nodes: Float[Tensor, "1 node channel"]) -> Float[Tensor, "molecule place channel"]:
        """The nodes of each molecule in a row of its own, zero on padding."""
        dense = nodes.new_zeros(*self.real.shape, nodes.shape[-1])
        dense[self.real] = nodes[0]
        return dense

    def of_molecules(self, values: Float[Tensor, "molecule channel"]) -> Float[Tensor, "1 node channel"]:
        """See `moldiff.network.graph.Graph`."""
        return values.index_select(0, self.molecule)[None]

    def distance(self, pos: Float[Tensor, "1 node 3"]) -> Float[Tensor, "1 edge"]:
        """See `moldiff.network.graph.Graph`."""
        return length(pos.index_select(1, self.row) - pos.index_select(1, self.column))

    def dots(
        self,
        vectors: Float[Tensor, "1 node 3 channel"],
        pos: Float[Tensor, "1 node 3"],
        distance: Float[Tensor, "1 edge"],
    ) -> Float[Tensor, "1 dots edge"]:
        """See `moldiff.network.graph.Graph`."""
        first, second = vectors.index_select(1, self.row), vectors.index_select(1, self.column)
        between = pos.index_select(1, self.row) - pos.index_select(1, self.column)
        along = ((first - second) * between[..., None]).sum(2) / distance[..., None]
        return torch.cat([(first * second).sum(2), along], -1).transpose(1, 2)

    def add_ends(
        self, pairs: Float[Tensor, "1 edge channel"], atoms: Float[Tensor, "1 node channel"]
    ) -> Float[Tensor, "1 edge channel"]:
        """See `moldiff.network.graph.Graph`."""
        return pairs + atoms.index_select(1, self.row) + atoms.index_select(1, self.column)

    def gather(self, pairs: Float[Tensor, "1 edge channel"]) -> Float[Tensor, "1 node channel"]:
        """See `moldiff.network.graph.Graph`."""
        first, nodes = summed(pairs[0], self.row, len(self.molecule)), len(self.molecule)
        return (first + summed(pairs[0], self.column, nodes))[None]

    def spread(self, pairs: Float[Tensor, "1 edge channel"]) -> Float[Tensor, "1 arrow channel"]:
        """See `moldiff.network.graph.Graph`."""
        return torch.cat([pairs, pairs.new_zeros(1, 1, pairs.shape[-1])], 1).index_select(1, self.edge)

    def attend(
        self,
        query: Float[Tensor, "1 head node key"],
        key: Float[Tensor, "1 head node key"],
        value: Float[Tensor, "1 head node channel"],
        bias: Float[Tensor, "1 arrow head"],
    ) -> Float[Tensor, "1 head node channel"]:
        """See `moldiff.network.graph.Graph`."""
        from torch_geometric.utils import softmax  # a second to import, which other networks need not wait for

        asked, offered, values = (part[0].transpose(0, 1) for part in (query, key, value))
        match = asked.index_select(0, self.target) * offered.index_select(0, self.source)
        share = softmax(match.sum(-1) + bias[0], self.target, num_nodes=len(self.molecule))
        sent = values.index_select(0, self.source) * share[..., None].to(values.dtype)
        return summed(sent, self.target, len(self.molecule)).transpose(0, 1)[None]

    def neighbours(
        self,
        weight: Float[Tensor, "1 arrow weight"],
        gate: Float[Tensor, "1 node channel"],
        pos: Float[Tensor, "1 node 3"],
        irreps: o3.Irreps,
    ) -> Features:
        """See `moldiff.network.graph.Graph`."""
        between = pos[0].index_select(0, self.target) - pos[0].index_select(0, self.source)
        harmonics, gates = spherical_harmonics(between, irreps), gate[0].index_select(0, self.source)
        sent = [
            harmonics[:, at, None] * (own * gates)[:, None]
            for own, (_, at) in zip(weight[0].split(gate.shape[-1], -1), places(irreps), strict=True)
        ]
        return summed(torch.cat(sent, 1), self.target, len(self.molecule))[None]


def numbered(real: Bool[Tensor, "molecule place"]) -> Int[Tensor, "molecule place"]:
    """The number of each node in the row of those of all molecules."""
    return real.flatten().cumsum(0).unflatten(0, real.shape) - 1


def summed(values: Float[Tensor, "item ..."], place: Int[Tensor, " item"], count: int) -> Float[Tensor, "sum ..."]:
    """The sum of the values at each of ``count`` places.

    torch-geometric's `scatter` is the same sum; its gradient takes twice as long on CPU.
    """
    return values.new_zeros(count, *values.shape[1:]).index_add_(0, place, values)


def nearest(
    pos: Float[Tensor, "molecule place 3"],
    real: Bool[Tensor, "molecule place"],
    count: int,
    bonded: Float[Tensor, "molecule place place"] | None = None,
) -> Bool[Tensor, "molecule place place"]:
    """The pairs of which one is among the ``count`` nearest of the other, or a probable bond; symmetric.

    Args:
        pos: positions, Å.
        real: where there is a node.
        count: nearest nodes.
        bonded: how probable a bond of each pair is.
    """
    nodes = real.shape[1]
    own = torch.eye(nodes, dtype=torch.bool, device=real.device)
    possible = real[:, :, None] & real[:, None] & ~own
    if nodes - 1 <= count:
        return possible
    square = (pos[:, :, None] - pos[:, None]).square().sum(-1).masked_fill(~possible, torch.inf)
    chosen = torch.zeros_like(possible).scatter_(2, square.topk(count, largest=False).indices, True)
    if bonded is not None:
        bonded = bonded * possible
        probable = bonded.topk(min(MOST_BONDS, nodes), sorted=False)
        chosen = chosen.scatter(2, probable.indices, chosen.gather(2, probable.indices) | (probable.values > PROBABLE))
        chosen |= bonded >= 1
    return (chosen | chosen.transpose(1, 2)) & possible
