"""Checked parts on disk: rows with all that the summary needs, so that parts add up to exactly one check."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, write_text
from moldiff.files.manifest import read_record, write_record
from moldiff.scoring.columns import ROW_COLUMNS
from moldiff.scoring.records import DEFINITIONS

ROWS = "part.parquet"
SAMPLES = "samples.json"
INFO = "part.json"
BATCH = 2_000
"""Rows that are held at a time, and the size of a row group."""

_TYPES = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string(), "boolean": pa.bool_()}
ROW_SCHEMA = pa.schema([(column.name, _TYPES[column.kind]) for column in ROW_COLUMNS])
STATE_SCHEMA = pa.schema(
    [
        ("_strict", pa.bool_()),
        ("_stable_explicit", pa.int64()),
        ("_stable_implicit", pa.int64()),
        ("_has_hydrogens", pa.bool_()),
        ("_missing_hydrogens", pa.int64()),
        ("_key", pa.uint64()),
        ("_fingerprint", pa.binary(256)),
        ("_composition", pa.string()),
        ("_geometry", pa.binary()),
    ]
)
PART_SCHEMA = pa.schema([*ROW_SCHEMA, *STATE_SCHEMA])


@dataclass(frozen=True)
class Part:
    """A folder made by one shard of the check."""

    folder: Path
    info: Mapping[str, Any]

    def samples(self) -> dict[int, dict[str, Any]]:
        """What was found of drawn records, by their number."""
        samples = json.loads((self.folder / SAMPLES).read_text(encoding="utf-8"))
        return {int(number): values for number, values in samples.items()}

    def names(self) -> list[str]:
        """Titles of its records, in order."""
        return pq.read_table(self.folder / ROWS, columns=["name"])["name"].to_pylist()


def write_rows(folder: Path, rows: Iterator[dict[str, Any]]) -> int:
    """Write the rows of a part as they come; returns their number.

    Raises:
        UserError: the folder cannot be written.
    """
    count = 0
    with (
        atomic_path(folder / ROWS) as temporary,
        pq.ParquetWriter(temporary, PART_SCHEMA, compression="zstd") as writer,
    ):
        for batch in batched(rows, BATCH):
            count += len(batch)
            writer.write_table(pa.Table.from_pylist([clean(row) for row in batch], PART_SCHEMA))
    return count


def finish_part(folder: Path, info: Mapping[str, Any], samples: Mapping[int, Mapping[str, Any]]) -> None:
    """Write what was found of drawn records, by number, and last the description that makes the part complete."""
    write_text(folder / SAMPLES, json.dumps({str(number): values for number, values in samples.items()}) + "\n")
    write_record(folder / INFO, {**info, "definitions": DEFINITIONS}, [folder / ROWS, folder / SAMPLES])


def clean(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose text can be written as UTF-8 whatever bytes the file holds."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) and not value.isascii() else value
        for name, value in row.items()
    }


def open_parts(folders: Sequence[Path]) -> list[Part]:
    """The parts of one check, in the order of their records.

    Raises:
        UserError: none given, one missing, unfinished, damaged, given twice, or of another check.
    """
    parts = []
    for folder in folders:
        if not (folder / INFO).is_file():
            raise UserError(f"{folder}: is not a finished part of a check (it has no {INFO}); check this shard again")
        info = read_record(folder / INFO, "check this shard again")
        if info.get("definitions") != DEFINITIONS:
            theirs = info.get("definitions")
            raise UserError(f"{folder}: was checked by definitions {theirs}, not {DEFINITIONS}; check it again")
        parts.append(Part(folder, info))
    if not parts:
        raise UserError("no parts given; name the folders made by `moldiff check --shard`")
    parts.sort(key=lambda part: int(part.info["shard"]))
    first = parts[0].info
    for part in parts:
        for name in ("inputs", "options", "shards"):
            if part.info[name] != first[name]:
                raise UserError(f"{part.folder}: belongs to another check than {parts[0].folder} ({name} differ)")
    present = [int(part.info["shard"]) for part in parts]
    if present != list(range(int(first["shards"]))):
        given = ", ".join(str(number + 1) for number in present)
        raise UserError(f"the check has {first['shards']} parts; given are {given}: give each part once")
    return parts


def read_column(parts: Sequence[Part], name: str) -> NDArray[Any]:
    """One column [N] of all parts; null becomes zero or false."""
    columns = [pq.read_table(part.folder / ROWS, columns=[name])[name] for part in parts]
    zero: Any = False if pa.types.is_boolean(PART_SCHEMA.field(name).type) else 0
    return np.concatenate([column.fill_null(zero).to_numpy() for column in columns])


def read_rows(parts: Sequence[Part]) -> Iterator[dict[str, Any]]:
    """All rows, in order, few of them in memory."""
    for part in parts:
        with pq.ParquetFile(part.folder / ROWS) as file:
            for batch in file.iter_batches(BATCH):
                yield from batch.to_pylist()


def read_fingerprints(parts: Sequence[Part], keys: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Packed fingerprints [K, 256] of the molecules with these key hashes [K], which ascend."""
    packed = np.zeros((len(keys), 256), dtype=np.uint8)
    for part in parts:
        with pq.ParquetFile(part.folder / ROWS) as file:
            for batch in file.iter_batches(BATCH, columns=["_key", "_fingerprint"]):
                for key, bits in zip(batch["_key"].to_pylist(), batch["_fingerprint"].to_pylist(), strict=True):
                    if bits is None:
                        continue
                    place = int(np.searchsorted(keys, np.uint64(key)))
                    if place < len(keys) and int(keys[place]) == key:
                        packed[place] = np.frombuffer(bits, dtype=np.uint8)
    return packed


def batched(items: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Lists of up to ``size`` items."""
    for first in items:
        batch = [first]
        for item in items:
            batch.append(item)
            if len(batch) == size:
                break
        yield batch
