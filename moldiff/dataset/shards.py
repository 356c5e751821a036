"""Parts of a featurized set, and how they become one: the same bytes however many parts there were."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from moldiff.config.featurize import FeaturizeOptions
from moldiff.dataset.columns import ROW_COLUMNS, input_columns
from moldiff.dataset.splits import split_at_random, split_by_hash, split_by_scaffold
from moldiff.dataset.statistics import describe, histogram
from moldiff.dataset.storage import (
    ARRAYS_FILE,
    FORMAT,
    INFO_FILE,
    REJECTED_FILE,
    TABLE_FILE,
    RaggedMolecules,
    read_arrays,
    read_info,
    string_table,
    write_arrays,
    write_info,
    write_table,
)
from moldiff.dataset.validation import ShardInfo, read_table
from moldiff.errors import UserError
from moldiff.files.atomic import require_target, scratch_folder, write_text
from moldiff.files.manifest import check_files, write_record
from moldiff.files.records import typed
from moldiff.files.spreadsheet import inert

SHARD_ROWS = "rows.parquet"
SHARD_REJECTED = "rejected.parquet"
SHARD_INFO = "shard.json"
SET_FILES = (ARRAYS_FILE, TABLE_FILE, REJECTED_FILE, INFO_FILE)
SHARD_FILES = (ARRAYS_FILE, SHARD_ROWS, SHARD_REJECTED, SHARD_INFO)
_REMEDY = "featurize this shard again"

_INTEGERS = {name: pa.int64() for name in ("order", "record", "conformer", "atoms")}
_SHARD_COLUMNS = ("order", *(name for name in ROW_COLUMNS), "scaffold", "properties")
_REJECTED_COLUMNS = ("order", "source", "record", "id", "reason")


@dataclass(frozen=True)
class Part:
    """Featurized records, complete or a shard of them; ``order`` is a record's number over all inputs."""

    molecules: RaggedMolecules
    rows: pa.Table
    """One row a molecule: order, the columns of molecules.parquet, scaffold, properties (a JSON object)."""
    rejected: pa.Table
    """One row a rejected record: order, source, record, id, reason."""
    records_read: int

    @classmethod
    def build(
        cls,
        molecules: Sequence[RaggedMolecules],
        rows: dict[str, list[Any]],
        rejected: dict[str, list[Any]],
        records_read: int,
    ) -> Self:
        """A part from columns as lists; missing lists are empty."""
        return cls(
            RaggedMolecules.concatenate(molecules),
            string_table({name: rows.get(name, []) for name in _SHARD_COLUMNS}, _INTEGERS),
            string_table({name: rejected.get(name, []) for name in _REJECTED_COLUMNS}, _INTEGERS),
            records_read,
        )


def write_shard(
    folder: Path, part: Part, options: FeaturizeOptions, shard: int, shards: int, versions: dict[str, str]
) -> None:
    """Write one part; its JSON file, written last, makes it complete."""
    _start(folder, SHARD_INFO)
    write_arrays(folder / ARRAYS_FILE, part.molecules)
    write_table(folder / SHARD_ROWS, part.rows)
    write_table(folder / SHARD_REJECTED, part.rejected)
    info = {
        "format": FORMAT,
        "shard": shard,
        "shards": shards,
        "options": _kept_options(options),
        "records_read": part.records_read,
        "versions": versions,
    }
    write_record(folder / SHARD_INFO, info, [folder / name for name in (ARRAYS_FILE, SHARD_ROWS, SHARD_REJECTED)])


def merge_shards(
    folders: Sequence[Path], options: FeaturizeOptions, output: Path, versions: dict[str, str]
) -> dict[str, Any]:
    """Merge all shards of one run into a featurized set.

    Raises:
        UserError: a shard is missing, unfinished, damaged, given twice, or was made with other options.
    """
    if not folders:
        raise UserError("no shards to merge; name the folders that featurize --shard wrote")
    infos = []
    for folder in folders:
        content = read_info(folder, SHARD_INFO)
        info = typed(folder / SHARD_INFO, content, ShardInfo, _REMEDY)
        check_files(folder, content, _REMEDY)
        if info.options != _kept_options(options):
            changed = [key for key, value in _kept_options(options).items() if info.options.get(key) != value]
            raise UserError(f"{folder}: was made with other options ({', '.join(changed)}); featurize it again")
        if info.shards != len(folders):
            raise UserError(f"{folder}: is one of {info.shards} shards, and {len(folders)} were given; give all")
        infos.append(info)
    numbers = sorted(info.shard + 1 for info in infos)
    if numbers != list(range(1, len(folders) + 1)):
        raise UserError(f"shards {numbers} were given, but 1 to {len(folders)} are needed; give each one once")
    parts = [_read_part(folder, info.records_read) for folder, info in zip(folders, infos, strict=True)]
    return assemble(parts, options, output, versions)


def _read_part(folder: Path, records_read: int) -> Part:
    molecules = read_arrays(folder / ARRAYS_FILE)
    rows = {name: _INTEGERS.get(name, pa.string()) for name in _SHARD_COLUMNS}
    rejected = {name: _INTEGERS.get(name, pa.string()) for name in _REJECTED_COLUMNS}
    return Part(
        molecules,
        read_table(folder / SHARD_ROWS, len(molecules), rows, _REMEDY),
        read_table(folder / SHARD_REJECTED, None, rejected, _REMEDY),
        records_read,
    )


