"""The check stage: molecules of any source in; a row for each record and a summary of all out."""

import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from moldiff.chemistry.formats.records import count_records, expand_inputs, read_records
from moldiff.config.check import CheckOptions
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, only_writer, scratch_folder, sha256
from moldiff.files.manifest import FILES, read_record, record_of, write_record
from moldiff.files.spreadsheet import inert_row
from moldiff.parallel import default_workers
from moldiff.progress import Progress
from moldiff.sampling.training_set import load_training_set
from moldiff.scoring.parts import (
    BATCH,
    INFO,
    ROW_SCHEMA,
    Part,
    batched,
    finish_part,
    open_parts,
    read_column,
    read_rows,
    write_rows,
)
from moldiff.scoring.records import SUMMARY, CheckSummary
from moldiff.scoring.rows import mark_rings, rows_in_order
from moldiff.scoring.sampled import Samples
from moldiff.scoring.score import Task, warm_up
from moldiff.scoring.sets.check_summary import Diversity, summarize, take_diversity
from moldiff.scoring.sets.fcd import require_means, require_structures, take_fcd
from moldiff.scoring.sets.known import KnownSet
from moldiff.scoring.sets.summary import Census, Tally, finish_row, take_census
from moldiff.scoring.tables import join_tables

LIKELIHOOD = ("nats_per_atom", "unusual")
"""Columns that come from a table of likelihoods."""


def check(
    options: CheckOptions,
    inputs: list[str],
    output: Path,
    *,
    train: Path | None = None,
    reference: Path | None = None,
    likelihood: Path | None = None,
    workers: int = 0,
) -> CheckSummary:
    """Score every record of the inputs into rows.parquet, rows.csv and summary.json; returns the summary.

    Args:
        options: how to score.
        inputs: files or globs of SDF, SMILES, CSV, TSV or XYZ, plain or gzip, or Parquet; ``-`` is standard input.
        output: folder of the result.
        train: featurized dataset (its train split), molecule file, or name of shipped weights, for novelty.
        reference: the same, for distances and unseen ring systems; by default the training set.
        likelihood: the table of `moldiff likelihood` for the same records: says which are unusual to weights.
        workers: processes; 0 uses all available cores.

    Raises:
        UserError: an input cannot be read, the output cannot be written, or an extra that is needed is missing.
    """
    require_means(options.fcd, bool(train or reference))
    with only_writer(output / SUMMARY), scratch_folder(output, "check") as scratch:
        part = scratch / "part"
        check_shard(options, inputs, 0, 1, part, workers=workers)
        return _merge(options, [part], output, train, reference, likelihood, workers)


