"""The columns of molecules.parquet: our own, those of the input, and computed ones."""

import json
import sys
from collections.abc import Mapping

import pyarrow as pa

from moldiff.dataset.storage import TABLE_FILE

ROW_COLUMNS = ("id", "smiles", "isomeric_smiles", "inchikey", "split", "source", "record", "conformer", "atoms")
"""Columns of molecules.parquet before those of the input."""
INPUT_PREFIX = "input_"
MOST_ITEMS = 10_000
LEAST_COLUMNS = 100
MOST_CELLS = 100_000_000
"""Columns of the input in molecules.parquet: at most MOST_ITEMS, fewer above MOST_CELLS cells, always a hundred."""


def with_computed(properties: Mapping[str, str], computed: Mapping[str, float]) -> dict[str, str | float]:
    """The columns of a record; one of its own that is named like a computed one is told apart by `INPUT_PREFIX`."""
    if not computed:
        return dict(properties)
    own = {INPUT_PREFIX + name if name in computed else name: value for name, value in properties.items()}
    return own | dict(computed)


def input_columns(properties: list[str]) -> dict[str, pa.Array]:
    """Columns of the input, and computed ones, in the order of their first appearance; null where a row has none.

    Records whose data items all have other names would fill the memory with nulls: the columns that come last are left
    out and said.
    """
    most = min(MOST_ITEMS, max(LEAST_COLUMNS, MOST_CELLS // max(len(properties), 1)))
    columns: dict[str, list[str | float | None]] = {}
    left_out: set[str] = set()
    for row, text in enumerate(properties):
        if text == "{}":
            continue
        for name, value in json.loads(text).items():
            if name not in columns:
                if len(columns) == most:
                    left_out.add(name)
                    continue
                columns[name] = [None] * len(properties)
            columns[name][row] = value
    if left_out:
        print(
            f"{TABLE_FILE}: {most:,} columns of the input are kept, {len(left_out):,} more are left out, such as "
            f"{min(left_out)[:60]!r}",
            file=sys.stderr,
        )
    named: dict[str, pa.Array] = {}
    for name, values in columns.items():
        while name in ROW_COLUMNS or name in named:
            name = INPUT_PREFIX + name
        numbers = all(isinstance(value, float) for value in values if value is not None)
        named[name] = pa.array(values, pa.float64() if numbers else pa.string())
    return named
