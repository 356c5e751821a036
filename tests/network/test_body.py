"""Another architecture in sixty lines, to copy: what a body must do, how it is trained, and what symmetry it owes."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from moldiff.config.network import TransformerOptions
from moldiff.network.body import Atoms
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.network.embeddings import CONDITION
from moldiff.network.graph import CompleteGraph
from tests import tiny
from tests.network.learning import assert_learns
from tests.symmetry import assert_equivariant


class Messages(nn.Module):
    """Messages along all pairs, after EGNN (Satorras et al. 2021): scalars alone, positions moved along differences."""

    def __init__(self, atom_channels: int = 16, pair_channels: int = 8, steps: int = 2) -> None:
        super().__init__()
        self.atom_channels, self.pair_channels, self.steps = atom_channels, pair_channels, steps
        self.from_condition = nn.Linear(CONDITION, atom_channels)
        self.to_pair = nn.Linear(atom_channels, pair_channels)
        self.message = nn.Linear(pair_channels + 1, pair_channels)
        self.to_atom = nn.Linear(pair_channels, atom_channels)
        self.weigh = nn.Linear(pair_channels, 1, bias=False)

    def forward(self, atoms: Atoms, pairs: Tensor, condition: Tensor, graph: CompleteGraph) -> tuple[Atoms, Tensor]:
        scalars, pos = atoms.scalars + self.from_condition(condition)[:, None], atoms.pos
        for _ in range(self.steps):
            distance = graph.distance(pos)[:, :, None]
            both = pairs + graph.ends() @ self.to_pair(scalars)
            pairs = pairs + functional.silu(self.message(torch.cat([both, distance], -1)))
            scalars = scalars + self.to_atom(graph.gather(pairs))
            weight = self.weigh(pairs) / (1 + distance)
            matrix = (graph.ends() * weight).transpose(1, 2) @ graph.ends()  # w_ij beside the diagonal, their sum on it
            own = torch.diag_embed(matrix.diagonal(dim1=1, dim2=2))
            pos = pos + 2 * own @ pos - matrix @ pos  # Σ_j w_ij (x_i - x_j)
        return Atoms(scalars, pos), pairs


def denoiser() -> DenoisingNetwork:
    torch.manual_seed(0)
    return DenoisingNetwork(TransformerOptions(hidden=16), tiny.VOCABULARY, tiny.SIGMA_DATA, Messages()).double()


def test_another_body_is_equivariant() -> None:
    batch = tiny.batch_of(6, 4, 1)
    with torch.no_grad():
        for given in (None, tiny.pattern(batch)):
            assert_equivariant(denoiser(), batch, tiny.at(batch, 0.05, 0.7, 8.0, given=given))


def test_another_body_learns() -> None:
    assert_learns(denoiser(), tiny.batch_of(6, 4, 5))
