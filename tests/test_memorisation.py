"""The chance by which `benchmarks/memorisation.py` says that a model repeats what it learned from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.memorisation import interval, nearer

SIMILARITIES = arrays(np.float64, st.integers(1, 30), elements=st.sampled_from(np.linspace(0, 1, 7)))


@given(SIMILARITIES, SIMILARITIES)
def test_it_is_the_share_of_pairs_in_which_ours_is_nearer(ours: np.ndarray, others: np.ndarray) -> None:
    pairs = np.sign(ours[:, None] - others[None, :])
    assert nearer(ours, others) == pytest.approx(float((pairs + 1).mean() / 2))
    assert nearer(ours, others) + nearer(others, ours) == pytest.approx(1)


def test_known_sets() -> None:
    low, high = np.array([0.1, 0.2]), np.array([0.8, 0.9])
    assert (nearer(low, low), nearer(low, high), nearer(high, low)) == (0.5, 0.0, 1.0)
    assert interval(high, low) == (1.0, 1.0)
    below, above = interval(np.linspace(0, 1, 200), np.linspace(0, 1, 200))
    assert below < 0.5 < above
