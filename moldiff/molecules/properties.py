"""Properties that molecules are asked for: how their values become what the network sees, and back."""

from dataclasses import dataclass

import numpy as np

BINS = 8
"""Ranges of ranks for which a scale knows how large the molecules are."""


@dataclass(frozen=True)
class PropertyScale:
    """A property as a network knows it: a number by its rank in the training set, a category by its place in a list.

    Attributes:
        name: column of the featurized table, or of the properties that are computed.
        quantiles: of a number: its value at even steps of rank, ascending; empty for a category.
        categories: values that occur, in order; empty for a number.
        sizes: for each of `BINS` ranges of ranks, or each category, the number of training molecules of each number
            of atoms.
    """

    name: str
    quantiles: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    sizes: tuple[dict[int, int], ...] = ()

    def __post_init__(self) -> None:
        if bool(self.quantiles) == bool(self.categories):
            raise ValueError(f"{self.name}: a property has either quantiles or categories")
        if list(self.quantiles) != sorted(self.quantiles):
            raise ValueError(f"{self.name}: the quantiles do not ascend")

    @property
    def low(self) -> float:
        """Smallest number of the training set."""
        return self.quantiles[0]

    @property
    def high(self) -> float:
        """Largest number of the training set."""
        return self.quantiles[-1]

    def encode(self, values: np.ndarray) -> np.ndarray:
        """What the network sees: ranks from 0 to 1, or the number of the category; NaN where nothing is known.

        Ranks beyond the training set are those of its ends. Among equal quantiles the rank is their mean.

        Args:
            values: [molecule] numbers (NaN: not known), or texts (None: not known).

        Returns:
            [molecule] float64.
        """
        if self.categories:
            places = {text: float(place) for place, text in enumerate(self.categories)}
            return np.array([places.get(value, np.nan) for value in values.tolist()], dtype=np.float64)
        known, ranks = self._distinct()
        numbers = values.astype(np.float64)
        result = np.interp(numbers, known, ranks)
        result[~np.isfinite(numbers)] = np.nan
        return result

    def decode(self, ranks: np.ndarray) -> np.ndarray:
        """Numbers [molecule] of these ranks; the inverse of `encode` where no two quantiles are equal."""
        known, steps = self._distinct()
        return np.interp(ranks, steps, known)

    def bin_of(self, encoded: float) -> int:
        """The entry of ``sizes`` for what the network sees."""
        return int(encoded) if self.categories else min(BINS - 1, int(encoded * BINS))

    def inside(self, value: float) -> bool:
        """Whether a number lies within the training set's range."""
        return self.low <= value <= self.high

    def _distinct(self) -> tuple[np.ndarray, np.ndarray]:
        values = np.array(self.quantiles)
        ranks = np.linspace(0, 1, len(values)) if len(values) > 1 else np.array([0.5])
        known, place = np.unique(values, return_inverse=True)
        return known, np.bincount(place, ranks) / np.bincount(place)
