import pytest
import torch

from moldiff.molecules.pairs import PairIndex
from tests import tiny

ATOMS = pytest.mark.parametrize("atoms", [1, 2, 5])


def index_of(atoms: int) -> PairIndex:
    return PairIndex.of(atoms, torch.device("cpu"))


def pairs(atoms: int, channels: int = 3) -> torch.Tensor:
    shape = (2, atoms * (atoms - 1) // 2, channels)
    return torch.randn(shape, generator=tiny.seeded(), dtype=torch.float64, requires_grad=True)


@ATOMS
def test_spread_is_symmetric_with_a_diagonal_of_zeros_and_packs_back(atoms: int) -> None:
    index, values = index_of(atoms), pairs(atoms)
    matrix = index.spread(values)
    assert matrix.shape == (2, atoms, atoms, 3)
    assert torch.equal(matrix, matrix.transpose(1, 2))
    assert not matrix.diagonal(dim1=1, dim2=2).any()
    assert torch.equal(index.pack(matrix), values)


def test_pack_takes_classes_as_well_as_features() -> None:
    bonds = tiny.batch_of(4, 3).bond
    index = index_of(4)
    assert torch.equal(index.pack(bonds), bonds[:, index.row, index.column])
    assert torch.equal(index.spread(index.pack(bonds)[..., None].double())[..., 0], bonds.double())


def test_handwritten_gradient_is_right() -> None:
    for atoms in (2, 5):
        assert torch.autograd.gradcheck(index_of(atoms).spread, (pairs(atoms),))
