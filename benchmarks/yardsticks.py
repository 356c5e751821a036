"""Two ordinary networks for the same task, against which the cost of moldiff's is measured.

Both are full denoisers (positions, elements, charges, bonds; same preconditioning, same inputs), so that an evaluation
and a training step of each do the same job. They are written for measuring, at the sizes that are published:

- `edge_graph_network`: the E(n)-equivariant graph network (Satorras et al. 2021, arXiv:2102.09844) at the size of EDM
  on QM9 (Hoogeboom et al. 2022, arXiv:2203.17003, appendix C): 9 layers, 256 wide, attention. Messages are scalars.
- `edge_product_network`: tensor products of e3nn on every edge, as in NequIP (Batzner et al. 2022, arXiv:2101.03164):
  moldiff's depth and widths, with `uvu` products of neighbours' features and harmonics weighted by the edge's scalars.
"""

from itertools import pairwise

import torch
from e3nn import o3
from torch import Tensor, nn
from torch.nn import functional

from moldiff.molecules.batch import BOND_ORDERS, MoleculeBatch, Prediction, Vocabulary, centred
from moldiff.molecules.levels import Levels
from moldiff.molecules.pairs import pair_number


class Edges:
    """All ordered pairs of two different real atoms of a batch, flat.

    Attributes:
        row, column: [edge] numbers of the two atoms in the flattened [molecule * atom].
        pair: [edge] its pair in the flattened [molecule * pair].
    """

    def __init__(self, batch: MoleculeBatch) -> None:
        molecule, first, second = batch.pairs.matrix(batch.pair_mask).nonzero(as_tuple=True)
        self.pair = molecule * batch.bond.shape[1] + pair_number(first, second)
        self.row, self.column = molecule * batch.mask.shape[1] + first, molecule * batch.mask.shape[1] + second

    def sum(self, values: Tensor, nodes: int) -> Tensor:
        """[atom, channel] sum over the edges of each atom."""
        return values.new_zeros(nodes, values.shape[-1]).index_add(0, self.row, values)


