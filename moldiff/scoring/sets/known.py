"""What a check asks of the set that molecules are compared with, complete, or the part that ships with weights."""

from collections.abc import Container
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from moldiff.scoring.sets.profile import Profile


class KnownSet(Protocol):
    """A training or reference set."""

    @property
    def source(self) -> str:
        """Where it comes from, for people."""

    @property
    def checksum(self) -> str:
        """SHA-256 of its file."""

    @property
    def records(self) -> int:
        """Number of its records."""

    @property
    def valid(self) -> int:
        """Valid ones among them."""

    @property
    def distinct(self) -> int:
        """Distinct ones among these."""

    @property
    def profiled_count(self) -> int:
        """Molecules whose distributions are taken."""

    @property
    def ring_systems(self) -> Container[str]:
        """SMILES of the ring systems that occur."""

    def has_keys(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each hash [N] of a flat key is one of the set's."""

    def has_scaffolds(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each hash [N] of a scaffold is one of the set's."""

    def profile(self) -> Profile:
        """Distributions of the sampled molecules."""

    def noise_floor(self, n: int, seed: int) -> tuple[int, dict[str, float | None]]:
        """Number of molecules in a half of the sample, at most ``n``, and distances between two such halves by name."""
