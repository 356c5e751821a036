"""Maps of features turn with them and are e3nn's own; the representation is read off the harmonics, not assumed."""

import pytest
import torch
from e3nn import o3
from torch import Tensor

from moldiff.network.equivariant import (
    IrrepsLinear,
    IrrepsNorm,
    NodeProduct,
    channels,
    components,
    natural,
    places,
    spherical_harmonics,
    with_channels,
)
from tests import tiny
from tests.symmetry import assert_close, rotation

IMPROPER = pytest.mark.parametrize("orthogonal", [rotation(), -rotation()], ids=["rotation", "reflection"])
NATURAL = [o3.Irreps("4x1o"), o3.Irreps("4x1o+4x2e"), o3.Irreps("4x1o+4x2e+4x3o")]
IRREPS = pytest.mark.parametrize(
    "irreps", [*NATURAL, o3.Irreps("4x0o+4x1o+4x1e"), o3.Irreps("4x2o+4x1e+4x1o")], ids=str
)


def representation(orthogonal: Tensor, irreps: o3.Irreps) -> Tensor:
    """[component, component] the matrix D with Y(Q r) = D Y(r), solved from many directions, other parities by sign."""
    points = torch.randn(1, 7, 7, 3, generator=tiny.seeded(), dtype=torch.float64)
    blocks = []
    for irrep in (irrep for _, irrep in irreps):
        if irrep.l == 0:
            block = torch.ones(1, 1, dtype=torch.float64)
        else:
            likewise = o3.Irreps([(1, (irrep.l, (-1) ** irrep.l))])
            before, after = (
                spherical_harmonics(each, likewise)[0].flatten(0, 1) for each in (points, points @ orthogonal.T)
            )
            block = torch.linalg.lstsq(before, after).solution.T
        blocks.append(block if irrep.p == (-1) ** irrep.l else block * torch.linalg.det(orthogonal).sign())
    return torch.block_diag(*blocks)


def features(irreps: o3.Irreps, seed: int = 0) -> Tensor:
    shape = (2, 5, components(irreps), channels(irreps))
    return torch.randn(shape, generator=tiny.seeded(seed), dtype=torch.float64)


