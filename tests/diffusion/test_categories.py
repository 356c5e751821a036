"""The process of categories against transition matrices and Bayes' rule written out."""

from dataclasses import replace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from moldiff.diffusion.categories import CategoryDiffusion
from moldiff.diffusion.modality import Move
from tests import tiny
from tests.symmetry import assert_close

SIGMAS = st.floats(0.01, 30.0)


@st.composite
def diffusions(draw: st.DrawFn) -> CategoryDiffusion:
    shares = draw(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6))
    return CategoryDiffusion(torch.tensor(shares, dtype=torch.float64) / sum(shares), scale=draw(st.floats(0.2, 3.0)))


def matrix(diffusion: CategoryDiffusion, keep: Tensor) -> Tensor:
    """[from, to] probability of each class after being kept with this probability, else redrawn."""
    channels = len(diffusion.marginal)
    return keep * torch.eye(channels, dtype=torch.float64) + (1 - keep) * diffusion.marginal.expand(channels, -1)


def everywhere(mask: Tensor, *levels: float) -> Tensor:
    """The level of each molecule at all of its places, 0 on padding."""
    return tiny.levels(*levels)[:, None] * mask


def counted(classes: Tensor, channels: int) -> Tensor:
    return torch.bincount(classes.flatten(), minlength=channels).double() / classes.numel()


def assert_frequencies(classes: Tensor, expected: Tensor) -> None:
    """Within five standard errors."""
    error = (expected * (1 - expected) / classes.numel()).sqrt()
    assert ((counted(classes, len(expected)) - expected).abs() <= 5 * error + 1e-12).all()


