"""Rows of a Parquet table with a SMILES column."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moldiff.chemistry.formats.streams import LONGEST_RECORD, MOST_ITEMS, TOO_LONG, decode
from moldiff.chemistry.formats.tables import Row, find_columns
from moldiff.errors import UserError

_LARGEST_COLUMN = 1 << 30
"""Bytes that a column of a row group may take unpacked; writers cut far below."""


def read_parquet(path: Path, smiles_column: str | None = None, id_column: str | None = None) -> Iterator[Row]:
    """Rows of a Parquet file, few of them in memory; every column becomes a property as text, null an empty one.

    Bytes are text as in other files. Repeated texts stay in the file's dictionary until their row is read, so that a
    small file cannot fill the memory.

    Raises:
        UserError: the file cannot be read or has no SMILES column of the wanted name.
    """
    import pyarrow as pa  # a fifth of a second that the other formats need not pay
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if len(names) > MOST_ITEMS:
                raise UserError(f"{path}: more than {MOST_ITEMS:,} columns; keep those that you need")
            smiles, title = find_columns(names, smiles_column, id_column, str(path))
            for group in range(file.num_row_groups):
                described = file.metadata.row_group(group)
                for place in range(described.num_columns):
                    if described.column(place).total_uncompressed_size > _LARGEST_COLUMN:
                        raise UserError(f"{path}: a column of a row group is above 1 GB; write smaller row groups")
        texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
        with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as file:
            for batch in file.iter_batches(1000):
                columns = batch.columns
                for row in range(batch.num_rows):
                    values = {name: _text(column[row].as_py()) for name, column in zip(names, columns, strict=True)}
                    yield _row(values, smiles, title)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read as Parquet: {error}; check the file") from None


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind))


def _row(values: dict[str, str], smiles: str, title: str | None) -> Row:
    text = values[smiles].strip()
    if sum(map(len, values.values())) > LONGEST_RECORD:
        return text[:100], "", {}, TOO_LONG
    return text, values[title] if title is not None else "", values, None if text else "no SMILES in the row"


def _text(value: object) -> str:
    if value is None:
        return ""
    return decode(value) if isinstance(value, bytes) else str(value)
