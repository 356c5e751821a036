"""Rows that come together: what depends on other records, and the numbers over all of them."""

import json
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moldiff.scoring.declared import Metric, Share
from moldiff.scoring.metrics import METRICS
from moldiff.scoring.molecule.keys import first_occurrences, key_hash
from moldiff.scoring.questions import QUESTIONS
from moldiff.scoring.records import NumberRecord, RateRecord, rate_record
from moldiff.scoring.sets.known import KnownSet
from moldiff.scoring.sets.profile import FIXED_POINT, Profile
from moldiff.scoring.sets.statistics import rate


@dataclass(frozen=True)
class Census:
    """What is known of all records before their rows are finished; arrays are in the records' order.

    ``explicit`` is the hydrogen policy; ``duplicate`` [N] marks valid records whose key came before; ``novel`` [N]
    marks those whose key is not in the training set (None without one).
    """

    explicit: bool
    duplicate: NDArray[np.bool_]
    novel: NDArray[np.bool_] | None


def take_census(
    policy: str,
    has_hydrogens: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    keys: NDArray[np.uint64],
    train: KnownSet | None,
) -> Census:
    """Decide what cannot be known from one record alone.

    Args:
        policy: "explicit", "implicit" or "auto": implicit if no record has any hydrogen.
        has_hydrogens: [N] whether the record has a hydrogen.
        valid: [N] whether it is valid.
        keys: [N] hashes of flat keys; of no meaning where not valid.
        train: the training set, or None.
    """
    explicit = bool(has_hydrogens.any()) if policy == "auto" else policy == "explicit"
    duplicate = np.zeros(len(valid), dtype=bool)
    duplicate[valid] = ~first_occurrences(keys[valid])
    novel = None if train is None else ~train.has_keys(keys)
    return Census(explicit, duplicate, novel)


def finish_row(row: dict[str, Any], place: int, census: Census) -> None:
    """Fill the columns that depend on other records.

    Args:
        row: a row of `score`, which changes.
        place: its place among all records, from 0.
        census: what is known of all records.
    """
    missing = int(row["_missing_hydrogens"])
    faults = [row["reasons"]] if row["reasons"] else []
    if census.explicit and missing:
        faults.append(f"{missing} hydrogen{'s' if missing > 1 else ''} missing")
    row["reasons"] = "; ".join(faults)
    row["valid_strict"] = bool(row["_strict"]) and not (census.explicit and missing)
    stable = int(row["_stable_explicit" if census.explicit else "_stable_implicit"])
    row["stable_atoms"] = stable if row["readable"] else None
    row["stable"] = bool(row["readable"]) and stable == row["atoms"]
    row["duplicate"] = bool(census.duplicate[place]) if row["valid"] else None
    row["novel"] = bool(census.novel[place]) if row["valid"] and census.novel is not None else None


