"""A reference in a file of less than a megabyte: what the weights that ship learned from, without its molecules.

Kept are 48 bits of the hash of each molecule's key and scaffold (novelty; one in two billion unknown molecules
is taken for a known one), the ring systems, the distributions of a sample and its noise floors. Molecules cannot be
read back from it, so nothing that needs structures (nearest neighbours, Fréchet ChemNet distance) can be compared.
"""

import io
import json
import lzma
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path
from moldiff.scoring.molecule.geometry import Geometry
from moldiff.scoring.molecule.keys import contained
from moldiff.scoring.records import DEFINITIONS
from moldiff.scoring.sets.profile import Profile
from moldiff.scoring.sets.reference import Reference

ENDING = ".reference"
"""Of the name of such a file: drugs.reference."""
FLOOR_SIZES = (50, 100, 200, 500, 1000, 2000, 5000)
"""Molecules in each half of the sample, of which the noise floor is taken; between them it is interpolated."""
_FORMAT = "moldiff-compact-reference-1"
_DROPPED_BITS = np.uint64(16)


@dataclass(frozen=True)
class CompactReference:
    """What `Reference` says, as far as no structure is needed; hashes are the upper 48 bits, ascending."""

    source: str
    checksum: str
    records: int
    valid: int
    keys: NDArray[np.uint64]
    ring_systems: frozenset[str]
    scaffolds: NDArray[np.uint64]
    profiled_count: int
    distributions: Profile
    floors: Mapping[str, Mapping[str, float | None]]

    @property
    def distinct(self) -> int:
        """Distinct valid molecules."""
        return len(self.keys)

    def has_keys(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each key hash [N] is one of the set's."""
        return contained(hashes >> _DROPPED_BITS, self.keys)

    def has_scaffolds(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each hash [N] of a scaffold is one of the set's."""
        return contained(hashes >> _DROPPED_BITS, self.scaffolds)

    def profile(self) -> Profile:
        """Distributions of the sampled molecules."""
        return self.distributions

    def noise_floor(self, n: int, seed: int) -> tuple[int, dict[str, float | None]]:
        """Distances between two halves of ``n`` molecules each, interpolated on logarithmic scales; see `Reference`."""
        sizes = sorted(map(int, self.floors))
        size = min(max(n, sizes[0]), sizes[-1])
        upper = next(known for known in sizes if known >= size)
        lower = max((known for known in sizes if known <= size), default=upper)
        low, high = self.floors[str(lower)], self.floors[str(upper)]
        if lower == upper:
            return size, dict(high)
        share = math.log(size / lower) / math.log(upper / lower)
        return size, {name: _between(low.get(name), high[name], share) for name in high}


def _between(low: float | None, high: float | None, share: float) -> float | None:
    if low is None or high is None:
        return low if high is None else high
    if low <= 0 or high <= 0 or low == high:
        return low + share * (high - low)
    return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))


def write_compact(path: Path, known: Reference, structures: Reference | None = None, *, source: str) -> None:
    """Write the file of a reference; the same reference gives the same bytes.

    Args:
        path: of the file.
        known: the set, all of whose keys are kept.
        structures: a set of the same molecules whose distributions and floors are taken, if others than `known`'s.
        source: what the set is called where it is compared with.
    """
    sample = structures or known
    sizes = [size for size in FLOOR_SIZES if 2 * size <= len(sample.profiled)] or [max(len(sample.profiled) // 2, 1)]
    codes, counts = sample.profile().geometry.state()
    header = {
        "format": _FORMAT,
        "definitions": DEFINITIONS,
        "source": source,
        "checksum": known.checksum,
        "records": known.records,
        "valid": known.valid,
        "profiled": len(sample.profiled),
        "ring_systems": sorted(known.ring_systems),
        "profile": _profile_state(sample.profile()),
        "floors": {str(size): sample.noise_floor(size, 0)[1] for size in sizes},
    }
    parts = {
        "header": np.frombuffer(json.dumps(header, sort_keys=True).encode(), dtype=np.uint8),
        "keys": np.diff(known.keys >> _DROPPED_BITS, prepend=np.uint64(0)),
        "scaffolds": np.diff(known.scaffolds >> _DROPPED_BITS, prepend=np.uint64(0)),
        "codes": np.diff(codes, prepend=np.uint64(0)),
        "counts": counts.astype(np.uint64),
    }
    plain = io.BytesIO()
    for name, array in parts.items():
        planes = array if name == "header" else np.ascontiguousarray(array.view(np.uint8).reshape(-1, 8).T)
        np.lib.format.write_array(plain, planes, allow_pickle=False)
    with atomic_path(path) as temporary:
        temporary.write_bytes(lzma.compress(plain.getvalue(), preset=6))


def read_compact(path: Path) -> CompactReference:
    """Read such a file.

    Raises:
        UserError: it is damaged, or of other definitions than this version's.
    """
    try:
        plain = io.BytesIO(lzma.decompress(path.read_bytes()))
        parts = [np.lib.format.read_array(plain, allow_pickle=False) for _ in range(5)]
        header = json.loads(parts[0].tobytes())
    except (OSError, ValueError, EOFError, lzma.LZMAError) as error:
        raise UserError(f"{path}: cannot be read as a reference ({error}); install moldiff again") from None
    if (header["format"], header["definitions"]) != (_FORMAT, DEFINITIONS):
        theirs = f"{header['format']}, {header['definitions']}"
        raise UserError(f"{path}: was made by {theirs}, not {_FORMAT}, {DEFINITIONS}; install moldiff again")
    keys, scaffolds, codes = (np.cumsum(_whole(part), dtype=np.uint64) for part in parts[1:4])
    counts = _whole(parts[4]).astype(np.int64)
    return CompactReference(
        source=header["source"],
        checksum=header["checksum"],
        records=header["records"],
        valid=header["valid"],
        keys=keys,
        ring_systems=frozenset(header["ring_systems"]),
        scaffolds=scaffolds,
        profiled_count=header["profiled"],
        distributions=_profile(header["profile"], Geometry.from_state(codes, counts)),
        floors=header["floors"],
    )


def _whole(planes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(planes.T).view(np.uint64).reshape(-1)


def _profile_state(profile: Profile) -> dict[str, Any]:
    return {
        "valid": profile.valid,
        "distinct": profile.distinct,
        "composition": {kind: dict(counts) for kind, counts in profile.composition.items()},
        "descriptors": {
            name: [histogram.total, histogram.total_squares, _trimmed(histogram.counts.tolist())]
            for name, histogram in profile.descriptors.items()
        },
        **{name: dict(getattr(profile, name)) for name in _COUNTERS},
    }


_COUNTERS = ("functional_groups", "marks")


def _profile(state: Mapping[str, Any], geometry: Geometry) -> Profile:
    profile = Profile()
    profile.valid, profile.distinct, profile.geometry = state["valid"], state["distinct"], geometry
    for kind, counts in state["composition"].items():
        profile.composition[kind] = Counter(counts)
    for name, (total, squares, counts) in state["descriptors"].items():
        histogram = profile.descriptors[name]
        histogram.total, histogram.total_squares = total, squares
        histogram.counts[: len(counts)] = counts
    for name in _COUNTERS:
        setattr(profile, name, Counter(state[name]))
    return profile


def _trimmed(counts: Sequence[int]) -> list[int]:
    last = max((place for place, count in enumerate(counts) if count), default=-1)
    return list(counts[: last + 1])
