import pytest
import torch
from torch import Tensor

from moldiff.diffusion.positions import PositionDiffusion, noise
from moldiff.molecules.batch import centred
from tests import tiny

MANY = 4000
DIFFUSION = PositionDiffusion(tiny.SIGMA_DATA)


def many(*, atoms: int = 4) -> Tensor:
    """Mask of many molecules, the last atom of each padding."""
    return (torch.arange(atoms + 1) < atoms).expand(MANY, -1)


def same(sigma: float) -> Tensor:
    return torch.full((MANY,), sigma, dtype=torch.float64)


def clean(mask: Tensor) -> Tensor:
    return centred(torch.randn(*mask.shape, 3, generator=tiny.seeded(9), dtype=torch.float64), mask)


def assert_normal(values: Tensor, variance: float) -> None:
    """[sample, ...] of mean 0 and this variance, within five standard errors."""
    count = values.numel()
    assert abs(float(values.mean())) < 5 * (variance / count) ** 0.5
    # atoms share a centre, so their squares are not quite independent: twice the error of independent ones is enough
    assert float(values.var()) == pytest.approx(variance, rel=10 * (2 / count) ** 0.5)


@pytest.mark.parametrize("atoms", [1, 2, 5])
def test_noise_is_centred_zero_on_padding_and_of_unit_variance_less_the_centre(atoms: int) -> None:
    mask = many(atoms=atoms)
    drawn = noise(mask, same(1.0), tiny.seeded())
    assert drawn.dtype == torch.float64
    assert drawn.sum(1).abs().max() < 1e-12
    assert not drawn[:, atoms:].any()
    if atoms > 1:
        assert_normal(drawn[:, :atoms], 1 - 1 / atoms)
    else:
        assert not drawn.any()


def test_corrupt_and_prior_have_the_variance_of_their_level() -> None:
    mask, start = many(), clean(many())
    corrupted = DIFFUSION.corrupt(start, mask, same(2.5), tiny.seeded())
    assert_normal((corrupted - start)[:, :4], 2.5**2 * 3 / 4)
    assert_normal(DIFFUSION.prior(mask, same(3.0), tiny.seeded())[:, :4], (3.0**2 + tiny.SIGMA_DATA**2) * 3 / 4)
    assert corrupted.sum(1).abs().max() < 1e-12


def test_deterministic_step_is_eulers_step_of_the_probability_flow() -> None:
    mask, start, predicted = many(), clean(many()), clean(many()) * 0.7
    sigma, lower = same(3.0), same(1.1)
    stepped = DIFFUSION.step(start, predicted, mask, sigma, lower, 0.0, tiny.seeded())
    slope = (start - predicted) / 3.0  # dx/dσ of Karras et al. 2022, eq. 1, with x̂₀ for the denoiser
    torch.testing.assert_close(stepped, start + (1.1 - 3.0) * slope)
    # and DDIM: the same noise at the lower level (Song et al. 2021, eq. 12)
    torch.testing.assert_close(stepped, predicted + 1.1 * slope)


def test_ancestral_step_draws_from_the_closed_posterior() -> None:
    mask, start, predicted = many(), clean(many()), clean(many()) * 0.7
    stepped = DIFFUSION.step(start, predicted, mask, same(3.0), same(1.1), 1.0, tiny.seeded())
    mean = predicted + (1.1 / 3.0) ** 2 * (start - predicted)
    assert_normal((stepped - mean)[:, :4], 1.1**2 * (1 - (1.1 / 3.0) ** 2) * 3 / 4)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_step_with_the_true_molecule_gives_the_lower_level(eta: float) -> None:
    mask, start = many(), clean(many())
    noisy = DIFFUSION.corrupt(start, mask, same(3.0), tiny.seeded())
    stepped = DIFFUSION.step(noisy, start, mask, same(3.0), same(1.1), eta, tiny.seeded(1))
    assert_normal((stepped - start)[:, :4], 1.1**2 * 3 / 4)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_last_step_is_the_prediction_itself(eta: float) -> None:
    mask, start = many(), clean(many())
    assert torch.equal(DIFFUSION.step(start * 2, start, mask, same(0.03), same(0.0), eta, tiny.seeded()), start)


def test_loss_weighs_every_level_alike() -> None:
    # the best that x alone allows, c_skip x, misses by c_out² a component if the data is normal (Karras, appendix B.6)
    mask = many()
    start = noise(mask, same(1.0), tiny.seeded(3)) * tiny.SIGMA_DATA
    for level in (0.1, 1.0, 10.0):
        noisy = DIFFUSION.corrupt(start, mask, same(level), tiny.seeded(4))
        skip = tiny.SIGMA_DATA**2 / (level**2 + tiny.SIGMA_DATA**2)
        assert float(DIFFUSION.loss(skip * noisy, start, mask, same(level)).mean()) == pytest.approx(3 / 4, rel=0.05)