class Tally:
    """Counts over finished rows, from which every rate is made."""

    def __init__(self) -> None:
        self.records = self.valid = self.distinct = 0
        self.shares = {metric.name: [0, 0] for metric in METRICS if metric.counts is not None}
        # Hashes of eight bytes each: sets of text would grow with the file.
        self.hashes = {metric.name: array("Q") for metric in METRICS if metric.distinct is not None}
        self.scaffolds = array("Q")
        self.sampled = {value.name: array("d") for question in QUESTIONS for value in question.values}
        self.profile = Profile()
        self.failures: Counter[str] = Counter()
        self.pose_failures: Counter[str] = Counter()
        self.new_ring_systems: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()

    def add(self, row: dict[str, Any]) -> None:
        """Count one finished row."""
        self.records += 1
        self.sources[row["source"]] += 1
        self.failures.update(_kind(reason) for reason in row["reasons"].split("; ") if reason)
        distinct = bool(row["valid"]) and not row["duplicate"]
        read = {**row, "_composition": json.loads(row["_composition"])} if row["valid"] else row
        for name, counts in _COUNTS:
            share, (counted, of) = self.shares[name], counts(read)
            share[0] += counted
            share[1] += of
        if not row["valid"]:
            return
        self.valid += 1
        self.distinct += distinct
        for name, text_of in _TEXTS:
            if text := text_of(row):
                self.hashes[name].append(key_hash(text))
        self.profile.add(read, distinct=distinct)
        for column in ("pb_failed", "sanity_failed"):
            self.pose_failures.update(test for test in (row[column] or "").split("; ") if test)
        for name, numbers in self.sampled.items():
            if row["valid_strict"] and row[name] is not None:
                numbers.append(row[name])
        if distinct:
            self.scaffolds.append(key_hash(row["scaffold"]))
            self.new_ring_systems.update({ring for ring in (row["new_ring_systems"] or "").split("; ") if ring})

    def rates(self, train: KnownSet | None, reference: KnownSet | None) -> dict[str, RateRecord]:
        """Every rate with numerator, denominator and interval, and the reference's where it has one.

        Args:
            train: the training set, if there is one.
            reference: the set to compare with, if there is one.
        """
        profile = reference.profile() if reference else None
        stated = {"always": True, "counted": False, "train": train is not None, "reference": reference is not None}
        rates = {}
        for metric in METRICS:
            counted, of = self._share(metric, reference)
            if stated[metric.when] or (metric.when == "counted" and of):
                rates[metric.name] = rate_record(counted, of)
                if metric.beside and profile is not None:
                    theirs = rate(profile.marks[metric.name], profile.distinct)
                    rates[metric.name] = rate_record(counted, of, theirs.value)
        return rates

    def _share(self, metric: Metric, reference: KnownSet | None) -> Share:
        if metric.counts is not None:
            counted, of = self.shares[metric.name]
            return counted, of
        if metric.distinct is not None:
            return _distinct(self.hashes[metric.name]), len(self.hashes[metric.name])
        scaffolds = np.unique(np.frombuffer(self.scaffolds, dtype=np.uint64))
        new = ~reference.has_scaffolds(scaffolds) if reference else np.zeros(len(scaffolds), dtype=bool)
        return int(new.sum()), len(scaffolds)

    def values(self, reference: KnownSet | None) -> dict[str, NumberRecord]:
        """Numbers that are not shares, with the number of molecules they were taken from."""
        numbers_by_name = {"scaffolds": NumberRecord(value=_distinct(self.scaffolds), n=self.distinct)}
        if self.distinct:
            if reference is not None:
                mean = self.new_ring_systems.total() / self.distinct
                numbers_by_name["new_ring_systems"] = NumberRecord(value=mean, n=self.distinct)
            for name in ("chembl_unknown", "chembl_unknown_exact"):
                mean = self.profile.descriptors[name].total / FIXED_POINT / self.distinct
                numbers_by_name[f"{name}_rings"] = NumberRecord(value=mean, n=self.distinct)
        for value in (value for question in QUESTIONS for value in question.values):
            if numbers := self.sampled[value.name]:
                median, high = (float(number) for number in np.quantile(np.array(numbers), [0.5, 0.9]))
                numbers_by_name[value.name] = NumberRecord(value=median, p90=high, n=len(numbers), unit=value.unit)
        return numbers_by_name


_COUNTS = tuple((metric.name, metric.counts) for metric in METRICS if metric.counts is not None)
_TEXTS = tuple((metric.name, metric.distinct) for metric in METRICS if metric.distinct is not None)


def _distinct(hashes: "array[int]") -> int:
    return len(np.unique(np.frombuffer(hashes, dtype=np.uint64))) if hashes else 0


def _kind(reason: str) -> str:
    """A reason without the numbers and names of its record, so that alike ones are counted together."""
    words = ["#" if word.strip(",.:()").lstrip("+-").isdigit() else word for word in reason.split(" ")]
    return " ".join(words)[:120]
