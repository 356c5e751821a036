"""The distributions of a set of molecules, as counts: they add up over shards and do not grow with the set."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from moldiff.scoring.declared import Bins, Row
from moldiff.scoring.metrics import DESCRIPTORS, METRICS
from moldiff.scoring.molecule import composition
from moldiff.scoring.molecule.geometry import Geometry
from moldiff.scoring.records import DescriptorRecord, HistogramRecord
from moldiff.scoring.sets.statistics import total_variation, wasserstein

_UNITS = {one.name: one.unit for one in DESCRIPTORS}
_BESIDE = tuple((one.name, one.counts) for one in METRICS if one.beside and one.counts is not None)
FIXED_POINT = 10**6  # sums are kept as integers of millionths: exact, so their order does not matter


@dataclass
class Histogram:
    """Counts in fixed bins, with exact sums for mean and standard deviation."""

    bins: Bins
    counts: NDArray[np.int64] = field(init=False)
    total: int = 0
    total_squares: int = 0

    def __post_init__(self) -> None:
        self.counts = np.zeros(self.bins.count, dtype=np.int64)

    def add(self, value: float) -> None:
        """Count one value."""
        place = math.floor((value - self.bins.low) / self.bins.width + 1e-9)
        self.counts[min(max(place, 0), self.bins.count - 1)] += 1
        self.total += round(value * FIXED_POINT)
        self.total_squares += round(value * value * FIXED_POINT)

    def describe(self) -> DescriptorRecord:
        """Count, mean, standard deviation, quantiles to the width of a bin, and the bins."""
        n = int(self.counts.sum())
        mean = self.total / FIXED_POINT / n if n else None
        variance = max(self.total_squares / FIXED_POINT / n - mean**2, 0.0) if n and mean is not None else None
        return DescriptorRecord(
            n=n,
            mean=mean,
            std=math.sqrt(variance) if variance is not None else None,
            p10=self._quantile(0.1),
            p50=self._quantile(0.5),
            p90=self._quantile(0.9),
            histogram=HistogramRecord(low=self.bins.low, width=self.bins.width, counts=self.counts.tolist()),
        )

    def _quantile(self, share: float) -> float | None:
        n = int(self.counts.sum())
        if not n:
            return None
        place = int(np.searchsorted(np.cumsum(self.counts), share * n))
        return round(self.bins.low + (place + 0.5) * self.bins.width, 9)


@dataclass(frozen=True)
class Distance:
    """A distance between two profiles, None where one is empty; ``covered`` is the share of the reference compared."""

    kind: str
    value: float | None
    unit: str = ""
    covered: float | None = None


class Profile:
    """Composition and geometry over valid molecules; descriptors and functional groups over distinct valid ones."""

    def __init__(self) -> None:
        self.valid = 0
        self.distinct = 0
        self.composition = composition.empty()
        self.descriptors = {one.name: Histogram(one.bins) for one in DESCRIPTORS}
        self.functional_groups: Counter[str] = Counter()
        self.marks: Counter[str] = Counter()
        """Distinct molecules by flag, and by rate that is shown beside the reference's."""
        self.geometry = Geometry()

    def add(self, row: Row, *, distinct: bool) -> None:
        """Add one valid molecule.

        Args:
            row: its row, its composition read, with the bytes of its geometry's codes, if it has coordinates.
            distinct: whether its key stands for the first time.
        """
        self.valid += 1
        composition.add(self.composition, row["_composition"])
        codes = row.get("_geometry")
        if isinstance(codes, bytes):
            self.geometry.add(np.frombuffer(codes, dtype=np.uint64))
        if not distinct:
            return
        self.distinct += 1
        for name, histogram in self.descriptors.items():
            if row[name] is not None:
                histogram.add(float(row[name]))
        self.marks.update(name for name, counts in _BESIDE if counts(row)[0])
        for kind in ("topology_flags", "group_flags"):
            self.marks.update(flag for flag in row[kind].split("; ") if flag)
        self.functional_groups.update(group.split(" ")[0] for group in row["functional_groups"].split("; ") if group)

    def distances(self, other: "Profile") -> dict[str, Distance]:
        """Every distance to another profile, which is the reference where the two sides differ in weight."""
        distances: dict[str, Distance] = {}
        for name in ("elements", "bond_orders"):
            distances[name] = Distance("TV", total_variation(self.composition[name], other.composition[name]))
        for name in ("atom_counts", "charges", "ring_sizes"):
            distances[name] = Distance("W1", _of_integers(self.composition[name], other.composition[name]))
        for name, histogram in self.descriptors.items():
            theirs = other.descriptors[name]
            value = wasserstein(histogram.counts, theirs.counts, histogram.bins.width)
            distances[name] = Distance("W1", value, _UNITS[name])
        distances["functional_groups"] = Distance("mean absolute difference of rates", self._group_gap(other))
        for name, gap in self.geometry.distances(other.geometry).items():
            distances[name] = Distance("W1", gap.w1, gap.unit, gap.covered)
            distances[f"{name}_js"] = Distance("JS", gap.js, "", gap.covered)
        return distances

    def _group_gap(self, other: "Profile") -> float | None:
        if not self.distinct or not other.distinct:
            return None
        names = sorted(self.functional_groups.keys() | other.functional_groups.keys())
        gaps = [
            abs(self.functional_groups[name] / self.distinct - other.functional_groups[name] / other.distinct)
            for name in names
        ]
        return math.fsum(gaps) / len(gaps) if gaps else 0.0


def _of_integers(left: Mapping[str, int], right: Mapping[str, int]) -> float | None:
    """W1 of two distributions over integers written as text."""
    values = [int(name) for name in left.keys() | right.keys()]
    if not values:
        return None
    low, size = min(values), max(values) - min(values) + 1
    counts = np.zeros((2, size), dtype=np.int64)
    for side, named in enumerate((left, right)):
        for name, count in named.items():
            counts[side, int(name) - low] += count
    return wasserstein(counts[0], counts[1], 1.0)
