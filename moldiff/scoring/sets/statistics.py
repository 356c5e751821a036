"""Rates with intervals, and distances between distributions given as counts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # 97.5 % point of the normal distribution


@dataclass(frozen=True)
class Rate:
    """A share with its Wilson 95 % interval; ``value`` is None where nothing was counted."""

    numerator: int
    denominator: int
    value: float | None
    low: float | None
    high: float | None


def rate(numerator: int, denominator: int) -> Rate:
    """Numerator over denominator with the Wilson score interval (Wilson 1927).

    Raises:
        ValueError: the numerator is negative or above the denominator.
    """
    if not 0 <= numerator <= denominator:
        raise ValueError(f"{numerator} of {denominator} is not a share")
    if denominator == 0:
        return Rate(numerator, denominator, None, None, None)
    share = numerator / denominator
    scale = 1 + Z95**2 / denominator
    centre = (share + Z95**2 / (2 * denominator)) / scale
    half = Z95 / scale * math.sqrt(share * (1 - share) / denominator + Z95**2 / (4 * denominator**2))
    low = 0.0 if numerator == 0 else max(0.0, centre - half)
    high = 1.0 if numerator == denominator else min(1.0, centre + half)
    return Rate(numerator, denominator, share, low, high)


def total_variation(left: Mapping[str, int], right: Mapping[str, int]) -> float | None:
    """Half the summed absolute difference of two distributions over names, 0 to 1; None if either is empty."""
    total_left, total_right = sum(left.values()), sum(right.values())
    if not total_left or not total_right:
        return None
    names = sorted(left.keys() | right.keys())
    return 0.5 * math.fsum(abs(left.get(name, 0) / total_left - right.get(name, 0) / total_right) for name in names)


def wasserstein(left: NDArray[np.int64], right: NDArray[np.int64], width: float) -> float | None:
    """First Wasserstein distance of two histograms [B] on the same bins, in the bins' unit; None if one is empty.

    Args:
        left: counts of one distribution.
        right: counts of the other.
        width: width of a bin.
    """
    total_left, total_right = int(left.sum()), int(right.sum())
    if not total_left or not total_right:
        return None
    gap = np.cumsum(left) / total_left - np.cumsum(right) / total_right
    return float(np.abs(gap[:-1]).sum() * width)


def jensen_shannon(left: NDArray[np.int64], right: NDArray[np.int64]) -> float | None:
    """Jensen-Shannon divergence (base 2, 0 to 1) of two histograms [B] on the same bins; None if one is empty."""
    if not left.sum() or not right.sum():
        return None
    p, q = left / left.sum(), right / right.sum()
    middle = (p + q) / 2
    return float(0.5 * (_relative_entropy(p, middle) + _relative_entropy(q, middle)))


def _relative_entropy(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    seen = p > 0
    return float(np.sum(p[seen] * np.log2(p[seen] / q[seen])))
