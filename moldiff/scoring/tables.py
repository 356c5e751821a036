"""Tables made for the same molecules as a check, such as that of `moldiff likelihood`: their columns join its rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc

from moldiff.errors import UserError

NUMBER, NAME = "record", "name"
"""Columns by which a line finds its molecule: its place among all records, from 1, or its name."""


def join_tables(rows: Sequence[dict[str, Any]], paths: Sequence[str | Path]) -> dict[str, list[str]]:
    """Add the columns of CSV files to rows, null where a file has no line for a record.

    Lines are found by the column ``record`` where there is one, and then must have the record's name if they have any;
    else by ``name``. A column that the rows have already stays what it is, unless it is null in all of them.

    Args:
        rows: of a check, all of them and in order.
        paths: of the files.

    Returns:
        The columns that stayed, by file.

    Raises:
        UserError: a file cannot be read, does not say which molecules its lines are of, has two lines for one or one
            for none, or is of other molecules.
    """
    stayed = {}
    for path in paths:
        lines = _read(Path(path))
        present = [name for name in (NUMBER, NAME) if name in lines[0]]
        if not present:
            raise UserError(f"{path}: has no column {NUMBER} or {NAME}, which says of which molecule a line is")
        found = _numbered(path, lines, len(rows)) if NUMBER in present else _named(path, lines, rows)
        columns = [name for name in lines[0] if name not in (NUMBER, NAME)]
        filled = {name for name in columns if any(row.get(name) is not None for row in rows)}
        if kept := [name for name in columns if name in filled]:
            stayed[str(path)] = kept
        added = [name for name in columns if name not in filled]
        for place, row in enumerate(rows):
            line = found.get(place, {})
            if NUMBER in present and line.get(NAME) not in (None, "") and _bare(line[NAME]) != _bare(row["name"]):
                raise UserError(
                    f"{path}: record {place + 1} is {line[NAME]}, but {row['name']} in the check; "
                    "make the table of the molecules that were checked"
                )
            row |= {name: line.get(name) for name in added}
    return stayed


def _read(path: Path) -> list[dict[str, Any]]:
    text = pc.ConvertOptions(column_types={NAME: pa.string()}, strings_can_be_null=True)
    try:
        lines: list[dict[str, Any]] = pc.read_csv(path, convert_options=text).to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise UserError(f"{path}: cannot be read as CSV ({error})") from None
    if not lines:
        raise UserError(f"{path}: has no line")
    return lines


def _numbered(path: str | Path, lines: list[dict[str, Any]], records: int) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for line in lines:
        number = line[NUMBER]
        if not isinstance(number, int) or not 1 <= number <= records:
            raise UserError(f"{path}: {NUMBER} {number} does not exist; the check has records 1 to {records}")
        if number - 1 in found:
            raise UserError(f"{path}: has two lines for record {number}; keep one")
        found[number - 1] = line
    return found


def _named(path: str | Path, lines: list[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """By names; all records of a name get its line."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(_bare(row["name"]), []).append(place)
    found: dict[int, dict[str, Any]] = {}
    for line in lines:
        own = places.get(_bare(line[NAME]))
        if own is None:
            raise UserError(f"{path}: no record of the check is named {line[NAME]!r}")
        if own[0] in found:
            raise UserError(f"{path}: has two lines for {line[NAME]!r}; keep one, or number them in a column {NUMBER}")
        found |= dict.fromkeys(own, line)
    return found


def _bare(name: str | None) -> str:
    """A name without the apostrophe that keeps a spreadsheet from running it."""
    return (name or "").removeprefix("'")
