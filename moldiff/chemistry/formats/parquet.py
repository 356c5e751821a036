"""Rows of a Parquet table with a SMILES column."""

from collections.abc import Iterator
from pathlib import Path

from moldiff.chemistry.formats.tables import Row, find_columns
from moldiff.errors import UserError


def read_parquet(path: Path, smiles_column: str | None = None, id_column: str | None = None) -> Iterator[Row]:
    """Rows of a Parquet file, few of them in memory; every column becomes a property as text, null an empty one.

    Raises:
        UserError: the file cannot be read or has no SMILES column of the wanted name.
    """
    import pyarrow as pa  # a fifth of a second that the other formats need not pay
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            smiles, title = find_columns(names, smiles_column, id_column, str(path))
            for batch in file.iter_batches(1000):
                for row in batch.to_pylist():
                    texts = {name: "" if value is None else str(value) for name, value in row.items()}
                    text = texts[smiles].strip()
                    yield (
                        text,
                        texts[title] if title is not None else "",
                        texts,
                        None if text else "no SMILES in the row",
                    )
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read as Parquet: {error}; check the file") from None
