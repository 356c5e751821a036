"""The summary of a check: every number with what it was divided by and how far chance alone would move it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moldiff.config.check import CheckOptions
from moldiff.scoring.molecule.stability import TABLE_VERSION
from moldiff.scoring.parts import Part, read_fingerprints
from moldiff.scoring.sets.fingerprints import circles, internal_diversity, nearest
from moldiff.scoring.sets.known import KnownSet
from moldiff.scoring.sets.realism import mark_rates
from moldiff.scoring.sets.reference import Reference
from moldiff.scoring.sets.statistics import rate
from moldiff.scoring.sets.summary import DEFINITIONS, Census, Tally

DIVERSITY_SUBSET = 20_000
CIRCLES_SUBSET = 10_000
NEAREST_SUBSET = 1_000
"""Sizes of the subsets on which the costly numbers are taken: the molecules of lowest key hash, which is a choice at
random that no order of the records can change."""


@dataclass(frozen=True)
class Diversity:
    """What the fingerprints of the distinct valid molecules tell; ``nearest`` is by key hash."""

    values: dict[str, dict[str, Any]]
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
    values: dict[str, dict[str, Any]] = {}
    diversity = internal_diversity(packed, seed)
    if diversity is not None:
        values["internal_diversity"] = {"value": diversity[0], "pairs": diversity[1], "n": len(packed)}
    if len(packed):
        chosen = packed[:CIRCLES_SUBSET]
        values["circles"] = {"value": circles(chosen), "n": len(chosen)}
    found: dict[int, tuple[float, str]] = {}
    if isinstance(train, Reference) and len(packed):
        similarity, place = nearest(packed[:NEAREST_SUBSET], train.fingerprints)
        values["snn"] = {"value": float(similarity.mean()), "n": len(similarity)}
        found = {
            int(key): (float(near), train.smiles[at])
            for key, near, at in zip(keys[:NEAREST_SUBSET], similarity, place, strict=False)
        }
    return Diversity(values, found)


def summarize(
    options: CheckOptions,
    parts: Sequence[Part],
    census: Census,
    tally: Tally,
    diversity: Diversity,
    train: KnownSet | None,
    compared: KnownSet | None,
) -> dict[str, Any]:
    """The content of summary.json, which depends on nothing but the records, the options and the versions.

    Args:
        options: how the records were scored.
        parts: the checked parts.
        census: what is known of all records.
        tally: counts over the finished rows.
        diversity: what the fingerprints tell.
        train: the training set.
        compared: the reference set.
    """
    metrics = tally.rates(novelty=train is not None, rings=compared is not None)
    profile = compared.profile() if compared else None
    marked, flags = mark_rates(
        tally.profile.marks, tally.profile.distinct, (profile.marks, profile.distinct) if profile else None
    )
    metrics |= marked
    values = dict(diversity.values)
    values |= tally.further_values()
    if compared is not None and tally.counts["distinct"]:
        mean = tally.counts["new_ring_systems"] / tally.counts["distinct"]
        values["new_ring_systems"] = {"value": mean, "n": tally.counts["distinct"]}
    for name in ("chembl_unknown", "chembl_unknown_exact"):
        described = tally.profile.descriptors[name].describe()
        if described["mean"] is not None:
            values[f"{name}_rings"] = {"value": described["mean"], "n": described["n"]}
    if compared is not None:
        scaffolds = np.unique(np.frombuffer(tally.scaffolds, dtype=np.uint64))
        new = int((~compared.has_scaffolds(scaffolds)).sum())
        metrics["new_scaffolds"] = asdict(rate(new, len(scaffolds)))
    return {
        "definitions": DEFINITIONS,
        "valence_table": TABLE_VERSION,
        "hydrogens": "explicit" if census.explicit else "implicit",
        "hydrogens_option": options.hydrogens,
        "n_total": tally.records,
        "n_valid": tally.counts["valid"],
        "n_distinct": tally.counts["distinct"],
        "metrics": metrics,
        "values": values,
        "descriptors": {name: histogram.describe() for name, histogram in tally.profile.descriptors.items()},
        "distances": _distances(tally, compared, options.seed) if compared else {},
        "flags": flags,
        "functional_groups": _group_rates(tally, compared),
        "failures": _ranked(tally.failures),
        "pose_failures": _ranked(tally.pose_failures),
        "new_ring_systems": dict(list(_ranked(tally.new_ring_systems).items())[:50]),
        "train": _describe(train),
        "reference": _describe(compared),
        "reference_descriptors": (
            {name: histogram.describe() for name, histogram in compared.profile().descriptors.items()}
            if compared
            else {}
        ),
        "inputs": [{**given, "records": tally.sources[str(given["path"])]} for given in parts[0].info["inputs"]],
        "options": parts[0].info["options"],
        "versions": _versions(),
    }


def _distances(tally: Tally, compared: KnownSet, seed: int) -> dict[str, dict[str, Any]]:
    profile = compared.profile()
    half, floor = compared.noise_floor(tally.profile.valid, seed)
    return {
        name: {
            "kind": distance.kind,
            "unit": distance.unit,
            "value": distance.value,
            "noise_floor": floor.get(name),
            "n": tally.profile.valid,
            "reference_n": profile.valid,
            "noise_floor_n": half,
            "covered": distance.covered,
        }
        for name, distance in tally.profile.distances(profile).items()
    }


def _group_rates(tally: Tally, compared: KnownSet | None) -> dict[str, dict[str, Any]]:
    ours, n = tally.profile.functional_groups, tally.profile.distinct
    profile = compared.profile() if compared else None
    names = sorted(ours.keys() | (profile.functional_groups.keys() if profile else set()))
    found = {}
    for name in names:
        found[name] = asdict(rate(ours[name], n))
        if profile is not None:
            found[name]["reference"] = rate(profile.functional_groups[name], profile.distinct).value
    return found


def _describe(known: KnownSet | None) -> dict[str, Any] | None:
    if known is None:
        return None
    return {
        "path": known.source,
        "checksum": known.checksum,
        "records": known.records,
        "valid": known.valid,
        "distinct": known.distinct,
        "profiled": known.profiled_count,
    }


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _versions() -> dict[str, str]:
    found = {}
    for name in ("moldiff", "rdkit", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
