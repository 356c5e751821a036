"""A body with a coarser level, as a prototype: atoms are pooled to nodes and back. No module of moldiff changes."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from moldiff.config.network import TransformerOptions
from moldiff.network.body import Atoms
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.network.embeddings import CONDITION
from moldiff.network.graph import CompleteGraph
from tests import tiny
from tests.symmetry import assert_equivariant


class Pooling(nn.Module):
    """One level of a U-Net: soft assignment by invariant features, centres as weighted means, a skip connection."""

    def __init__(self, atom_channels: int = 16, pair_channels: int = 8, nodes: int = 3) -> None:
        super().__init__()
        self.atom_channels, self.pair_channels = atom_channels, pair_channels
        self.from_condition = nn.Linear(CONDITION, atom_channels)
        self.from_pairs = nn.Linear(pair_channels, atom_channels)
        self.assign = nn.Linear(atom_channels, nodes)
        self.between = nn.Linear(atom_channels + 1, atom_channels)
        self.back = nn.Linear(atom_channels, atom_channels)
        self.weigh = nn.Linear(atom_channels, 1, bias=False)

    def forward(self, atoms: Atoms, pairs: Tensor, condition: Tensor, graph: CompleteGraph) -> tuple[Atoms, Tensor]:
        scalars = atoms.scalars + self.from_condition(condition)[:, None] + self.from_pairs(graph.gather(pairs))
        share = self.assign(scalars).softmax(-1) * graph.mask[:, :, None]  # [molecule, atom, node]
        mean = (share / share.sum(1, keepdim=True).clamp_min(1e-9)).transpose(1, 2)
        node, centre = mean @ scalars, mean @ atoms.pos
        distance = (centre[:, :, None] - centre[:, None]).square().sum(-1, keepdim=True).add(1e-6).sqrt()
        sent = self.between(torch.cat([node[:, None].expand(*distance.shape[:3], -1), distance], -1))
        node = node + functional.silu(sent).sum(2)
        scalars = scalars + share @ self.back(node)
        weight = share @ self.weigh(node).tanh()
        return Atoms(scalars, atoms.pos + weight * (share @ centre - atoms.pos)), pairs


def test_a_pooling_body_is_equivariant() -> None:
    torch.manual_seed(0)
    network = DenoisingNetwork(TransformerOptions(hidden=16), tiny.VOCABULARY, tiny.SIGMA_DATA, Pooling()).double()
    batch = tiny.batch_of(6, 4, 1)
    with torch.no_grad():
        for given in (None, tiny.pattern(batch)):
            assert_equivariant(network, batch, tiny.at(batch, 0.05, 0.7, 8.0, given=given))
