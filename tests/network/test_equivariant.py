"""Maps of features turn with them; the representation is read off the spherical harmonics, not assumed."""

import pytest
import torch
from e3nn import o3
from torch import Tensor

from moldiff.network.equivariant import (
    DegreeLinear,
    DegreeNorm,
    NodeProduct,
    components,
    degrees,
    spherical_harmonics,
)
from tests import tiny
from tests.symmetry import assert_close, rotation

IMPROPER = pytest.mark.parametrize("orthogonal", [rotation(), -rotation()], ids=["rotation", "reflection"])
DEGREES = pytest.mark.parametrize("degree", [1, 2, 3])


def representation(orthogonal: Tensor, degree: int) -> Tensor:
    """[component, component] the matrix D with Y(Q r) = D Y(r), solved from many directions."""
    points = torch.randn(1, 7, 7, 3, generator=tiny.seeded(), dtype=torch.float64)
    before, after = (spherical_harmonics(each, degree)[0].flatten(0, 1) for each in (points, points @ orthogonal.T))
    return torch.linalg.lstsq(before, after).solution.T


def features(degree: int, channels: int = 4, seed: int = 0) -> Tensor:
    return torch.randn(2, 5, components(degree), channels, generator=tiny.seeded(seed), dtype=torch.float64)


def turned(values: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,bnjc->bnic", matrix, values)


@DEGREES
def test_components_of_degrees_follow_one_another(degree: int) -> None:
    places = [place for _, at in degrees(degree) for place in range(at.start, at.stop)]
    assert places == list(range(components(degree)))
    assert [at.stop - at.start for _, at in degrees(degree)] == [3, 5, 7][:degree]


@DEGREES
def test_spherical_harmonics_are_those_of_e3nn(degree: int) -> None:
    vectors = torch.randn(2, 3, 3, 3, generator=tiny.seeded(), dtype=torch.float64)
    expected = o3.spherical_harmonics(list(range(1, degree + 1)), vectors, normalize=True, normalization="component")
    torch.testing.assert_close(spherical_harmonics(vectors, degree), expected, rtol=1e-7, atol=1e-7)


@DEGREES
def test_spherical_harmonics_of_a_zero_vector_are_zero_and_have_a_gradient(degree: int) -> None:
    vectors = torch.zeros(1, 1, 1, 3, dtype=torch.float64, requires_grad=True)
    harmonics = spherical_harmonics(vectors, degree)
    harmonics.sum().backward()
    assert not harmonics.any()
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()


@DEGREES
@IMPROPER
def test_representation_is_orthogonal_and_mixes_no_degrees(orthogonal: Tensor, degree: int) -> None:
    matrix = representation(orthogonal, degree)
    assert_close("orthogonal", matrix @ matrix.T, torch.eye(len(matrix), dtype=torch.float64))
    blocks = torch.block_diag(*(matrix[at, at] for _, at in degrees(degree)))
    assert_close("blocks", matrix, blocks)
    assert_close("degree 1 is the vector itself", matrix[:3, :3], orthogonal)


@DEGREES
@IMPROPER
def test_linear_and_norm_turn_with_their_features(orthogonal: Tensor, degree: int) -> None:
    matrix, given = representation(orthogonal, degree), features(degree)
    linear, norm = DegreeLinear(4, 6, degree).double(), DegreeNorm(4, degree).double()
    torch.nn.init.normal_(norm.weight)
    assert_close("linear", linear(turned(given, matrix)), turned(linear(given), matrix))
    assert_close("norm", norm(turned(given, matrix)), turned(norm(given), matrix))


@DEGREES
@IMPROPER
def test_products_turn_with_their_factors(orthogonal: Tensor, degree: int) -> None:
    matrix, left, right = representation(orthogonal, degree), features(degree), features(degree, seed=1)
    product = NodeProduct(4, degree).double()
    torch.nn.init.normal_(product.weight)
    scalars, coupled = product(left, right)
    turned_scalars, turned_coupled = product(turned(left, matrix), turned(right, matrix))
    assert_close("scalars", turned_scalars, scalars)
    if degree == 1:
        assert coupled is None, "two vectors make no vector of natural parity"
    else:
        assert coupled.abs().amax((0, 1, 3)).min() > 0.1, "every component is reached"
        assert_close("coupled", turned_coupled, turned(coupled, matrix))


def test_norm_gives_each_degree_unit_size() -> None:
    normed = DegreeNorm(4, 2).double()(features(2) * 10)
    for _, at in degrees(2):
        torch.testing.assert_close(
            normed[:, :, at].square().mean((2, 3)).sqrt(), torch.ones(2, 5).double(), rtol=1e-3, atol=0
        )
    assert not DegreeNorm(4, 2).double()(features(2) * 0).any()