def turned(values: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,bnjc->bnic", matrix, values)


def flat(values: Tensor, irreps: o3.Irreps) -> Tensor:
    """The features as e3nn keeps them: irrep, channel, component along one axis."""
    return torch.cat([values[:, :, at].transpose(2, 3).flatten(2) for _, at in places(irreps)], -1)


@IRREPS
def test_components_of_irreps_follow_one_another(irreps: o3.Irreps) -> None:
    known = [place for _, at in places(irreps) for place in range(at.start, at.stop)]
    assert known == list(range(components(irreps)))
    assert irreps.dim == components(irreps) * channels(irreps)


def test_irreps_that_no_one_tensor_can_hold_are_refused() -> None:
    for text in ("4x1o+8x2e", "4x1o+4x1o"):
        with pytest.raises(ValueError, match="every irrep must occur once"):
            channels(o3.Irreps(text))


@pytest.mark.parametrize("irreps", NATURAL, ids=str)
def test_spherical_harmonics_are_those_of_e3nn(irreps: o3.Irreps) -> None:
    vectors = torch.randn(2, 3, 3, 3, generator=tiny.seeded(), dtype=torch.float64)
    expected = o3.spherical_harmonics(with_channels(irreps, 1), vectors, normalize=True, normalization="component")
    torch.testing.assert_close(spherical_harmonics(vectors, irreps), expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("irreps", NATURAL, ids=str)
def test_spherical_harmonics_of_a_zero_vector_are_zero_and_have_a_gradient(irreps: o3.Irreps) -> None:
    vectors = torch.zeros(1, 1, 1, 3, dtype=torch.float64, requires_grad=True)
    harmonics = spherical_harmonics(vectors, irreps)
    harmonics.sum().backward()
    assert not harmonics.any()
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()


@IRREPS
@IMPROPER
def test_representation_is_orthogonal_and_e3nn_s(orthogonal: Tensor, irreps: o3.Irreps) -> None:
    matrix = representation(orthogonal, irreps)
    assert_close("orthogonal", matrix @ matrix.T, torch.eye(len(matrix), dtype=torch.float64))
    torch.testing.assert_close(matrix, with_channels(irreps, 1).D_from_matrix(orthogonal), rtol=1e-6, atol=1e-6)
    vector = dict(places(irreps))[o3.Irrep("1o")]
    assert_close("1o is the vector itself", matrix[vector, vector], orthogonal)


@IRREPS
@IMPROPER
def test_linear_and_norm_turn_with_their_features(orthogonal: Tensor, irreps: o3.Irreps) -> None:
    matrix, given = representation(orthogonal, irreps), features(irreps)
    linear, norm = IrrepsLinear(irreps, with_channels(irreps, 6)).double(), IrrepsNorm(irreps).double()
    torch.nn.init.normal_(norm.weight)
    assert_close("linear", linear(turned(given, matrix)), turned(linear(given), matrix))
    assert_close("norm", norm(turned(given, matrix)), turned(norm(given), matrix))


@IRREPS
def test_linear_is_that_of_e3nn(irreps: o3.Irreps) -> None:
    entering, given = with_channels(natural(irreps), 4), features(natural(irreps))
    ours = IrrepsLinear(entering, with_channels(irreps, 6)).double()
    theirs = o3.Linear(entering, with_channels(irreps, 6)).double()
    theirs.weight.data = torch.cat([layer.weight.T.flatten() for layer in ours.maps]).detach() * 4**0.5
    assert_close("linear", flat(ours(given), ours.irreps_out), theirs(flat(given, entering)))


@IRREPS
@IMPROPER
def test_products_turn_with_their_factors(orthogonal: Tensor, irreps: o3.Irreps) -> None:
    matrix, left, right = representation(orthogonal, irreps), features(irreps), features(irreps, seed=1)
    product = NodeProduct(irreps).double()
    torch.nn.init.normal_(product.weight)
    scalars, coupled = product(left, right)
    turned_scalars, turned_coupled = product(turned(left, matrix), turned(right, matrix))
    assert_close("scalars", turned_scalars, scalars)
    if irreps == NATURAL[0]:
        assert coupled is None, "two vectors make no vector of natural parity"
    else:
        assert coupled.abs().amax((0, 1, 3)).min() > 0.1, "every component is reached"
        assert_close("coupled", turned_coupled, turned(coupled, matrix))


@IRREPS
def test_product_is_that_of_e3nn(irreps: o3.Irreps) -> None:
    ours, left, right = NodeProduct(irreps).double(), features(irreps), features(irreps, seed=1)
    torch.nn.init.normal_(ours.weight)
    kinds = [irrep for _, irrep in irreps]
    scalars = o3.Irreps([(4, (0, 1))] * len(kinds))
    paths = [(number, number, number, "uuu", False) for number in range(len(kinds))]
    paths += [(*map(kinds.index, path[:2]), len(kinds) + kinds.index(path[2]), "uuu", True) for path in ours.paths]
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # the type of the couplings that e3nn keeps
    try:
        theirs = o3.TensorProduct(
            irreps, irreps, scalars + irreps, paths, irrep_normalization="component", path_normalization="none"
        )
    finally:
        torch.set_default_dtype(default)
    expected = theirs(flat(left, irreps), flat(right, irreps), ours.weight.flatten().detach())
    own_scalars, coupled = ours(left, right)
    assert_close("scalars", own_scalars, expected[..., : scalars.dim])
    if coupled is not None:
        assert_close("coupled", flat(coupled, irreps), expected[..., scalars.dim :])


def test_layers_show_what_enters_and_what_leaves() -> None:
    irreps = o3.Irreps("4x0o+4x1o+4x1e")
    assert "4x0o+4x1o+4x1e x 4x0o+4x1o+4x1e -> 12x0e+4x0o+4x1o+4x1e" in repr(NodeProduct(irreps))
    assert "4x1o -> 6x1o+6x1e" in repr(IrrepsLinear(o3.Irreps("4x1o"), o3.Irreps("6x1o+6x1e")))


def test_norm_gives_each_irrep_unit_size() -> None:
    irreps = NATURAL[1]
    normed = IrrepsNorm(irreps).double()(features(irreps) * 10)
    for _, at in places(irreps):
        torch.testing.assert_close(
            normed[:, :, at].square().mean((2, 3)).sqrt(), torch.ones(2, 5).double(), rtol=1e-3, atol=0
        )
    assert not IrrepsNorm(irreps).double()(features(irreps) * 0).any()
