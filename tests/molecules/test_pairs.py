import pytest
import torch

from moldiff.molecules.pairs import PairIndex
from moldiff.network.radial import RadialBasis
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


@ATOMS
def test_total_is_the_sum_of_both_atoms(atoms: int) -> None:
    nodes = torch.randn(2, atoms, 3, generator=tiny.seeded(), dtype=torch.float64)
    expected = [nodes[:, i] + nodes[:, j] for i in range(atoms) for j in range(i + 1, atoms)]
    expected = torch.stack(expected, 1) if expected else nodes.new_zeros(2, 0, 3)
    assert torch.equal(index_of(atoms).total(nodes), expected)


@pytest.mark.parametrize("sizes", [(1, 1), (4, 2), (5, 1)], ids=str)
def test_gather_is_the_sum_over_the_pairs_of_real_atoms(sizes: tuple[int, int]) -> None:
    mask, atoms = tiny.mask_of(*sizes), max(sizes)
    values = pairs(atoms).detach()
    matrix = index_of(atoms).spread(values)
    expected = torch.stack([matrix[number, :, :size].sum(1) for number, size in enumerate(sizes)])
    assert torch.allclose(index_of(atoms).gather(values, mask)[mask], expected[mask], rtol=0, atol=1e-12)


def test_pack_takes_classes_as_well_as_features() -> None:
    bonds = tiny.batch_of(4, 3).bond
    index = index_of(4)
    assert torch.equal(index.pack(bonds), bonds[:, index.row, index.column])
    assert torch.equal(index.spread(index.pack(bonds)[..., None].double())[..., 0], bonds.double())


@ATOMS
def test_handwritten_gradients_are_right(atoms: int) -> None:
    index = index_of(atoms)
    nodes = torch.randn(2, atoms, 3, generator=tiny.seeded(), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(index.total, (nodes,))
    if atoms > 1:
        assert torch.autograd.gradcheck(index.spread, (pairs(atoms),))
        assert torch.autograd.gradcheck(index.gather, (pairs(atoms), tiny.mask_of(atoms, atoms - 1)))


def test_radial_basis_tells_near_distances_apart_and_saturates() -> None:
    radial = RadialBasis()
    near = torch.linspace(0.5, 4.0, 50)[None]
    values = radial(near)
    assert values.shape == (1, 50, radial.channels)
    assert ((values >= 0) & (values <= 1)).all()
    assert (values.amax(-1) > 0.85).all(), "no distance below 4 Å falls between the Gaussians"
    assert (radial.centre <= 4).sum() >= 18
    assert (radial.centre.diff() > 0).all()
    assert torch.equal(radial(torch.tensor([[16.0]])), radial(torch.tensor([[99.0]])))
