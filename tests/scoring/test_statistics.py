import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from moldiff.scoring.sets.statistics import jensen_shannon, rate, total_variation, wasserstein

COUNTS = st.lists(st.integers(0, 50), min_size=7, max_size=7).filter(any)


def test_wilson_interval_of_textbook():
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    for numerator, denominator, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        found = rate(numerator, denominator)
        assert found.low == pytest.approx(low, abs=5e-5)
        assert found.high == pytest.approx(high, abs=5e-5)


def test_rate_of_nothing_is_null_and_not_zero():
    assert rate(0, 0).value is None
    with pytest.raises(ValueError, match="not a share"):
        rate(3, 2)


@given(COUNTS, COUNTS)
def test_distances_agree_with_scipy(left, right):
    a, b = np.array(left), np.array(right)
    places = np.arange(7)
    assert wasserstein(a, b, 1.0) == pytest.approx(wasserstein_distance(places, places, a, b))
    assert jensen_shannon(a, b) == pytest.approx(jensenshannon(a, b, base=2) ** 2, abs=1e-12)


def test_distances_of_nothing_are_null():
    nothing, some = np.zeros(3, dtype=int), np.ones(3, dtype=int)
    assert wasserstein(nothing, some, 1.0) is None
    assert jensen_shannon(some, nothing) is None
    assert total_variation({}, {"C": 1}) is None


def test_total_variation():
    assert total_variation({"C": 3, "N": 1}, {"C": 30, "N": 10}) == pytest.approx(0)
    assert total_variation({"C": 1}, {"N": 5}) == pytest.approx(1)
    assert total_variation({"C": 1, "N": 1}, {"C": 1}) == pytest.approx(0.5)
