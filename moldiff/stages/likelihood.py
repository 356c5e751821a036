"""The likelihood stage: molecules in, a table of how likely weights take them to be out."""

import csv
import io
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from moldiff.chemistry.arrays import to_arrays
from moldiff.chemistry.formats.records import count_records, read_records
from moldiff.chemistry.reading import molecules_of
from moldiff.config.likelihood import LikelihoodOptions
from moldiff.errors import UserError
from moldiff.files.atomic import only_writer, write_text
from moldiff.files.manifest import write_record
from moldiff.files.spreadsheet import inert
from moldiff.progress import Progress
from moldiff.sampling.intake import Intake, prepared
from moldiff.sampling.likelihood import Likelihood, likelihoods
from moldiff.sampling.sampler import Sampler
from moldiff.training.malloc import keep_large_buffers
from moldiff.version import version

CHUNK = 512
"""Records that are in memory at a time."""
PARTS = {"positions": "pos", "elements": "element", "charges": "charge", "bonds": "bond"}
"""Columns of the bound's parts, and what they are called in the process."""
FEWEST_KNOWN = 50
"""Known molecules of which a quantile is taken, at least."""


@dataclass(frozen=True)
class Row:
    """A record with its likelihood, or what kept it from one."""

    record: int
    name: str
    found: Likelihood | None
    problem: str = ""


def likelihood(
    options: LikelihoodOptions, inputs: Sequence[str], weights: str | Path, output: Path, known: Sequence[str] = ()
) -> Path:
    """The likelihood of every molecule of the inputs as CSV, one row a record, with a record of the run beside it.

    Args:
        options: of the estimate.
        inputs: files or globs of molecules with coordinates.
        weights: a model's file, or the name of shipped weights.
        output: the CSV file.
        known: files or globs of molecules that are usual, such as held-out ones of the training set: each row then
            says what share of them is likelier, and whether that is more than the options' quantile.

    Raises:
        UserError: a file or the weights cannot be used, no molecule has a likelihood, or there are too few known ones.
    """
    if output.suffix != ".csv":
        raise UserError(f"{output}: likelihoods are written as CSV; end the name in .csv")
    keep_large_buffers()
    with only_writer(output):
        _measured(options, inputs, Sampler.load(weights), output, known)
    return output


def _measured(
    options: LikelihoodOptions, inputs: Sequence[str], sampler: Sampler, output: Path, known: Sequence[str]
) -> None:
    start = time.process_time()
    usual = _usual(options, known, sampler) if known else None
    rows = list(_rows(options, inputs, sampler, "likelihood"))
    seconds = time.process_time() - start
    reasons = Counter(row.problem for row in rows if row.found is None)
    measured = [row.found for row in rows if row.found is not None]
    if not measured:
        named = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common(3)) or "no record was read"
        raise UserError(f"{output}: none of {len(rows)} records has a likelihood: {named}")
    written = [_written(row, usual, options.quantile) for row in rows]
    buffer = io.StringIO()
    table = csv.DictWriter(buffer, list(written[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(written)
    write_text(output, buffer.getvalue())
    summary: dict[str, Any] = {
        "records": len(rows),
        "measured": len(measured),
        "refused": dict(reasons.most_common()),
        "mean_nats": float(np.mean([one.nats for one in measured])),
        "mean_nats_per_atom": float(np.mean([one.nats_per_atom for one in measured])),
        "mean_error": float(np.mean([one.error for one in measured])),
        "evaluations": options.evaluations,
        "processor_seconds": round(seconds, 2),
        "model": sampler.model.checksum,
        "options": options.model_dump(mode="json"),
        "version": version(),
    }
    if usual is not None:
        summary |= {"known": len(usual), "unusual": sum(row["unusual"] is True for row in written)}
    write_record(output.with_suffix(".json"), summary, [output])
    print(
        f"{output}: {len(measured)} of {len(rows)} molecules, {summary['mean_nats']:.1f} nats each on average "
        f"(standard error of one {summary['mean_error']:.1f})"
        + (f"; {summary['unusual']} unusual" if usual is not None else "")
        + (f"; left out: {dict(reasons.most_common(3))}" if reasons else ""),
        file=sys.stderr,
    )


def _usual(options: LikelihoodOptions, known: Sequence[str], sampler: Sampler) -> np.ndarray:
    """[molecule] nats an atom of known molecules, ascending."""
    found = [row.found for row in _rows(options, known, sampler, "known")]
    values = sorted(one.nats_per_atom for one in found if one is not None)
    if len(values) < FEWEST_KNOWN:
        raise UserError(
            f"{', '.join(known)}: {len(values)} molecules have a likelihood; give {FEWEST_KNOWN} known ones or more"
        )
    return np.array(values)


def _rows(options: LikelihoodOptions, inputs: Sequence[str], sampler: Sampler, title: str) -> Iterator[Row]:
    records, number = read_records(list(inputs)), 0
    prepare = partial(prepared, intake=Intake.of(sampler.model), fixed=True)
    with Progress(title, "molecules", count_records(list(inputs))) as progress:
        while chunk := list(islice(records, CHUNK)):
            read = molecules_of(chunk, prepare)
            arrays = [to_arrays(mol) for mol, _ in read if mol is not None]
            progress.update(len(chunk) - len(arrays))
            found = iter(likelihoods(sampler, arrays, options, number=number, on_batch=progress.update))
            for place, (record, (mol, reason)) in enumerate(zip(chunk, read, strict=True)):
                own = next(found) if mol is not None else None
                yield Row(number * CHUNK + place + 1, record.name, own, reason)
            number += 1


def _written(row: Row, usual: np.ndarray | None, quantile: float) -> dict[str, Any]:
    found = row.found
    cells: dict[str, Any] = {"record": row.record, "name": inert(row.name)}
    cells |= {
        "atoms": found.atoms if found else "",
        "nats": _number(found.nats if found else math.nan),
        "error": _number(found.error if found else math.nan),
        "nats_per_atom": _number(found.nats_per_atom if found else math.nan),
    }
    cells |= {column: _number(found.parts[name] if found else math.nan) for column, name in PARTS.items()}
    if usual is not None:
        share = np.searchsorted(usual, found.nats_per_atom) / len(usual) if found else math.nan
        cells |= {"likelier_known": _number(share), "unusual": bool(share > quantile) if found else ""}
    return cells | {"problem": inert(row.problem)}


def _number(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else ""
