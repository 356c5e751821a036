"""Guidance: the mixture of two predictions, and what it costs."""

from collections.abc import Callable

import pytest
import torch

from moldiff.diffusion.guidance import guided
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.levels import Levels
from tests import tiny
from tests.symmetry import assert_equivariant

Answer = Callable[[MoleculeBatch, Levels, Prediction | None], Prediction]


def counted(calls: list[bool]) -> Answer:
    """1 everywhere where something is asked, 0 where it is not; notes each call."""

    def denoise(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        asked = noisy.properties.isfinite().any(1).double()
        calls.append(bool(asked.any()))
        molecules, atoms, pairs = *noisy.mask.shape, noisy.bond.shape[1]
        ones = [torch.ones(molecules, *shape) * asked[:, None, None] for shape in ((atoms, 3), (atoms, 4), (pairs, 4))]
        return Prediction(ones[0], ones[1], ones[1][..., :3], ones[2])

    return denoise


@pytest.mark.parametrize(("weight", "expected", "cost"), [(0.0, 0.0, 1), (1.0, 1.0, 1), (2.0, 2.0, 2), (3.5, 3.5, 2)])
def test_the_difference_is_multiplied(weight: float, expected: float, cost: int) -> None:
    calls: list[bool] = []
    batch = tiny.batch_of(4, 3).replace(properties=torch.tensor([[0.3], [float("nan")]]).double())
    made = guided(counted(calls), weight)(batch, tiny.at(batch, 0.5), None)
    assert len(calls) == cost
    for field in (made.pos, made.element, made.charge, made.bond):
        assert (field[0] == expected).all()
        assert (field[1] == 0).all(), "of the second nothing is asked"


def test_outside_an_interval_of_levels_it_is_the_conditional_denoiser() -> None:
    calls: list[bool] = []
    batch = tiny.batch_of(4, 3).replace(properties=torch.tensor([[0.3], [0.3]]).double())
    denoiser = guided(counted(calls), 3.0, 0.2, 2.0)
    for sigma, expected, cost in ((0.1, 1.0, 1), (0.2, 3.0, 2), (2.0, 3.0, 2), (2.1, 1.0, 1)):
        calls.clear()
        made = denoiser(batch, tiny.at(batch, sigma), None)
        assert len(calls) == cost
        assert (made.element == expected).all()
    levels = tiny.at(batch, 1.0, 5.0)
    assert denoiser(batch, levels, None).element[:, 0, 0].tolist() == [3.0, 1.0], "each molecule by its own level"


def test_guidance_is_symmetric() -> None:
    batch = tiny.batch_of(5, 3).replace(properties=torch.tensor([[0.3], [0.9]]).double())

    def denoise(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        made = plain(noisy, levels, previous)
        scale = 1 + noisy.properties.nan_to_num()[:, :, None]
        return Prediction(made.pos * scale, made.element * scale, made.charge * scale, made.bond * scale)

    plain = tiny.network()
    with torch.no_grad():
        assert_equivariant(guided(denoise, 3.0), batch, tiny.at(batch, 0.5, 1.5))
