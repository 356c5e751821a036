"""Histograms of a check, in the fine bins in which it counts, joined into bins that can be seen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from moldiff.scoring.records import DescriptorRecord

BINS = 32
"""Most bins of a chart: with the check's own, small sets would be all spikes."""
TAIL = 0.003
"""Share of a set that may lie in the outermost bins."""


@dataclass(frozen=True)
class Histogram:
    """Counts [bin] in equal bins of ``width`` from ``low`` on."""

    low: float
    width: float
    counts: np.ndarray

    @property
    def bins(self) -> tuple[float, float, int]:
        """What two histograms must have in common to be joined."""
        return self.low, self.width, len(self.counts)

    @property
    def total(self) -> int:
        """Number of values."""
        return int(self.counts.sum())


@dataclass(frozen=True)
class Binned:
    """Shares [set, bin] between ``edges`` [bin + 1]; the outermost bins hold what lies beyond."""

    edges: np.ndarray
    shares: np.ndarray


def stated(entry: DescriptorRecord | None) -> Histogram | None:
    """The histogram of a descriptor of a check; None without one or if it counts nothing."""
    if entry is None or not any(entry.histogram.counts):
        return None
    return Histogram(entry.histogram.low, entry.histogram.width, np.array(entry.histogram.counts, dtype=np.int64))


def of_integers(values: np.ndarray) -> Histogram | None:
    """A histogram of integers [value], one bin each; None without a value."""
    if not len(values):
        return None
    low = int(values.min())
    return Histogram(low - 0.5, 1.0, np.bincount((values - low).astype(np.int64)))


def of_numbers(values: np.ndarray, width: float) -> Histogram | None:
    """A histogram of numbers [value] in bins of ``width``; None without a value."""
    if not len(values):
        return None
    low = math.floor(float(values.min()) / width) * width
    return Histogram(low, width, np.bincount(np.floor((values - low) / width).astype(np.int64)))


def join(histograms: Sequence[Histogram]) -> Binned:
    """Common bins, at most `BINS`, of histograms that have the same fine bins.

    Raises:
        ValueError: their fine bins differ.
    """
    first = histograms[0]
    if len({h.bins for h in histograms}) > 1:
        raise ValueError("histograms with different bins cannot be joined")
    shares = np.stack([h.counts / h.total for h in histograms])
    below = np.cumsum(shares, axis=1)
    start = int((below < TAIL).sum(axis=1).min())
    stop = int((below < 1 - TAIL).sum(axis=1).max()) + 1
    step = -(-(stop - start) // BINS)
    shares[:, start] += shares[:, :start].sum(axis=1)
    shares[:, stop - 1] += shares[:, stop:].sum(axis=1)
    starts = np.arange(start, stop, step)
    edges = first.low + np.append(starts, starts[-1] + step) * first.width
    return Binned(edges, np.add.reduceat(shares[:, :stop], starts, axis=1))
