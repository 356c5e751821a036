"""A graph U-Net for large molecules: layers on edges among near atoms, and on pooled nodes that see far.

An encoder, after Gao and Ji 2019 (arXiv:1905.05178), pools the atoms to fewer and fewer nodes, a decoder goes back and
joins what comes from below with what went down. Every level attends along its own edges.
"""

from typing import cast

from e3nn import o3
from jaxtyping import Float
from torch import Tensor, nn

from moldiff.config.network import UNetOptions
from moldiff.network.body import Atoms, first_features, polar
from moldiff.network.graph import CompleteGraph
from moldiff.network.layer import Layer
from moldiff.network.pooling import Nodes, Pooling
from moldiff.network.sparse import SparseGraph, nearest


class UNet(nn.Module):
    """A `moldiff.network.body.Body` of levels.

    Pairs that are no edges leave as they came.

    Args:
        options: widths and depth.
        condition: channels of the condition.
    """

    def __init__(self, options: UNetOptions, condition: int) -> None:
        super().__init__()
        self.irreps = o3.Irreps(options.irreps)
        self.atom_channels, self.pair_channels = options.scalars, options.outer_pairs
        self.neighbours = options.neighbours
        irreps = self.irreps[1:]
        self.lift = nn.Linear(options.outer_pairs, options.pairs)
        self.lower = nn.Linear(options.pairs, options.outer_pairs)

        def layers(level: int) -> nn.ModuleList:
            count = options.layers if level == 0 else options.coarse_layers
            return nn.ModuleList(Layer(options, condition) for _ in range(count))

        levels = range(options.levels)
        self.down = nn.ModuleList(layers(level) for level in levels)
        # with one level its second half comes here, and nothing is pooled in between
        self.up = nn.ModuleList(layers(level) for level in levels[: max(1, options.levels - 1)])
        self.pools = nn.ModuleList(
            Pooling(irreps, options.scalars, options.pairs, options.pooling, options.neighbours) for _ in levels[1:]
        )

    def forward(
        self,
        atoms: Atoms,
        pairs: Float[Tensor, "molecule pair channel"],
        condition: Float[Tensor, "molecule condition"],
        graph: CompleteGraph,
    ) -> tuple[Atoms, Float[Tensor, "molecule pair channel"]]:
        """See `moldiff.network.body.Body`."""
        mask = graph.mask
        edges = SparseGraph.of(
            nearest(atoms.pos.detach(), mask, self.neighbours, graph.index.matrix(graph.bonded)), mask
        )
        first = first_features(atoms, self.irreps[1:])
        scalars, pos, features = (values[mask][None] for values in (atoms.scalars, atoms.pos, first))
        place, flat = edges.pair_places(), pairs.flatten(0, 1)
        state = Nodes(scalars, features, pos, self.lift(flat.index_select(0, place))[None])
        state = self._level(0, state, edges, condition)
        change = self.lower(state.pairs[0])
        pairs = flat.index_add(0, place, change.to(flat.dtype)).view_as(pairs)
        moved = atoms.pos.masked_scatter(mask[..., None], state.pos)
        vectors = polar(first.masked_scatter(mask[..., None, None], state.features), self.irreps[1:])
        return Atoms(edges.padded(state.scalars), moved, vectors), pairs

    def _level(self, level: int, nodes: Nodes, graph: SparseGraph, condition: Tensor) -> Nodes:
        """A level and, between its two halves, those below it."""
        nodes = _updated(self.down[level], nodes, graph, condition)
        if level < len(self.pools):
            pool = cast(Pooling, self.pools[level])
            coarse, assignment = pool.down(nodes, graph)
            returned = self._level(level + 1, coarse, assignment.graph, condition)
            nodes = pool.up(nodes, returned, coarse.pos, assignment)
        return _updated(self.up[level], nodes, graph, condition) if level < len(self.up) else nodes

    def extra_repr(self) -> str:
        """The irreps within."""
        return f"{self.irreps}"


def _updated(layers: nn.Module, nodes: Nodes, graph: SparseGraph, condition: Tensor) -> Nodes:
    scalars, features, pos, pairs = nodes.scalars, nodes.features, nodes.pos, nodes.pairs
    for layer in layers.children():
        scalars, features, pos, pairs = layer(scalars, features, pos, pairs, condition, graph)
    return Nodes(scalars, features, pos, pairs)
