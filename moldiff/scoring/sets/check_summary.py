"""The summary of a check: every number with what it was divided by and how far chance alone would move it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray

from moldiff.config.check import CheckOptions
from moldiff.scoring.molecule.flags import GROUP_FLAGS
from moldiff.scoring.molecule.rings import TOPOLOGY_FLAGS
from moldiff.scoring.molecule.stability import TABLE_VERSION
from moldiff.scoring.parts import Part, read_fingerprints
from moldiff.scoring.records import (
    DEFINITIONS,
    CheckSummary,
    DescriptorRecord,
    DistanceRecord,
    InputRecord,
    KnownSetRecord,
    NumberRecord,
    RateRecord,
    rate_record,
)
from moldiff.scoring.sets.fingerprints import circles, internal_diversity, nearest
from moldiff.scoring.sets.known import KnownSet
from moldiff.scoring.sets.profile import Profile
from moldiff.scoring.sets.reference import Reference
from moldiff.scoring.sets.statistics import rate
from moldiff.scoring.sets.summary import Census, Tally

DIVERSITY_SUBSET = 20_000
CIRCLES_SUBSET = 10_000
NEAREST_SUBSET = 1_000
"""Sizes of the subsets on which the costly numbers are taken: the molecules of lowest key hash, which is a choice at
random that no order of the records can change."""


@dataclass(frozen=True)
class Diversity:
    """Diversity and nearest neighbours by fingerprints, of distinct valid molecules; ``nearest`` is by key hash."""

    values: dict[str, NumberRecord]
    nearest: Mapping[int, tuple[float, str]]


def take_diversity(parts: Sequence[Part], keys: NDArray[np.uint64], train: KnownSet | None, seed: int) -> Diversity:
    """Internal diversity, #Circles and similarity to the nearest training molecule.

    Args:
        parts: the checked parts.
        keys: [D] hashes of the distinct valid keys, ascending.
        train: the training set, if there is one; only one with structures has nearest molecules.
        seed: seed of drawn pairs.
    """
    packed = read_fingerprints(parts, keys[:DIVERSITY_SUBSET])
    values: dict[str, NumberRecord] = {}
    diversity = internal_diversity(packed, seed)
    if diversity is not None:
        values["internal_diversity"] = NumberRecord(value=diversity[0], pairs=diversity[1], n=len(packed))
    if len(packed):
        chosen = packed[:CIRCLES_SUBSET]
        values["circles"] = NumberRecord(value=circles(chosen), n=len(chosen))
    nearest_by_key: dict[int, tuple[float, str]] = {}
    if isinstance(train, Reference) and len(packed):
        similarity, place = nearest(packed[:NEAREST_SUBSET], train.fingerprints)
        values["snn"] = NumberRecord(value=float(similarity.mean()), n=len(similarity))
        nearest_by_key = {
            int(key): (float(near), train.smiles[at])
            for key, near, at in zip(keys[:NEAREST_SUBSET], similarity, place, strict=False)
        }
    return Diversity(values, nearest_by_key)


def summarize(
    options: CheckOptions,
    parts: Sequence[Part],
    census: Census,
    tally: Tally,
    diversity: Diversity,
    train: KnownSet | None,
    compared: KnownSet | None,
) -> CheckSummary:
    """The content of summary.json, which depends on nothing but the records, the options and the versions.

    Args:
        options: how the records were scored.
        parts: the checked parts.
        census: what is known of all records.
        tally: counts over the finished rows.
        diversity: results from the fingerprints.
        train: the training set.
        compared: the reference set.
    """
    theirs = compared.profile() if compared else None
    return CheckSummary(
        definitions=DEFINITIONS,
        valence_table=TABLE_VERSION,
        hydrogens="explicit" if census.explicit else "implicit",
        hydrogens_option=options.hydrogens,
        n_total=tally.records,
        n_valid=tally.valid,
        n_distinct=tally.distinct,
        metrics=tally.rates(train, compared),
        values={**diversity.values, **tally.values(compared)},
        descriptors=_descriptors(tally.profile),
        distances=_distances(tally, compared, options.seed) if compared else {},
        flags=_share_of(_FLAGS, tally.profile.marks, tally.profile, theirs.marks if theirs else None, theirs),
        functional_groups=_share_of(
            None, tally.profile.functional_groups, tally.profile, theirs.functional_groups if theirs else None, theirs
        ),
        failures=_ranked(tally.failures),
        pose_failures=_ranked(tally.pose_failures),
        new_ring_systems=dict(list(_ranked(tally.new_ring_systems).items())[:50]),
        train=_describe(train),
        reference=_describe(compared),
        reference_descriptors=_descriptors(theirs) if theirs else {},
        inputs=[InputRecord(**given, records=tally.sources[str(given["path"])]) for given in parts[0].info["inputs"]],
        options=parts[0].info["options"],
        versions=_versions(),
    )


_FLAGS = (*TOPOLOGY_FLAGS, *(flag.name for flag in GROUP_FLAGS))


def _descriptors(profile: Profile) -> dict[str, DescriptorRecord]:
    return {name: histogram.describe() for name, histogram in profile.descriptors.items()}


def _distances(tally: Tally, compared: KnownSet, seed: int) -> dict[str, DistanceRecord]:
    profile = compared.profile()
    half, floor = compared.noise_floor(tally.profile.valid, seed)
    return {
        name: DistanceRecord(
            kind=distance.kind,
            unit=distance.unit,
            value=distance.value,
            noise_floor=floor.get(name),
            n=tally.profile.valid,
            reference_n=profile.valid,
            noise_floor_n=half,
            covered=distance.covered,
        )
        for name, distance in tally.profile.distances(profile).items()
    }


def _share_of(
    order: Sequence[str] | None,
    ours: Counter[str],
    profile: Profile,
    theirs: Counter[str] | None,
    reference: Profile | None,
) -> dict[str, RateRecord]:
    """Shares of distinct molecules by name, of all names that occur, in a given order or by name."""
    occurring = {name for name, count in (*ours.items(), *(theirs or Counter()).items()) if count}
    names = sorted(occurring) if order is None else [name for name in order if name in occurring]
    return {
        name: rate_record(
            ours[name],
            profile.distinct,
            rate(theirs[name], reference.distinct).value if theirs is not None and reference is not None else None,
        )
        for name in names
    }


def _describe(known: KnownSet | None) -> KnownSetRecord | None:
    if known is None:
        return None
    return KnownSetRecord(
        path=known.source,
        checksum=known.checksum,
        records=known.records,
        valid=known.valid,
        distinct=known.distinct,
        profiled=known.profiled_count,
    )


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _versions() -> dict[str, str]:
    versions = {}
    for name in ("moldiff", "rdkit", "numpy"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "unknown"
    return versions
