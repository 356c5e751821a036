import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.diffusion.schedules import Grid, cosine, karras, linear

SCHEDULES = pytest.mark.parametrize("schedule", [karras, linear, cosine])
STEPS = st.integers(2, 200)
MAXIMA = st.floats(0.02, 80.0)
RATIOS = st.floats(1e-4, 0.9)


@SCHEDULES
@settings(deadline=None, max_examples=30)
@given(steps=STEPS, sigma_max=MAXIMA, ratio=RATIOS)
def test_grid_descends_from_the_largest_over_the_smallest_to_zero(schedule, steps, sigma_max, ratio) -> None:
    sigma_min = sigma_max * ratio
    grid: Grid = schedule(steps, sigma_max, sigma_min)
    assert grid.shape == (steps + 1,)
    assert grid.dtype == torch.float64
    assert grid[-1] == 0
    assert (grid.diff() < 0).all()
    assert grid[0] == pytest.approx(sigma_max, rel=1e-6)
    assert grid[-2] == pytest.approx(sigma_min, rel=1e-6)


@SCHEDULES
def test_one_step_leads_from_the_largest_to_zero(schedule) -> None:
    torch.testing.assert_close(schedule(1, 10.0, 0.03), torch.tensor([10.0, 0.0]).double())


@settings(deadline=None, max_examples=30)
@given(steps=STEPS, sigma_max=MAXIMA, ratio=RATIOS, rho=st.floats(1, 10))
def test_karras_is_even_in_the_root_of_rho(steps, sigma_max, ratio, rho) -> None:
    roots = karras(steps, sigma_max, sigma_max * ratio, rho)[:-1] ** (1 / rho)
    even = torch.linspace(sigma_max ** (1 / rho), (sigma_max * ratio) ** (1 / rho), steps, dtype=torch.float64)
    torch.testing.assert_close(roots, even)


@settings(deadline=None, max_examples=30)
@given(steps=STEPS, sigma_max=MAXIMA, ratio=RATIOS)
def test_cosine_is_even_in_the_angle(steps, sigma_max, ratio) -> None:
    angles = cosine(steps, sigma_max, sigma_max * ratio)[:-1].atan()
    even = torch.linspace(math.atan(sigma_max), math.atan(sigma_max * ratio), steps, dtype=torch.float64)
    torch.testing.assert_close(angles, even)


def test_linear_has_a_rate_of_noise_linear_in_time() -> None:
    # of the variance-preserving process: signal² = 1/(1 + σ²), and −d log signal² / dt = β(t)
    grid = linear(1001, 10.0, 1e-4)[:-1].flip(0)
    log_signal = torch.log1p(grid**2)
    rate = log_signal.diff()
    torch.testing.assert_close(rate.diff(), rate.diff().mean().expand(999), rtol=1e-6, atol=1e-12)
    assert float(rate[0] * 1000) == pytest.approx(0.1, rel=0.05), "β begins at 0.1, as in Ho et al. 2020"
