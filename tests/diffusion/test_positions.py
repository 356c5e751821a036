import pytest
import torch
from torch import Tensor

from moldiff.diffusion.modality import Move
from moldiff.diffusion.positions import PositionDiffusion, noise
from moldiff.molecules.batch import centred
from tests import tiny

MANY = 4000
DIFFUSION = PositionDiffusion(tiny.SIGMA_DATA)


def many(*, atoms: int = 4) -> Tensor:
    """Mask of many molecules, the last atom of each padding."""
    return (torch.arange(atoms + 1) < atoms).expand(MANY, -1)


def same(sigma: float, *, atoms: int = 4) -> Tensor:
    """This level at each real atom."""
    return sigma * many(atoms=atoms).double()


def move(level: float, lower: float, eta: float = 0.0) -> Move:
    return Move(same(level), same(lower), eta)


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
    drawn = noise(same(1.0, atoms=atoms), mask, mask, tiny.seeded())
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
    stepped = DIFFUSION.step(start, predicted, mask, move(3.0, 1.1), tiny.seeded())
    slope = (start - predicted) / 3.0  # dx/dσ of Karras et al. 2022, eq. 1, with x̂₀ for the denoiser
    torch.testing.assert_close(stepped, start + (1.1 - 3.0) * slope)
    # and DDIM: the same noise at the lower level (Song et al. 2021, eq. 12)
    torch.testing.assert_close(stepped, predicted + 1.1 * slope)


def test_ancestral_step_draws_from_the_closed_posterior() -> None:
    mask, start, predicted = many(), clean(many()), clean(many()) * 0.7
    stepped = DIFFUSION.step(start, predicted, mask, move(3.0, 1.1, 1.0), tiny.seeded())
    mean = predicted + (1.1 / 3.0) ** 2 * (start - predicted)
    assert_normal((stepped - mean)[:, :4], 1.1**2 * (1 - (1.1 / 3.0) ** 2) * 3 / 4)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_step_with_the_true_molecule_gives_the_lower_level(eta: float) -> None:
    mask, start = many(), clean(many())
    noisy = DIFFUSION.corrupt(start, mask, same(3.0), tiny.seeded())
    stepped = DIFFUSION.step(noisy, start, mask, move(3.0, 1.1, eta), tiny.seeded(1))
    assert_normal((stepped - start)[:, :4], 1.1**2 * 3 / 4)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_last_step_is_the_prediction_itself(eta: float) -> None:
    mask, start = many(), clean(many())
    assert torch.equal(DIFFUSION.step(start * 2, start, mask, move(0.03, 0.0, eta), tiny.seeded()), start)


def test_loss_weighs_every_level_alike() -> None:
    # the best that x alone allows, c_skip x, misses by c_out² a component if the data is normal (Karras, appendix B.6)
    mask = many()
    start = noise(same(tiny.SIGMA_DATA), mask, mask, tiny.seeded(3))
    for level in (0.1, 1.0, 10.0):
        noisy = DIFFUSION.corrupt(start, mask, same(level), tiny.seeded(4))
        skip = tiny.SIGMA_DATA**2 / (level**2 + tiny.SIGMA_DATA**2)
        assert float(DIFFUSION.loss(skip * noisy, start, mask, same(level)).mean()) == pytest.approx(3 / 4, rel=0.05)


def test_renoised_positions_have_the_variance_of_the_higher_level() -> None:
    mask, start = many(), clean(many())
    noisy = DIFFUSION.corrupt(start, mask, same(0.7), tiny.seeded())
    raised = DIFFUSION.renoise(noisy, mask, same(0.7), same(2.0), tiny.seeded(1))
    assert_normal((raised - start)[:, :4], 2.0**2 * 3 / 4)


def partly_given() -> Tensor:
    """Level 0 at the first two atoms, 1.5 Å at the others."""
    return same(1.5) * (torch.arange(5) >= 2)


def test_noise_around_given_atoms_is_not_centred() -> None:
    mask, level, start = many(), partly_given(), clean(many())
    drawn = DIFFUSION.corrupt(start, mask, level, tiny.seeded()) - start
    assert not drawn[:, :2].any()
    assert_normal(drawn[:, 2:4], 1.5**2)
    prior = DIFFUSION.prior(mask, level, tiny.seeded())
    assert not prior[:, :2].any()
    assert_normal(prior[:, 2:4], 1.5**2 + tiny.SIGMA_DATA**2)


def test_ancestral_noise_around_given_atoms_is_not_centred() -> None:
    mask, level, start = many(), partly_given(), clean(many())
    stepped = DIFFUSION.step(start, start, mask, Move(level, level / 2, eta=1.0), tiny.seeded())
    assert_normal((stepped - start)[:, 2:4], 0.75**2 * (1 - 0.5**2))


def test_loss_is_a_mean_over_free_atoms() -> None:
    mask, level, start = many(), partly_given(), clean(many())
    far = start + (torch.arange(5) < 2)[:, None]
    assert not DIFFUSION.loss(far, start, mask, level).any()
    assert not DIFFUSION.loss(far, start, mask, level * 0).any(), "nothing is free"
    one, all_free = (DIFFUSION.loss(start + 1.0, start, mask, each) for each in (level, same(1.5)))
    torch.testing.assert_close(one, all_free)
