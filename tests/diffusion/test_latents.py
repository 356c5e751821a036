"""The invariant numbers of a latent space as a modality: its marginals, and every solver with one that knows."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.diffusion import schedules
from moldiff.diffusion.latents import LatentDiffusion
from moldiff.diffusion.modality import Modality, Move
from moldiff.diffusion.process import Process, State
from moldiff.diffusion.restarts import States
from moldiff.diffusion.solvers import Numbers, Solver, euler, generate, heun
from moldiff.molecules.latents import LatentBatch, LatentLevels, LatentPrediction
from tests import tiny
from tests.symmetry import assert_close

CHANNELS = 5
PROCESS = Process.of_latents(tiny.SIGMA_DATA, CHANNELS)


def at(state: LatentBatch, *sigma: float) -> LatentLevels:
    return LatentLevels.of(tiny.levels(*sigma).expand(len(state)), state)


def clean_of(*sizes: int, seed: int = 0) -> LatentBatch:
    blank = LatentBatch.blank(tiny.mask_of(*sizes), CHANNELS, torch.float64)
    return PROCESS.prior(blank, at(blank, 1.0), tiny.seeded(seed))


def oracle(clean: LatentBatch) -> Any:
    return lambda noisy, levels, previous: LatentPrediction(clean.pos, clean.feature)


def test_latents_are_a_state_of_the_process() -> None:
    assert isinstance(clean_of(3), State)
    assert isinstance(clean_of(3), States)
    assert isinstance(LatentDiffusion(CHANNELS), Modality)


@settings(deadline=None, max_examples=15)
@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_every_verb_keeps_padding_zero_and_vectors_centred(sizes: list[int], seed: int) -> None:
    clean, random = clean_of(*sizes, seed=seed), tiny.seeded(seed)
    low, high = at(clean, 0.7), at(clean, 2.0)
    noisy = PROCESS.corrupt(clean, low, random)
    raised = PROCESS.renoise(noisy, low, high, random)
    stepped = PROCESS.step(raised, LatentPrediction(clean.pos, clean.feature), Move(high, low, 1.0), random)
    for state in (clean, noisy, raised, stepped):
        assert not state.pos[~state.mask].any()
        assert not state.feature[~state.mask].any()
        assert state.pos.sum(1).abs().max() < 1e-9


def test_marginals_are_what_the_level_says() -> None:
    clean = LatentBatch.blank(tiny.mask_of(*[1] * 40_000), CHANNELS, torch.float64)
    clean = clean.replace(feature=clean.feature + 0.5)
    random, low, high = tiny.seeded(), at(clean, 0.3), at(clean, 2.0)
    noisy = PROCESS.corrupt(clean, low, random)
    move = Move(high, low, 1.0)
    down = PROCESS.step(
        PROCESS.renoise(noisy, low, high, random), LatentPrediction(clean.pos, clean.feature), move, random
    )
    for state, spread in ((noisy, 0.3), (PROCESS.renoise(noisy, low, high, random), 2.0), (down, 0.3)):
        assert float(state.feature.mean()) == pytest.approx(0.5, abs=0.03)
        assert float(state.feature.std()) == pytest.approx(spread, rel=0.02)
    assert float(PROCESS.prior(clean, high, random).feature.std()) == pytest.approx(5**0.5, rel=0.02)


@pytest.mark.parametrize(("solver", "eta"), [(euler, 0.0), (euler, 1.0), (heun, 0.0)], ids=["euler", "ddpm", "heun"])
def test_every_solver_comes_to_the_known_latents(solver: Solver, eta: float) -> None:
    clean, grid = clean_of(5, 3), schedules.karras(8, 10.0, 0.03)
    blank = LatentBatch.blank(clean.mask, CHANNELS, torch.float64)
    numbers = Numbers(0.0 if eta else 0.4, 1.0 if eta else 1.2, high=3.0, eta=eta)
    states = list(
        generate(PROCESS, oracle(clean), solver, grid, blank, tiny.seeded(), lambda sigma: at(clean, sigma), numbers)
    )
    assert not torch.allclose(states[0].feature, clean.feature)
    assert_close("vectors", states[-1].pos, clean.pos)
    assert_close("numbers", states[-1].feature, clean.feature)


def test_the_loss_is_the_error_over_what_the_level_leaves_open() -> None:
    clean = clean_of(4, 2)
    off = LatentPrediction(clean.pos, clean.feature + 0.1 * clean.mask[:, :, None].double())
    losses = PROCESS.loss(off, clean, at(clean, 0.5, 2.0))
    assert set(losses) == set(PROCESS.weights) == {"pos", "feature"}
    assert not losses["pos"].any()
    assert_close("numbers", losses["feature"], 0.01 * (1 + 1 / tiny.levels(0.5, 2.0) ** 2))
