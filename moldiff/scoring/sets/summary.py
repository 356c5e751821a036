"""Rows that come together: what depends on other records, and the numbers over all of them."""

import json
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moldiff.scoring.molecule.keys import first_occurrences, key_hash
from moldiff.scoring.sets.known import KnownSet
from moldiff.scoring.sets.profile import Profile
from moldiff.scoring.sets.statistics import rate

DEFINITIONS = "moldiff-check-2"


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
    """Decide what no record can tell alone.

    Args:
        policy: "explicit", "implicit" or "auto": implicit if no record has any hydrogen.
        has_hydrogens: [N] whether a hydrogen stands in the record.
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
        self.records = 0
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.pose_failures: Counter[str] = Counter()
        self.profile = Profile()
        self.new_ring_systems: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        # Hashes of eight bytes each: sets of text would grow with the file.
        self.blocks = array("Q")
        self.isomers = array("Q")
        self.energies = {"strain": array("d"), "xtb": array("d")}
        self.displacements = {"strain": array("d"), "xtb": array("d"), "etkdg": array("d")}
        self.scaffolds = array("Q")

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one finished row."""
        self.records += 1
        self.sources[row["source"]] += 1
        for name in (
            "readable",
            "sanitizable",
            "connected",
            "valid",
            "valid_largest_fragment",
            "valid_strict",
            "stable",
        ):
            self.counts[name] += bool(row[name])
        self.counts["atoms"] += row["atoms"] or 0
        self.counts["stable_atoms"] += row["stable_atoms"] or 0
        self.failures.update(_kind(reason) for reason in row["reasons"].split("; ") if reason)
        if not row["valid"]:
            return
        self.isomers.append(key_hash(row["smiles"]))
        if row["inchikey_block"]:
            self.blocks.append(key_hash(row["inchikey_block"]))
        distinct = not row["duplicate"]
        self.profile.add(row, json.loads(row["_composition"]), distinct=distinct)
        for name in ("pb_valid", "sane"):
            if row[name] is not None:
                self.counts[f"{name}_evaluated"] += 1
                self.counts[name] += row[name]
        self._add_sampled(row)
        for column in ("pb_failed", "sanity_failed"):
            self.pose_failures.update(test for test in (row[column] or "").split("; ") if test)
        if distinct:
            self._add_distinct(row)

    def _add_sampled(self, row: Mapping[str, Any]) -> None:
        if row["posebusters"] is not None:
            self.counts["posebusters_asked"] += 1
            self.counts["posebusters"] += row["posebusters"]
        for name in ("strain", "xtb") if row["valid_strict"] else ():
            if row[f"{name}_energy"] is not None:
                self.energies[name].append(row[f"{name}_energy"])
                self.displacements[name].append(row[f"{name}_rmsd"])
            self.counts[f"{name}_asked"] += row[f"{name}_energy"] is not None or bool(row[f"{name}_reason"])
        if row["valid_strict"] and (row["etkdg_rmsd"] is not None or row["etkdg_reason"]):
            self.counts["etkdg_asked"] += 1
            if row["etkdg_rmsd"] is not None:
                self.displacements["etkdg"].append(row["etkdg_rmsd"])

    def _add_distinct(self, row: Mapping[str, Any]) -> None:
        self.counts["distinct"] += 1
        self.scaffolds.append(key_hash(row["scaffold"]))
        self.counts["novel"] += bool(row["novel"])
        self.counts["lipinski"] += row["lipinski_violations"] <= 1
        for name in ("pains", "brenk", "glaxo"):
            self.counts[name] += row[name] > 0
        self.counts["new_ring_systems"] += len(row["new_ring_systems"].split("; ")) if row["new_ring_systems"] else 0
        self.counts["new_ring_system"] += bool(row["new_ring_systems"])
        if row["new_ring_systems"]:
            self.new_ring_systems.update(set(row["new_ring_systems"].split("; ")))

    def further_values(self) -> dict[str, dict[str, Any]]:
        """Numbers that are no shares, with the number of molecules they were taken from."""
        values: dict[str, dict[str, Any]] = {
            "scaffolds": {"value": _distinct(self.scaffolds), "n": self.counts["distinct"]}
        }
        sampled = [
            *((f"{name}_energy", "kcal/mol", found) for name, found in self.energies.items()),
            *((f"{name}_rmsd", "Å", found) for name, found in self.displacements.items()),
        ]
        for name, unit, found in sampled:
            if found:
                median, high = (float(value) for value in np.quantile(np.array(found), [0.5, 0.9]))
                values[name] = {"value": median, "p90": high, "n": len(found), "unit": unit}
        return values

    def rates(self, *, novelty: bool, rings: bool) -> dict[str, dict[str, Any]]:
        """Every rate with numerator, denominator and interval.

        Args:
            novelty: whether there is a training set.
            rings: whether there is a reference to know ring systems from.
        """
        n, c = self.records, self.counts
        valid, distinct = c["valid"], c["distinct"]
        parts = {
            "readable": (c["readable"], n),
            "sanitizable": (c["sanitizable"], n),
            "connected": (c["connected"], n),
            "valid": (valid, n),
            "valid_largest_fragment": (c["valid_largest_fragment"], n),
            "valid_strict": (c["valid_strict"], n),
            "atom_stability": (c["stable_atoms"], c["atoms"]),
            "molecule_stability": (c["stable"], n),
            "uniqueness": (distinct, valid),
            "uniqueness_isomeric": (_distinct(self.isomers), valid),
            "uniqueness_inchikey": (_distinct(self.blocks), len(self.blocks)),
        }
        if novelty:
            parts["novelty"] = (c["novel"], distinct)
            parts["vun"] = (c["novel"], n)
        if c["pb_valid_evaluated"]:
            parts["pb_valid"] = (c["pb_valid"], c["pb_valid_evaluated"])
            parts["pb_valid_of_all"] = (c["pb_valid"], n - (valid - c["pb_valid_evaluated"]))
            parts["sane"] = (c["sane"], c["sane_evaluated"])
        if c["posebusters_asked"]:
            parts["posebusters"] = (c["posebusters"], c["posebusters_asked"])
        for name in ("strain", "xtb", "etkdg"):
            if c[f"{name}_asked"]:
                parts[f"{name}_coverage"] = (len(self.displacements[name]), c[f"{name}_asked"])
        for name in ("lipinski", "pains", "brenk", "glaxo"):
            parts[name] = (c[name], distinct)
        if rings:
            parts["new_ring_system"] = (c["new_ring_system"], distinct)
        return {name: asdict(rate(*pair)) for name, pair in parts.items()}


def _distinct(hashes: "array[int]") -> int:
    return len(np.unique(np.frombuffer(hashes, dtype=np.uint64))) if hashes else 0


def _kind(reason: str) -> str:
    """A reason without the numbers and names of its record, so that alike ones are counted together."""
    words = ["#" if word.strip(",.:()").lstrip("+-").isdigit() else word for word in reason.split(" ")]
    return " ".join(words)[:120]
