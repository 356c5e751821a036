"""Rows of many records: in processes, in the order of the records, each record with its row whatever becomes of it."""

from collections.abc import Container, Iterator, Sequence

import numpy as np

from moldiff.chemistry.formats.records import Record
from moldiff.config.check import CheckOptions
from moldiff.parallel import Lost, default_workers, run_all
from moldiff.progress import Progress
from moldiff.scoring.columns import ROW_COLUMNS
from moldiff.scoring.score import STEPS, Row, Task, blank_row, warm_up
from moldiff.scoring.sets.known import KnownSet
from moldiff.scoring.sets.summary import finish_row, take_census

_CHUNK = 32


def rows_in_order(tasks: Iterator[Task], first: int, workers: int, timeout: float) -> Iterator[Row]:
    """Rows in the order of the records; a record that is given up still has its row.

    Args:
        tasks: the records, numbered one by one.
        first: number of the first.
        workers: processes.
        timeout: seconds after which one record is given up.
    """
    waiting: dict[object, Row] = {}
    pieces = run_all(
        STEPS[0], list, tasks, then=STEPS[1:], workers=workers, chunk=_CHUNK, timeout=timeout, weigh=_weight
    )
    for piece in pieces:
        rows: list[Row] = [blank_row(piece.item, piece.reason)] if isinstance(piece, Lost) else piece
        waiting.update((row["index"], row) for row in rows)
        while first in waiting:
            yield waiting.pop(first)
            first += 1


def _weight(task: Task) -> int:
    return task.record.weight


def score_records(
    records: Sequence[Record],
    options: CheckOptions,
    known: KnownSet | None = None,
) -> list[Row]:
    """The finished rows of some thousand records in memory: all that needs no sample and no summary.

    Args:
        records: to score.
        options: hydrogens, charge, timeout and workers are read.
        known: the training set, for the columns novel, new_ring_systems and rings_known.
    """
    if not records:
        return []
    warm_up()
    tasks = (Task(number, record, options.charge) for number, record in enumerate(records, start=1))
    with Progress("check", "records", len(records)) as progress:
        rows = list(progress.over(rows_in_order(tasks, 1, options.workers or default_workers(), options.timeout)))
    census = take_census(
        options.hydrogens,
        np.array([bool(row["_has_hydrogens"]) for row in rows]),
        np.array([bool(row["valid"]) for row in rows]),
        np.array([row.get("_key") or 0 for row in rows], dtype=np.uint64),
        known,
    )
    for place, row in enumerate(rows):
        finish_row(row, place, census)
        if row["valid"] and known is not None:
            mark_rings(row, known.ring_systems)
    return [{column.name: row.get(column.name) for column in ROW_COLUMNS} for row in rows]


def mark_rings(row: Row, ring_systems: Container[str]) -> None:
    """Fill the columns that compare the ring systems of a valid molecule with those of a reference."""
    systems = dict.fromkeys(str(row["ring_systems"]).split("; "))
    new = [ring for ring in systems if ring and ring not in ring_systems]
    row |= {"new_ring_systems": "; ".join(new), "rings_known": not new}
