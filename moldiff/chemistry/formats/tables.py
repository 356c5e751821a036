"""Lines of SMILES and tables with a SMILES column."""

import csv
import itertools
from collections import Counter
from collections.abc import Iterator

from moldiff.chemistry.formats.streams import DamagedInput
from moldiff.errors import UserError

Row = tuple[str, str, dict[str, str], str | None]
"""SMILES, name, properties, problem."""
_HEADERS = ("smiles", "canonical_smiles", "isomeric_smiles")
_NAMES = ("id", "name", "title", "compound_id", "molecule_id")
_LONGEST_FIELD = 1 << 24


def read_smiles(
    lines: Iterator[str], source: str, smiles_column: str | None = None, id_column: str | None = None
) -> Iterator[Row]:
    """Lines of a SMILES and, after white space, a name; blank lines and those that start with # are no records.

    A first line whose first word is smiles is a header: the file is then read as a table.
    """
    damage: list[str] = []
    good = _until_damage(lines, damage)
    first = next((line for line in good if line.strip()), None)
    if first is not None:
        words = first.lstrip("\ufeff").replace(",", " ").replace(";", " ").split()
        if words and words[0].lower() in _HEADERS:
            delimiter = next((mark for mark in "\t,;" if mark in first), " ")
            yield from read_table(itertools.chain([first], lines), source, smiles_column, id_column, delimiter)
            return
        for line in itertools.chain([first.lstrip("\ufeff")], good):
            words = line.split(None, 1)
            if not words or words[0].startswith("#"):
                continue
            rest = words[1].strip() if len(words) > 1 else ""
            if rest.startswith("|") and rest.find("|", 1) > 0:  # ChemAxon's extensions belong to the SMILES
                end = rest.find("|", 1) + 1
                yield f"{words[0]} {rest[:end]}", rest[end:].strip(), {}, None
            else:
                yield words[0], rest, {}, None
    for problem in damage:
        yield "", "", {}, problem


def read_table(
    lines: Iterator[str],
    source: str,
    smiles_column: str | None = None,
    id_column: str | None = None,
    delimiter: str | None = None,
) -> Iterator[Row]:
    """Rows of a table with a header; every column becomes a property.

    Raises:
        UserError: there is no SMILES column, or no column of a name that is wanted.
    """
    damage: list[str] = []
    good = _until_damage(lines, damage)
    header = next((line for line in good if line.strip()), None)
    if header is None:
        for problem in damage or ["no header line"]:
            yield "", "", {}, problem
        return
    header = header.lstrip("\ufeff")
    if delimiter is None:
        delimiter = max("\t,;", key=header.count)
    csv.field_size_limit(_LONGEST_FIELD)
    names = _distinct(next(csv.reader([header], delimiter=delimiter)))
    column, name_column = find_columns(names, smiles_column, id_column, source)
    rows = csv.reader(good, delimiter=delimiter)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield "", "", {}, f"unreadable row: {error}"
            continue
        if row is None:
            break
        if not any(row):
            continue
        properties = dict(zip(names, row, strict=False))
        smiles = properties.get(column, "").strip()
        name = properties.get(name_column, "").strip() if name_column is not None else ""
        if len(row) > len(names):
            yield smiles, name, properties, f"wrong number of fields: {len(row)}, and {len(names)} in the header"
        else:
            yield smiles, name, properties, None if smiles else "no SMILES in the row"
    for problem in damage:
        yield "", "", {}, problem


def find_columns(
    names: list[str], smiles_column: str | None, id_column: str | None, source: str
) -> tuple[str, str | None]:
    """The column that holds SMILES, and the one that names a molecule, if there is one.

    Raises:
        UserError: there is no SMILES column, or no column of a name that is wanted.
    """
    column = _find(names, smiles_column, _HEADERS, source)
    if id_column is not None and id_column not in names:
        raise UserError(f"{source}: no column {id_column} for id_column; its columns are {', '.join(names)}")
    return column, id_column if id_column is not None else _first(names, _NAMES)


def _until_damage(lines: Iterator[str], damage: list[str]) -> Iterator[str]:
    """The lines before the damage, whose description is appended to ``damage``."""
    try:
        yield from lines
    except DamagedInput as error:
        damage.append(str(error))


def _distinct(names: list[str]) -> list[str]:
    """Column names, stripped, filled where empty and numbered where they come again."""
    seen: Counter[str] = Counter()
    result = []
    for place, name in enumerate(names, start=1):
        name = name.strip() or f"column_{place}"
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return result


def _find(names: list[str], wanted: str | None, default: tuple[str, ...], source: str) -> str:
    if wanted is not None and wanted in names:
        return wanted
    found = _first(names, (wanted.lower(),) if wanted is not None else default)
    if found is None:
        raise UserError(
            f"{source}: no column {wanted or 'smiles'}; its columns are {', '.join(names)}; "
            "name the one that holds SMILES with smiles_column"
        )
    return found


def _first(names: list[str], wanted: tuple[str, ...]) -> str | None:
    return next((name for word in wanted for name in names if name.lower() == word), None)