class Yardstick(nn.Module):
    """What both networks share: inputs, preconditioning (Karras et al. 2022) and heads.

    Args:
        vocabulary: the categories.
        sigma_data: standard deviation of the data's centred coordinates, Å.
        width: channels of an atom.
        edge_width: channels of an edge's last message.
        body: takes [atom, channel], [atom, 3], [edge, channel], the edges and which atoms are real to the last scalars,
            positions and messages.
    """

    def __init__(self, vocabulary: Vocabulary, sigma_data: float, width: int, edge_width: int, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.vocabulary, self.sigma_data = vocabulary, sigma_data
        classes = vocabulary.sizes
        self.embedding = nn.Linear(classes["element"] + classes["charge"] + 1, width)
        self.head = nn.Linear(width, classes["element"] + classes["charge"])
        self.bond_head = nn.Linear(edge_width + len(BOND_ORDERS), len(BOND_ORDERS))

    def forward(self, noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        """The clean molecules; ``previous`` is not used."""
        mask, edges, frame = noisy.mask, Edges(noisy), levels.frame(noisy.mask)
        level = levels.pos[:, :, None]
        variance = level**2 + self.sigma_data**2
        framed = centred(noisy.pos, frame, mask)
        entered = framed * (self.sigma_data * variance.rsqrt())
        sizes = self.vocabulary.sizes
        seen = torch.cat(
            [
                functional.one_hot(noisy.element, sizes["element"]),
                functional.one_hot(noisy.charge, sizes["charge"]),
                (level + 1e-6).log(),
            ],
            -1,
        ).to(entered.dtype)
        bond = functional.one_hot(noisy.bond.flatten()[edges.pair], len(BOND_ORDERS)).to(entered.dtype)
        scalars, pos, messages = self.body(
            self.embedding(seen).flatten(0, 1), entered.flatten(0, 1), bond, edges, mask.flatten()
        )
        move = pos.reshape(entered.shape) - entered
        scale = self.sigma_data**2 / variance, level * self.sigma_data * variance.rsqrt()
        clean = centred(scale[0] * framed + scale[1] * move, frame, mask)
        element, charge = self.head(scalars).unflatten(0, mask.shape).split([sizes["element"], sizes["charge"]], -1)
        logits = self.bond_head(torch.cat([messages, bond], -1))
        both = logits.new_zeros(noisy.bond.numel(), len(BOND_ORDERS)).index_add(0, edges.pair, logits)
        return Prediction(clean, element, charge, both.unflatten(0, noisy.bond.shape))


def edge_graph_network(vocabulary: Vocabulary, sigma_data: float, layers: int = 9, width: int = 256) -> Yardstick:
    """EGNN of EDM's size."""
    return Yardstick(vocabulary, sigma_data, width, width, EdgeGraph(layers, width))


def edge_product_network(
    vocabulary: Vocabulary, sigma_data: float, layers: int = 6, scalars: int = 128, vectors: int = 32, degree: int = 1
) -> Yardstick:
    """Tensor products on edges."""
    return Yardstick(vocabulary, sigma_data, scalars, RADIAL, EdgeProducts(layers, scalars, vectors, degree))


class EdgeGraph(nn.Module):
    """In each layer messages on edges, attention over them, then a move along the differences."""

    def __init__(self, layers: int, width: int) -> None:
        super().__init__()
        edge = 2 * width + 2 + len(BOND_ORDERS)

        def perceptron(*widths: int) -> nn.Sequential:
            steps: list[nn.Module] = []
            for inside, outside in pairwise(widths):
                steps += [nn.Linear(inside, outside), nn.SiLU()]
            return nn.Sequential(*steps)

        self.messages = nn.ModuleList(perceptron(edge, width, width) for _ in range(layers))
        self.attention = nn.ModuleList(nn.Linear(width, 1) for _ in range(layers))
        self.updates = nn.ModuleList(
            nn.Sequential(perceptron(2 * width, width), nn.Linear(width, width)) for _ in range(layers)
        )
        self.moves = nn.ModuleList(
            nn.Sequential(perceptron(edge, width, width), nn.Linear(width, 1, bias=False)) for _ in range(layers)
        )

    def forward(
        self, scalars: Tensor, pos: Tensor, bond: Tensor, edges: Edges, real: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `Yardstick`."""
        first = _squared(pos, edges)[1]
        message = bond
        for messages, attention, updates, moves in zip(
            self.messages, self.attention, self.updates, self.moves, strict=True
        ):
            between, squared = _squared(pos, edges)
            message = messages(torch.cat([scalars[edges.row], scalars[edges.column], squared, first, bond], -1))
            gathered = edges.sum(message * attention(message).sigmoid(), len(scalars)) / 100
            scalars = scalars + updates(torch.cat([scalars, gathered], -1))
            weight = moves(torch.cat([scalars[edges.row], scalars[edges.column], squared, first, bond], -1)).tanh()
            pos = pos + edges.sum(between / ((squared + 1e-8).sqrt() + 1) * weight, len(pos)) / 100 * 15
        return scalars, pos, message


class EdgeProducts(nn.Module):
    """A neighbour's features times harmonics of the edge, weighted by the edge's scalars."""

    def __init__(self, layers: int, scalars: int, vectors: int, degree: int) -> None:
        super().__init__()
        self.degree = degree
        self.features = o3.Irreps(
            [(scalars, (0, 1))] + [(vectors, (order, (-1) ** order)) for order in range(1, degree + 1)]
        )
        self.harmonics = o3.Irreps.spherical_harmonics(degree)
        self.scalars = scalars
        self.products, self.weights, self.before, self.after, self.gates, self.moves = (
            nn.ModuleList() for _ in range(6)
        )
        for _ in range(layers):
            product = _edge_product(self.features, self.harmonics)
            self.products.append(product)
            self.weights.append(
                nn.Sequential(nn.Linear(RADIAL + len(BOND_ORDERS), 64), nn.SiLU(), nn.Linear(64, product.weight_numel))
            )
            self.before.append(o3.Linear(self.features, self.features))
            self.after.append(o3.Linear(product.irreps_out.simplify(), self.features))
            self.gates.append(nn.Linear(scalars, scalars + vectors * degree))
            self.moves.append(o3.Linear(self.features, o3.Irreps("1x1o")))

    def forward(
        self, scalars: Tensor, pos: Tensor, bond: Tensor, edges: Edges, real: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `Yardstick`."""
        features = torch.cat([scalars, scalars.new_zeros(len(scalars), self.features.dim - self.scalars)], -1)
        radial = bond
        for product, weights, before, after, gates, move in zip(
            self.products, self.weights, self.before, self.after, self.gates, self.moves, strict=True
        ):
            between, squared = _squared(pos, edges)
            distance = (squared + 1e-8).sqrt()
            harmonics = o3.spherical_harmonics(
                self.harmonics, between / distance, normalize=False, normalization="component"
            )
            centres = torch.linspace(0, 8, RADIAL, dtype=pos.dtype, device=pos.device)
            radial = (-2 * (distance - centres) ** 2).exp()
            message = product(before(features)[edges.column], harmonics, weights(torch.cat([radial, bond], -1)))
            change = after(edges.sum(message, len(features)) / 4)
            features = features + self._gated(change, gates(change[:, : self.scalars]))
            pos = pos + move(features) * real[:, None]
        return features[:, : self.scalars], pos, radial

    def _gated(self, change: Tensor, gate: Tensor) -> Tensor:
        parts, at = [functional.silu(gate[:, : self.scalars]) * change[:, : self.scalars]], self.scalars
        for multiplicity, irrep in list(self.features)[1:]:
            part = change[:, self.features.slices()[irrep.l]].unflatten(-1, (multiplicity, irrep.dim))
            parts.append((part * gate[:, at : at + multiplicity, None].sigmoid()).flatten(1))
            at += multiplicity
        return torch.cat(parts, -1)


RADIAL = 24
"""Gaussians of the distance that the edges of `EdgeProducts` see."""


def _squared(pos: Tensor, edges: Edges) -> tuple[Tensor, Tensor]:
    between = pos[edges.row] - pos[edges.column]
    return between, (between * between).sum(-1, keepdim=True)


def _edge_product(features: o3.Irreps, harmonics: o3.Irreps) -> o3.TensorProduct:
    """`uvu` product of features and harmonics, with a weight a path, channel and edge."""
    outputs, instructions = [], []
    for i, (multiplicity, left) in enumerate(features):
        for j, (_, right) in enumerate(harmonics):
            for out in left * right:
                if out in [irrep for _, irrep in features]:
                    instructions.append((i, j, len(outputs), "uvu", True))
                    outputs.append((multiplicity, out))
    order = sorted(range(len(outputs)), key=lambda k: outputs[k][1].l)
    place = {old: new for new, old in enumerate(order)}
    return o3.TensorProduct(
        features,
        harmonics,
        o3.Irreps([outputs[k] for k in order]),
        [(i, j, place[k], mode, train) for i, j, k, mode, train in instructions],
        shared_weights=False,
        internal_weights=False,
    )