def check_shard(
    options: CheckOptions, inputs: list[str], shard: int, shards: int, output: Path, *, workers: int = 0
) -> None:
    """Score the records of part ``shard`` (from 0) of ``shards`` into a folder that `merge_checks` reads.

    Raises:
        UserError: see `check`; also if standard input is to be cut into shards.
    """
    if not 0 <= shard < shards:
        raise UserError(f"shard {shard + 1} of {shards} does not exist")
    if "-" in inputs and (shards > 1 or Samples.wanted(options)):
        raise UserError("standard input cannot be cut into shards or sampled from; save it to a file first")
    inputs = [str(path) for path in expand_inputs(inputs)]
    total = (
        sum(1 for _ in read_records(inputs, smiles_column=options.smiles_column))
        if shards > 1 or Samples.wanted(options)
        else None
    )
    first, last = (0, None) if total is None else (total * shard // shards, total * (shard + 1) // shards)
    samples = Samples(options, total)
    records = islice(enumerate(read_records(inputs, smiles_column=options.smiles_column), start=1), first, last)
    tasks = samples.watch(Task(number, record, options.charge) for number, record in records)
    info = {
        "inputs": _describe_inputs(inputs),
        "options": options.model_dump(mode="json", exclude={"workers", "min_valid"}),
        "shard": shard,
        "shards": shards,
    }
    workers = workers or options.workers or default_workers()
    warm_up()
    rows = rows_in_order(tasks, first + 1, workers, options.timeout)
    total_here = None if last is None else last - first
    if total_here is None:
        total_here = count_records(inputs, smiles_column=options.smiles_column)
    progress = Progress("check", "records", total_here)
    with only_writer(output / INFO):
        with progress:
            write_rows(output, progress.over(rows))
        finish_part(output, info, samples.ask(workers))


def merge_checks(
    options: CheckOptions,
    parts: list[Path],
    output: Path,
    *,
    train: Path | None = None,
    reference: Path | None = None,
    likelihood: Path | None = None,
    workers: int = 0,
) -> CheckSummary:
    """Join parts into the result of `check`, byte for byte the same however many parts there were.

    Raises:
        UserError: a part is missing or of another check; the training set cannot be read; another process writes
            into the folder.
    """
    with only_writer(output / SUMMARY):
        return _merge(options, parts, output, train, reference, likelihood, workers)


def _merge(
    options: CheckOptions,
    parts: list[Path],
    output: Path,
    train: Path | None,
    reference: Path | None,
    likelihood: Path | None,
    workers: int,
) -> CheckSummary:
    require_means(options.fcd, bool(train or reference))
    opened = open_parts(parts)
    likely = _likelihoods(likelihood, opened) if likelihood else None
    workers = workers or options.workers
    load = partial(
        load_training_set,
        workers=workers,
        timeout=options.timeout,
        smiles_column=options.reference_smiles_column or options.smiles_column,
    )
    known = load(train) if train else None
    compared = load(reference) if reference else known
    require_structures(options.fcd, compared)
    valid, keys = read_column(opened, "valid"), read_column(opened, "_key")
    census = take_census(options.hydrogens, read_column(opened, "_has_hydrogens"), valid, keys, known)
    distinct = np.sort(keys[valid & ~census.duplicate])
    diversity = take_diversity(opened, distinct, known, options.seed)
    fcd = take_fcd(options.fcd, opened, distinct, compared, options.seed)
    tally = Tally()
    with (
        atomic_path(output / "rows.parquet") as parquet,
        atomic_path(output / "rows.csv") as csv,
        pq.ParquetWriter(parquet, ROW_SCHEMA, compression="zstd") as rows,
        pc.CSVWriter(csv, ROW_SCHEMA) as lines,
    ):
        for batch in batched(_finished(opened, census, compared, diversity, likely, tally), BATCH):
            table = pa.Table.from_pylist(batch, ROW_SCHEMA)
            rows.write_table(table)
            shown = [inert_row(row) for row in batch]
            lines.write_table(table if shown == batch else pa.Table.from_pylist(shown, ROW_SCHEMA))
    summary = summarize(options, opened, census, tally, diversity, known, compared)
    if fcd is not None:
        summary = summary.model_copy(update={"distances": {**summary.distances, "fcd": fcd}})
    record = write_record(output / SUMMARY, summary.written(), [output / "rows.parquet", output / "rows.csv"])
    return summary.model_copy(update={FILES: record[FILES]})


def _likelihoods(path: Path, parts: list[Part]) -> list[dict[str, Any]]:
    """How likely each record is, of a table that `moldiff likelihood` made of the same records.

    Raises:
        UserError: the table cannot be read, or is another one, or of other records.
    """
    lines: list[dict[str, Any]] = [{"name": name} for part in parts for name in part.names()]
    if lines:
        join_tables(lines, [path])
    found = [{name: line.get(name) for name in LIKELIHOOD} for line in lines]
    for place, row in enumerate(found, start=1):
        nats, unusual = row.values()
        if not isinstance(nats, float | int | None) or not isinstance(unusual, bool | None):
            raise UserError(f"{path}: record {place}: {row} is not of a table that `moldiff likelihood` made")
    if found and all(row["nats_per_atom"] is None for row in found):
        raise UserError(f"{path}: has no likelihood in a column nats_per_atom; make it with `moldiff likelihood`")
    if all(row["unusual"] is None for row in found):
        print(f"{path}: made without --known, so it does not say which molecules are unusual", file=sys.stderr)
    return found


def _finished(
    parts: list[Part],
    census: Census,
    compared: KnownSet | None,
    diversity: Diversity,
    likely: list[dict[str, Any]] | None,
    tally: Tally,
) -> Iterator[dict[str, Any]]:
    """Complete rows, counted on their way."""
    samples = {number: values for part in parts for number, values in part.samples().items()}
    for place, row in enumerate(read_rows(parts)):
        row |= samples.get(row["index"], {})
        row |= likely[place] if likely else dict.fromkeys(LIKELIHOOD)
        finish_row(row, place, census)
        if row["valid"]:
            if compared is not None:
                mark_rings(row, compared.ring_systems)
            row["nearest_train"], row["nearest_train_smiles"] = diversity.nearest.get(row["_key"], (None, None))
        tally.add(row)
        yield row


def _describe_inputs(inputs: list[str]) -> list[dict[str, str | None]]:
    """Path and checksum of each file; where `moldiff sample` left its record beside one, the file it wrote.

    Raises:
        UserError: a file cannot be read, or is another than its record describes.
    """
    sources: list[dict[str, str | None]] = []
    for path in inputs:
        try:
            checksum = None if path == "-" else sha256(Path(path))
        except OSError as error:
            raise UserError(f"{error.filename}: cannot be read: {error.strerror}; check its permissions") from None
        beside = record_of(Path(path))
        if beside.is_file() and beside.name != Path(path).name:
            remedy = f"sample again, or remove {beside} if it was changed on purpose"
            try:
                recorded = read_record(beside, remedy, verify=False).get("sha256")
            except UserError:
                recorded = None
            expected = recorded.get(Path(path).name) if isinstance(recorded, dict) else None
            if expected not in (None, checksum):
                raise UserError(f"{path}: was changed after it was written, or is incomplete; {remedy}")
        sources.append({"path": path, "sha256": checksum})
    return sources
