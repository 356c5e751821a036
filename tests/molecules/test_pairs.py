import pytest
import torch

from moldiff.molecules.pairs import PairIndex, pair_count, pair_number
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
    bonds, index = tiny.batch_of(4, 3).bond, index_of(4)
    matrix = index.matrix(bonds)
    assert matrix.dtype == bonds.dtype
    assert torch.equal(index.pack(matrix), bonds)
    assert torch.equal(matrix[:, index.row, index.column], bonds)
    assert torch.equal(matrix[:, index.column, index.row], bonds)
    assert torch.equal(index.spread(bonds[..., None].double())[..., 0], matrix.double())


@ATOMS
def test_number_of_a_pair_is_its_place_in_either_order(atoms: int) -> None:
    index = index_of(atoms)
    assert pair_number(index.row, index.column).tolist() == list(range(pair_count(atoms)))
    assert torch.equal(pair_number(index.column, index.row), pair_number(index.row, index.column))


def test_real_pairs_are_of_two_marked_atoms() -> None:
    assert index_of(3).real(torch.tensor([[True, False, True]])).tolist() == [[False, True, False]]


def test_index_made_while_sampling_serves_training() -> None:
    with torch.inference_mode():
        index = PairIndex.of(11, torch.device("cpu"))
    nodes, values = torch.randn(1, 11, 2, requires_grad=True), torch.randn(1, 55, 2, requires_grad=True)
    index.spread(values).square().sum().backward()
    nodes.index_select(1, PairIndex.of(11, torch.device("cpu")).row).sum().backward()
    assert nodes.grad is not None
    assert values.grad is not None


def test_handwritten_gradient_is_right() -> None:
    for atoms in (2, 5):
        assert torch.autograd.gradcheck(index_of(atoms).spread, (pairs(atoms),))
