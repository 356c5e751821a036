"""Lines of SMILES and tables with a SMILES column."""

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterator

from moldiff.chemistry.formats.streams import MOST_ITEMS, DamagedInput, Line
from moldiff.errors import UserError

Row = tuple[str, str, dict[str, str], str | None]
"""SMILES, name, properties, problem."""
_HEADERS = ("smiles", "canonical_smiles", "isomeric_smiles")
_NAMES = ("id", "name", "title", "compound_id", "molecule_id")
_LONGEST_FIELD = 1 << 24
_QUOTED_LINES = 200
"""Lines that a quoted value may run over."""
SMILES_WORD = re.compile(
    r"(?=.*[A-Za-z*])(?:\[[^\[\]\s]+\]|Br|Cl|[BCNOPSFIbcnops*]|[-=#$:/\\.()~]|\d|%\d\d|%\(\d+\))+$"
)
"""What a SMILES may look like; only the parser knows whether it is one."""


def read_smiles(
    lines: Iterator[Line], source: str, smiles_column: str | None = None, id_column: str | None = None
) -> Iterator[Row]:
    """Lines of a SMILES and, after white space, a name; blank lines and those that start with # are no records.

    A first line whose first word is smiles is a header: the file is then read as a table.
    """
    damage: list[str] = []
    good = _until_damage(lines, damage)
    first = next((line for line in good if line.text.strip()), None)
    if first is not None:
        words = first.text.replace(",", " ").replace(";", " ").replace('"', " ").split(None, 1)
        if words and (words[0].lower() in _HEADERS or _separator(first.text)):
            delimiter = next((mark for mark in "\t,;" if mark in first.text), " ")
            table = read_table(itertools.chain([first], good), source, smiles_column, id_column, delimiter)
            yield from table
        else:
            yield from map(_smiles_row, _records(itertools.chain([first], good)))
    for problem in damage:
        yield "", "", {}, problem


def _records(lines: Iterator[Line]) -> Iterator[Line]:
    for line in lines:
        text = line.text.strip()
        if line.problem is not None or (text and not text.startswith("#")):
            yield line


def _smiles_row(line: Line) -> Row:
    words = line.text.split(None, 1) or [""]
    rest = words[1].strip() if len(words) > 1 else ""
    if rest.startswith("|") and rest.find("|", 1) > 0:  # ChemAxon's extensions belong to the SMILES
        end = rest.find("|", 1) + 1
        return f"{words[0]} {rest[:end]}", rest[end:].strip(), {}, line.problem
    return words[0], rest, {}, line.problem


def read_table(
    lines: Iterator[Line],
    source: str,
    smiles_column: str | None = None,
    id_column: str | None = None,
    delimiter: str | None = None,
) -> Iterator[Row]:
    """Rows of a table with a header; every column becomes a property.

    Quoted values may run over lines. A quote that is opened and never closed, or whose value would swallow lines
    that are rows themselves, is a character like others, so that every row comes out.

    Raises:
        UserError: there is no SMILES column, or no column of a name that is wanted.
    """
    damage: list[str] = []
    good = _until_damage(lines, damage)
    header = next((line for line in good if line.text.strip()), None)
    if header is not None and (stated := _separator(header.text)):  # Excel's own line
        delimiter = stated
        header = next((line for line in good if line.text.strip()), None)
    if header is None:
        for reason in damage or ["no header line"]:
            yield "", "", {}, reason
        return
    if delimiter is None:
        seen = [header]
        while sum(line.text.count('"') for line in seen) % 2 and len(seen) < _QUOTED_LINES:  # a name over lines
            if (line := next(good, None)) is None:
                break
            seen.append(line)
        good = itertools.chain(seen[1:], good)
        delimiter = max("\t,;", key="".join(line.text for line in seen).count)
    if header.text.count(delimiter) >= MOST_ITEMS:
        raise UserError(f"{source}: more than {MOST_ITEMS:,} columns; keep those that you need")
    table = _Table(delimiter, good)
    names = _distinct(table.fields(header)[0])
    column, name_column = find_columns(names, smiles_column, id_column, source)
    table.expect(len(names), names.index(column))
    for row, problem in table.rows():
        if problem is None and not any(map(str.strip, row)):
            continue
        properties = dict(zip(names, row, strict=False))
        smiles = properties.get(column, "").strip()
        name = properties.get(name_column or "", "").strip()
        if problem is None and len(row) > len(names):
            problem = f"wrong number of fields: {len(row)}, and {len(names)} in the header"
        yield smiles, name, properties, problem or (None if smiles else "no SMILES in the row")
    for reason in damage:
        yield "", "", {}, reason


