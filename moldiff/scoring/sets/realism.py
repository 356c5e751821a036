"""How real do the ring systems and groups of a set look? Shares of molecules, each beside its rate in the reference."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from moldiff.scoring.molecule.composition import Composition
from moldiff.scoring.molecule.flags import GROUP_FLAGS
from moldiff.scoring.molecule.rings import TOPOLOGY_FLAGS
from moldiff.scoring.sets.statistics import rate

Row = Mapping[str, Any]

MARKS: dict[str, Callable[[Row, Composition], bool]] = {
    "reasonable": lambda row, counts: bool(row["reasonable"]),
    "topology_flag": lambda row, counts: bool(row["topology_flags"]),
    "group_flag": lambda row, counts: bool(row["group_flags"]),
    "chembl_unknown_ring": lambda row, counts: row["chembl_unknown"] > 0,
    "chembl_ring_below_5": lambda row, counts: row["chembl_rings"] is not None and row["chembl_rings"] < 5,
    "chembl_ring_below_100": lambda row, counts: row["chembl_rings"] is not None and row["chembl_rings"] < 100,
    "four_joined_rings": lambda row, counts: row["joined_rings"] >= 4,
    "ring_of_seven": lambda row, counts: "7" in counts["ring_sizes"],
    "ring_of_eight": lambda row, counts: row["largest_ring"] >= 8,
}
"""What may hold for a distinct valid molecule, asked of its row and composition."""
COLUMNS = (
    "reasonable",
    "topology_flags",
    "group_flags",
    "chembl_unknown",
    "chembl_rings",
    "joined_rings",
    "largest_ring",
)
"""The columns that `MARKS` and the flags look at."""
_FLAGS = (*TOPOLOGY_FLAGS, *(flag.name for flag in GROUP_FLAGS))


def marks(row: Row, counts: Composition) -> list[str]:
    """Names of all `MARKS` and flags of a molecule."""
    flags = [*row["topology_flags"].split("; "), *row["group_flags"].split("; ")]
    return [*(name for name, holds in MARKS.items() if holds(row, counts)), *(flag for flag in flags if flag)]


def mark_rates(
    found: Counter[str], distinct: int, reference: tuple[Counter[str], int] | None
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Rates of the `MARKS`, and of the flags that occur, with interval and the reference's rate, if there is one.

    Args:
        found: marks counted over distinct valid molecules.
        distinct: number of these molecules.
        reference: the same of the reference.
    """

    def entry(name: str) -> dict[str, Any]:
        ours = asdict(rate(found[name], distinct))
        return ours if reference is None else ours | {"reference": rate(reference[0][name], reference[1]).value}

    occurring = [name for name in _FLAGS if found[name] or (reference is not None and reference[0][name])]
    return {name: entry(name) for name in MARKS}, {name: entry(name) for name in occurring}