def assemble(
    parts: Sequence[Part], options: FeaturizeOptions, output: Path, versions: dict[str, str]
) -> dict[str, Any]:
    """Write the featurized set that the parts make together; returns the content of dataset.json.

    Raises:
        UserError: no molecule is left, or the folder cannot be written.
    """
    rows = pa.concat_tables([part.rows for part in parts])
    rejected = pa.concat_tables([part.rejected for part in parts])
    order = np.lexsort((rows["conformer"].to_numpy(), rows["order"].to_numpy()))
    if options.duplicates == "reject":
        order, repeated = _without_duplicates(rows, order)
        rejected = pa.concat_tables([rejected, repeated])
    rows = rows.take(pa.array(order))
    rejected = rejected.take(pa.array(np.argsort(rejected["order"].to_numpy(), kind="stable")))
    _start(output, INFO_FILE)
    write_text(output / REJECTED_FILE, _csv(rejected.drop_columns(["order"])))
    records_read = sum(part.records_read for part in parts)
    reasons = histogram(Counter(reason.partition(": ")[0] for reason in rejected["reason"].to_pylist()))
    if len(rows) == 0:
        listed = ", ".join(f"{reason} ({count})" for reason, count in list(reasons.items())[:3]) or "no record was read"
        raise UserError(f"{output / REJECTED_FILE}: none of {records_read} records gives a molecule: {listed}")
    molecules = RaggedMolecules.concatenate([part.molecules for part in parts]).take(order)
    splits = _splits(rows, options)
    columns = {name: rows[name] for name in ROW_COLUMNS}
    columns["split"] = pa.array(splits, pa.string())
    write_arrays(output / ARRAYS_FILE, molecules)
    table = pa.table({**columns, **input_columns(rows["properties"].to_pylist())})
    write_table(output / TABLE_FILE, table)
    computed = [name for name in table.column_names if table[name].type == pa.float64()]
    info = {
        "records_read": records_read,
        "molecules": len(np.unique(rows["order"].to_numpy())),
        "conformers": len(rows),
        "rejected": len(rejected),
        "reasons": reasons,
        **({"computed": {name: len(rows) - table[name].null_count for name in computed}} if computed else {}),
        "splits": {name: splits.count(name) for name in ("train", "valid", "test")},
        "hydrogens": options.hydrogens,
        **describe(molecules, np.flatnonzero(np.array(splits) == "train")),
        "seed": options.seed,
        "options": _kept_options(options),
        "versions": versions,
    }
    write_info(output, info)
    return info


def try_folder(folder: Path, names: Sequence[str]) -> None:
    """Make sure, before hours of work, that files of these names can be written into a folder.

    Raises:
        UserError: they cannot: no permission, something else of that name, not a megabyte of room.
    """
    for name in names:
        require_target(folder / name)
    with scratch_folder(folder, "trial") as scratch:
        try:
            (scratch / "trial").write_bytes(bytes(1 << 20))
        except OSError as error:
            raise UserError(f"{folder}: cannot be written: {error.strerror}; choose a folder with room") from None


def _start(folder: Path, last: str) -> None:
    """Make the folder and take away the file that is written last: from here on the content counts as unfinished."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / last).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}; choose a folder that you may write") from error


def _kept_options(options: FeaturizeOptions) -> dict[str, Any]:
    """The options that the result depends on: not the number of shards."""
    return options.model_dump(mode="json", exclude={"shards"})


def _without_duplicates(rows: pa.Table, order: np.ndarray) -> tuple[np.ndarray, pa.Table]:
    """The rows, in order, whose SMILES occurred in no earlier record, and rejections for the records of the others."""
    smiles = rows["smiles"].to_pylist()
    records = rows["order"].to_pylist()
    first: dict[str, int] = {}
    kept: list[int] = []
    repeated: dict[int, int] = {}
    for row in order.tolist():
        if first.setdefault(smiles[row], records[row]) == records[row]:
            kept.append(row)
        else:
            repeated.setdefault(records[row], row)
    lost = rows.take(pa.array(list(repeated.values()), pa.int64())).select(
        ["order", "source", "record", "id", "smiles"]
    )
    reasons = [f"duplicate: {text} occurred in an earlier record" for text in lost["smiles"].to_pylist()]
    return np.array(kept, np.int64), lost.drop_columns(["smiles"]).append_column(
        "reason", pa.array(reasons, pa.string())
    )


def _splits(rows: pa.Table, options: FeaturizeOptions) -> list[str]:
    valid, test = options.valid_fraction, options.test_fraction
    smiles: list[str] = rows["smiles"].to_pylist()
    if options.split == "column":
        return [str(place) for place in rows["split"].to_pylist()]
    if options.split == "random":
        return split_at_random(smiles, valid, test, options.seed)
    if options.split == "scaffold":
        return split_by_scaffold(rows["scaffold"].to_pylist(), valid, test)
    keys = [key.partition("-")[0] or text for key, text in zip(rows["inchikey"].to_pylist(), smiles, strict=True)]
    return split_by_hash(keys, valid, test)


def _csv(table: pa.Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    columns = (map(inert, table[name].to_pylist()) for name in table.column_names)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()
