"""Which molecules are shown, and their records, found again in the files they came from."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.errors import UserError
from moldiff.reporting.evidence import Evidence

EXAMPLES = 3
"""Failing molecules drawn for each reason."""
REASONS = 6
"""Most frequent reasons of which examples are drawn."""


@dataclass(frozen=True)
class Failure:
    """One reason for failing, in how many records it was found, and the positions of some of them."""

    reason: str
    count: int
    examples: tuple[int, ...]


def by_quality(evidence: Evidence) -> list[int]:
    """Positions of all rows: distinct valid molecules first; novel, PB-valid, reasonable ones first; then by QED."""
    rest = np.ones(len(evidence.rows), dtype=bool)
    rest[evidence.distinct_valid()] = False
    good = [~evidence.truth(name) for name in ("reasonable", "pb_valid", "novel", "valid")]
    qed = np.nan_to_num(evidence.numbers("qed"), nan=-1.0)
    order = np.lexsort((np.arange(len(qed)), -qed, *good, rest))
    return [int(position) for position in order]


def failures(evidence: Evidence, column: str, among: np.ndarray) -> list[Failure]:
    """Reasons in a column of the rows (separated by semicolons), the most frequent first, numbers in them as #.

    Args:
        evidence: with rows.
        column: reasons or pb_failed.
        among: positions of the rows that count.
    """
    if column not in evidence.rows:
        return []
    counts: Counter[str] = Counter()
    places: dict[str, list[int]] = {}
    for position, value in zip(among.tolist(), evidence.rows[column].iloc[among].tolist(), strict=True):
        if not isinstance(value, str):
            continue
        for reason in {_kind(part) for part in value.split(";") if part.strip()}:
            counts[reason] += 1
            shown = places.setdefault(reason, [])
            if len(shown) < EXAMPLES:
                shown.append(position)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Failure(reason, count, tuple(places[reason])) for reason, count in ranked]


def find_records(evidence: Evidence, positions: Iterable[int]) -> dict[int, Record]:
    """The records of some rows by their positions, see `iterate_records`."""
    return dict(iterate_records(evidence, positions))


def iterate_records(evidence: Evidence, positions: Iterable[int]) -> Iterator[tuple[int, Record]]:
    """Records of some rows with the rows' positions, read again from the samples or the files that the check names.

    A row is found by its file's name and its place there; one pass over the files, nothing is kept. Files that are
    gone leave their rows without a record.
    """
    rows = evidence.rows
    if "source" not in rows:
        return
    numbers = evidence.numbers("record" if "record" in rows else "index")
    sources = rows["source"].tolist()
    wanted = {
        (Path(str(sources[position])).name, int(numbers[position])): position
        for position in set(positions)
        if np.isfinite(numbers[position])
    }
    for path in _files(evidence):
        remaining = sum(1 for name, _ in wanted if name == path.name)
        if not remaining:
            continue
        try:
            for record in read_records([path]):
                position = wanted.get((path.name, record.index))
                if position is not None:
                    yield position, record
                    remaining -= 1
                    if not remaining:
                        break
        except UserError:
            continue  # the file changed or went away since; its molecules are then shown without coordinates


def first_records(samples: Sequence[Path], count: int) -> list[Record]:
    """The first records of unchecked samples, for a report without a check."""
    records: list[Record] = []
    for path in samples:
        for record in read_records([path]):
            if len(records) == count:
                return records
            records.append(record)
    return records


def as_rows(records: Sequence[Record]) -> pd.DataFrame:
    """Rows of records that were not checked: their positions and names."""
    return pd.DataFrame(
        {
            "index": range(1, len(records) + 1),
            "source": [record.source for record in records],
            "record": [record.index for record in records],
            "name": [record.name for record in records],
        }
    )


def _files(evidence: Evidence) -> list[Path]:
    if evidence.samples:
        return list(evidence.samples)
    paths = [entry.path for entry in evidence.summary.inputs] if evidence.summary else []
    return [Path(path) for path in paths if path not in ("", "-") and Path(path).is_file()]


def _kind(reason: str) -> str:
    words = ["#" if word.strip(",.:()").lstrip("+-").isdigit() else word for word in reason.split()]
    return " ".join(words).replace("# #", "#")[:120]