class _Table:
    """Rows of separated values, where a quote may be anything."""

    def __init__(self, delimiter: str, lines: Iterator[Line]) -> None:
        self._delimiter = delimiter
        self._lines = lines
        self._ahead: deque[Line] = deque()
        self._width = 0
        self._smiles = 0
        csv.field_size_limit(_LONGEST_FIELD)

    def expect(self, width: int, smiles: int) -> None:
        """State how many columns there are, and the place of the one that holds SMILES."""
        self._width, self._smiles = width, smiles

    def rows(self) -> Iterator[tuple[list[str], str | None]]:
        """Fields and problem of each row that is left."""
        while (line := self._next()) is not None:
            yield self.fields(line)

    def fields(self, line: Line) -> tuple[list[str], str | None]:
        """Fields and problem of the row that begins with a line; takes further lines that its quotes hold."""
        text = line.text.rstrip("\n")
        if line.problem is not None:
            return [text], line.problem
        if (count := text.count(self._delimiter)) >= max(MOST_ITEMS, 10 * self._width) and '"' not in text:
            return [text[:1000]], f"wrong number of fields: {count + 1:,}"
        plain = text.split(self._delimiter)
        if '"' not in text:
            return plain, None
        row: list[str] | None = None
        try:
            row = self._parsed(text)
            if self._width in (0, len(row)) or (self._delimiter in ",;" and len(row) < self._width):
                return row, None
        except csv.Error as error:
            row = self._continued(text) if "unexpected end of data" in str(error) else None
            if row:
                return row, None
        if len(plain) == self._width:
            return plain, None  # quotes that mean nothing, as in tables that have no quoting
        if not row:
            row = next(csv.reader([text], delimiter=self._delimiter), [])
        return row, "wrong number of fields: a quote is opened and not closed" if len(row) < self._width else None

    def _parsed(self, text: str) -> list[str]:
        return next(csv.reader([text], delimiter=self._delimiter, strict=True), [])

    def _continued(self, text: str) -> list[str] | None:
        """The row that a line with an open quote begins, if the lines that follow close it and are no rows."""
        taken: list[Line] = []
        row = None
        complete = self._is_row(text)
        while row is None and len(taken) < _QUOTED_LINES and (line := self._next()) is not None:
            taken.append(line)
            quotes = '"' in line.text
            if line.problem is not None or len(text) > _LONGEST_FIELD:
                break
            if (complete or not quotes) and self._is_row(line.text):
                break
            text += "\n" + line.text.rstrip("\n")
            if not quotes:
                continue
            try:
                row = self._parsed(text)
            except csv.Error as error:
                if "unexpected end of data" not in str(error):
                    break
        if row is None or len(row) != (self._width or len(row)):
            self._ahead.extendleft(reversed(taken))
            return None
        return row

    def _is_row(self, text: str) -> bool:
        """Whether a line is a row by itself: as many fields as columns, with what looks like a SMILES in its place."""
        text = text.rstrip("\n")
        readings = [text.split(self._delimiter)]
        if '"' in text:
            try:
                readings.append(self._parsed(text))
            except csv.Error:
                pass
        return any(len(fields) == self._width and _like_smiles(fields[self._smiles]) for fields in readings)

    def _next(self) -> Line | None:
        return self._ahead.popleft() if self._ahead else next(self._lines, None)


def _like_smiles(field: str) -> bool:
    """Whether a field, plain or between two quotes, may be a SMILES; one quote alone is the end of a value."""
    field = field.strip()
    if len(field) > 1 and field[0] == field[-1] == '"':
        field = field[1:-1]
    return SMILES_WORD.match(field) is not None


def _separator(line: str) -> str:
    """The separator that Excel's line ``sep=;`` states, or ""."""
    match = re.fullmatch(r'"?sep=(.)"?\s*', line, re.IGNORECASE)
    return match[1] if match else ""


def find_columns(
    names: list[str], smiles_column: str | None, id_column: str | None, source: str
) -> tuple[str, str | None]:
    """The column that holds SMILES, and the one that names a molecule, if there is one.

    Without a wish it is the column named smiles, or the only one with smiles in its name.

    Raises:
        UserError: there is no SMILES column, or no column of a name that is wanted.
    """
    column = _find(names, smiles_column, source)
    if id_column is not None and id_column not in names:
        raise UserError(f"{source}: no column {id_column} for id_column; its columns are {', '.join(names)}")
    return column, id_column if id_column is not None else _first(names, _NAMES)


def _until_damage(lines: Iterator[Line], damage: list[str]) -> Iterator[Line]:
    """The lines before the damage, whose description is appended to ``damage``."""
    try:
        yield from lines
    except DamagedInput as error:
        damage.append(str(error))


def _distinct(names: list[str]) -> list[str]:
    """Column names, stripped, filled where empty and numbered where they come again."""
    given = {name.strip() for name in names}
    result: list[str] = []
    for place, name in enumerate(names, start=1):
        name = name.strip().replace("\n", " ") or f"column_{place}"
        again = (
            name
            if name not in result
            else next(
                new for number in itertools.count(2) if (new := f"{name}_{number}") not in result and new not in given
            )
        )
        result.append(again)
    return result


def _find(names: list[str], wanted: str | None, source: str) -> str:
    if wanted is not None and wanted in names:
        return wanted
    column = _first(names, (wanted.lower(),) if wanted is not None else _HEADERS)
    if column is None and wanted is None:
        similar = [name for name in names if "smiles" in name.lower()]
        column = similar[0] if len(similar) == 1 else None
    if column is None:
        raise UserError(
            f"{source}: no column {wanted or 'smiles'}; its columns are {', '.join(names)[:500]}; "
            "name the one that holds SMILES with --smiles-column (smiles_column)"
        )
    return column


def _first(names: list[str], wanted: tuple[str, ...]) -> str | None:
    return next((name for word in wanted for name in names if name.lower() == word), None)