@settings(deadline=None, max_examples=30)
@given(diffusion=diffusions(), sigma=SIGMAS, fraction=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_posterior_is_that_of_bayes_enumerated_over_clean_classes(diffusion, sigma, fraction, seed) -> None:
    channels = len(diffusion.marginal)
    high, low = tiny.levels(sigma), tiny.levels(sigma * fraction)
    clean = torch.rand(channels, generator=tiny.seeded(seed), dtype=torch.float64)
    clean = clean / clean.sum()
    to_low, to_high = matrix(diffusion, diffusion.alpha(low)), matrix(diffusion, diffusion.alpha(high))
    between = matrix(diffusion, diffusion.alpha(high) / diffusion.alpha(low))
    noisy = torch.arange(channels)
    expected = torch.zeros(channels, channels, dtype=torch.float64)
    for here in range(channels):
        for origin in range(channels):
            for there in range(channels):
                joint = to_low[origin, there] * between[there, here] / to_high[origin, here]
                expected[here, there] += clean[origin] * joint
    posterior = diffusion.posterior(
        noisy[None], clean.expand(1, channels, channels), high.expand(1, channels), low.expand(1, channels)
    )
    assert_close("rows are distributions", expected.sum(1), torch.ones(channels, dtype=torch.float64))
    assert_close("posterior", posterior[0], expected)


@settings(deadline=None, max_examples=30)
@given(diffusion=diffusions(), low=SIGMAS, more=st.floats(0.0, 10.0))
def test_raising_composes(diffusion, low, more) -> None:
    start, end = tiny.levels(low), tiny.levels(low + more)
    raised = matrix(diffusion, diffusion.alpha(start)) @ matrix(
        diffusion, diffusion.alpha(end) / diffusion.alpha(start)
    )
    assert_close("composition", raised, matrix(diffusion, diffusion.alpha(end)))


def test_half_of_the_categories_are_kept_at_the_scale() -> None:
    diffusion = CategoryDiffusion(torch.tensor([0.5, 0.5]).double(), scale=0.5)
    assert diffusion.alpha(tiny.levels(0.0, 0.5, 1.0)).tolist() == [1.0, 0.5, 1 / 3]


def test_draws_follow_the_matrices() -> None:
    marginal, count = torch.tensor([0.6, 0.3, 0.1]).double(), 20_000
    diffusion, mask = CategoryDiffusion(marginal), torch.ones(1, count, dtype=torch.bool)
    start, sigma, higher = torch.full((1, count), 2), everywhere(mask, 0.8), everywhere(mask, 2.0)
    assert_frequencies(diffusion.prior(mask, sigma, tiny.seeded()), marginal)
    noisy = diffusion.corrupt(start, mask, sigma, tiny.seeded())
    assert_frequencies(noisy, matrix(diffusion, diffusion.alpha(tiny.levels(0.8)))[2])
    raised = diffusion.renoise(noisy, mask, sigma, higher, tiny.seeded(1))
    assert_frequencies(raised, matrix(diffusion, diffusion.alpha(tiny.levels(2.0)))[2])
    certain = torch.full((1, count, 3), -1e4).double()
    certain[..., 2] = 0
    lowered = diffusion.step(raised, certain, mask, Move(higher, sigma), tiny.seeded(2))
    assert_frequencies(lowered, matrix(diffusion, diffusion.alpha(tiny.levels(0.8)))[2])


def test_molecules_have_their_own_levels_and_padding_is_zero() -> None:
    mask = tiny.mask_of(5000, 4000)
    diffusion, start = CategoryDiffusion(torch.tensor([0.5, 0.5]).double()), mask.long()
    noisy = diffusion.corrupt(start, mask, everywhere(mask, 0.0, 1e9), tiny.seeded())
    assert torch.equal(noisy[0], start[0])
    assert_frequencies(noisy[1, :4000], torch.tensor([0.5, 0.5]).double())
    assert not noisy[1, 4000:].any()


def test_places_have_their_own_levels() -> None:
    mask = torch.ones(1, 9000, dtype=torch.bool)
    diffusion, start = CategoryDiffusion(torch.tensor([0.5, 0.5]).double()), mask.long()
    level = tiny.levels(0.0, 1.0, 1e9).repeat(3000)[None]
    noisy = diffusion.corrupt(start, mask, level, tiny.seeded())
    assert noisy[:, ::3].all()
    assert_frequencies(noisy[:, 1::3], torch.tensor([0.25, 0.75]).double())
    assert_frequencies(noisy[:, 2::3], torch.tensor([0.5, 0.5]).double())


def test_temperature_sharpens_the_prediction_that_is_drawn_from() -> None:
    marginal, count = torch.tensor([0.6, 0.3, 0.1]).double(), 20_000
    diffusion, mask = CategoryDiffusion(marginal), torch.ones(1, count, dtype=torch.bool)
    share = torch.tensor([0.5, 0.3, 0.2]).double()
    noisy, sigma, lower = torch.zeros(1, count, dtype=torch.long), everywhere(mask, 1e9), everywhere(mask, 1e-9)
    for temperature in (1.0, 0.5):
        move = Move(sigma, lower, temperature=temperature)
        drawn = diffusion.step(noisy, share.log().expand(1, count, 3), mask, move, tiny.seeded())
        powers = share ** (1 / temperature)
        assert_frequencies(drawn, powers / powers.sum())


def test_last_step_takes_the_likeliest_class() -> None:
    diffusion, mask = CategoryDiffusion(torch.tensor([0.98, 0.01, 0.01]).double()), tiny.mask_of(50)
    logits = torch.randn(1, 50, 3, generator=tiny.seeded(), dtype=torch.float64)
    noisy = torch.zeros(1, 50, dtype=torch.long)
    move = Move(everywhere(mask, 0.03), everywhere(mask, 0.0))
    assert torch.equal(diffusion.step(noisy, logits, mask, move, tiny.seeded()), logits.argmax(-1))


def test_class_that_never_occurs_in_training_does_no_harm() -> None:
    diffusion, mask = CategoryDiffusion(torch.tensor([0.7, 0.3, 0.0]).double()), tiny.mask_of(2000)
    noisy = torch.arange(2000)[None] % 3
    for dtype in (torch.float32, torch.float64):
        logits = torch.zeros(1, 2000, 3, dtype=dtype)
        high, low = everywhere(mask, 1.0).to(dtype), everywhere(mask, 0.2).to(dtype)
        posterior = diffusion.posterior(noisy, logits.softmax(-1), high, low)
        torch.testing.assert_close(posterior.sum(-1), torch.ones(1, 2000, dtype=dtype))
        assert (posterior[0, 2::3, 2] == 1).all(), "it can only have been there before"
        stepped = diffusion.step(noisy, logits, mask, Move(high, low), tiny.seeded())
        assert (stepped[0, 2::3] == 2).all()


def test_logits_that_are_no_numbers_give_classes_all_the_same() -> None:
    diffusion, mask = CategoryDiffusion(torch.tensor([0.7, 0.3]).double()), tiny.mask_of(2000)
    logits = torch.full((1, 2000, 2), torch.nan).double()
    move = Move(everywhere(mask, 1.0), everywhere(mask, 0.5))
    drawn = diffusion.step(mask.long(), logits, mask, move, tiny.seeded())
    assert_frequencies(drawn, diffusion.marginal)


def test_no_places_at_all() -> None:
    diffusion, mask, level = (
        CategoryDiffusion(torch.tensor([0.7, 0.3]).double()),
        torch.ones(3, 0, dtype=torch.bool),
        torch.ones(3, 0),
    )
    drawn = diffusion.prior(mask, level, tiny.seeded())
    assert drawn.shape == (3, 0)
    assert diffusion.corrupt(drawn, mask, level, tiny.seeded()).shape == (3, 0)
    assert diffusion.step(drawn, torch.zeros(3, 0, 2), mask, Move(level, level / 2), tiny.seeded()).shape == (3, 0)
    for of_pairs in (False, True):
        assert replace(diffusion, of_pairs=of_pairs).loss(torch.zeros(3, 0, 2), drawn, mask, level).tolist() == [0] * 3


def test_loss_is_the_cross_entropy_of_real_places() -> None:
    diffusion, mask = CategoryDiffusion(torch.tensor([0.5, 0.5]).double()), tiny.mask_of(3, 1)
    clean = torch.tensor([[0, 1, 1], [1, 0, 0]])
    probabilities = torch.tensor([[[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]], [[0.2, 0.8], [0.5, 0.5], [0.5, 0.5]]]).double()
    expected = -torch.tensor([(0.9 * 0.6 * 0.5), 0.8**3]).double().log() / 3
    level = everywhere(mask, 0.1, 5.0)
    torch.testing.assert_close(diffusion.loss(probabilities.log(), clean, mask, level), expected)
    # the pairs of three atoms and of two
    by_atom = replace(diffusion, of_pairs=True).loss(probabilities.log(), clean, mask, level)
    torch.testing.assert_close(by_atom, expected * tiny.levels(3 / 3, 1 / 2))
    level[0, 1] = 0
    given = -torch.stack([tiny.levels(0.9 * 0.5).log()[0] / 2, tiny.levels(0.8).log()[0]])
    torch.testing.assert_close(diffusion.loss(probabilities.log(), clean, mask, level), given)
