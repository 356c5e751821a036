"""The table of all molecules, as data for the programs of the page: columns of the rows, and packed structures."""

import base64
import gzip
import json
import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rdkit import Chem

from moldiff.chemistry.formats.records import Record
from moldiff.reporting.evidence import Evidence
from moldiff.reporting.figures import plain
from moldiff.reporting.structures import COLUMNS as ARRAYS
from moldiff.reporting.structures import HIDDEN, Query, Structures
from moldiff.scoring.columns import ROW_COLUMNS

DIGITS = 5
"""Significant digits of the numbers on the page."""
LONGEST = 400
"""Characters of a cell."""
_LISTS = frozenset(
    "functional_groups alerts group_flags topology_flags pb_failed sanity_failed posebusters_failed reasons "
    "ring_systems new_ring_systems".split()
)
"""Columns that hold several names, separated by semicolons."""
_LEFT_OUT = frozenset({"key", "inchikey_block", "record"})
_FIRST = (
    "name smiles valid novel pb_valid reasonable qed sa logp mw heavy_atoms strain_energy alerts functional_groups"
).split()
"""Columns that are shown at first, in this order; the others can be switched on."""
_TITLES = {
    "index": "number", "smiles": "SMILES", "qed": "QED", "sa": "SA", "logp": "logP", "tpsa": "TPSA", "mw": "MW",
    "hbd": "HBD", "hba": "HBA", "fsp3": "Fsp3", "pb_valid": "PB-valid", "pb_failed": "PB tests failed",
    "heavy_atoms": "heavy atoms", "strain_energy": "strain", "pains": "PAINS", "brenk": "Brenk", "glaxo": "Glaxo",
    "valid_strict": "strictly valid", "group_flags": "flagged groups", "topology_flags": "flagged topology",
    "posebusters": "PoseBusters", "nearest_train": "similarity to training",
    "nearest_train_smiles": "nearest in training",
}  # fmt: skip
# Middle tones in the custom of the field; what is not listed is pink.
COLOURS = {
    1: "#c9ced6", 5: "#e0a08c", 6: "#7d8590", 7: "#4a7bf0", 8: "#e5484d", 9: "#4cb38a", 14: "#d6b48a", 15: "#ef8e3b",
    16: "#d9ad1c", 17: "#3fa556", 35: "#b0653a", 53: "#9254c8",
}  # fmt: skip
OTHER = "#e06fb5"


@dataclass(frozen=True)
class Column:
    """A column of the table: one value a molecule, None where there is none."""

    name: str
    title: str
    kind: str
    """number, text, boolean, or list (names separated by semicolons)."""
    meaning: str
    shown: bool
    values: Sequence[float | str | bool | None]


@dataclass(frozen=True)
class Table:
    """What the page is given: data as base64 of gzip, and words about what was left out."""

    count: int
    total: int
    columns: str
    structures: str
    left_out: Sequence[str]


def columns_of(evidence: Evidence, positions: Sequence[int]) -> list[Column]:
    """The columns of some rows that hold anything, those that are shown at first before the others."""
    rows = evidence.rows.iloc[list(positions)]
    declared = {column.name: column for column in ROW_COLUMNS}
    names = [name for name in declared if name in rows.columns and name not in _LEFT_OUT]
    columns = []
    for name in sorted(names, key=lambda name: (name not in _FIRST, _FIRST.index(name) if name in _FIRST else 0)):
        column = declared[name]
        kind = {"text": "text", "truth": "boolean", "boolean": "boolean"}.get(column.kind, "number")
        kind = "list" if name in _LISTS else kind
        values = [_value(value, kind) for value in rows[name].tolist()]
        constant = name in ("source", "bonds", "coordinates", "readable") and len(set(values)) < 2
        if constant or all(value is None or value == "" for value in values):
            continue
        title = _TITLES.get(name, name.replace("_", " "))
        shown = name in _FIRST and not (name == "valid" and all(values))
        columns.append(Column(name, title, kind, column.meaning, shown, values))
    return columns


def queries(evidence: Evidence, positions: Sequence[int], records: Iterable[tuple[int, Record]]) -> Iterator[Query]:
    """What structures are made of, for the rows at ``positions``: their records, and SMILES where there is none."""
    place_of = {position: place for place, position in enumerate(positions)}
    remaining = dict(place_of)
    for position, record in records:
        if position in remaining:
            yield Query(remaining.pop(position), record, evidence.text(position, "smiles"))
    for position, place in remaining.items():
        if smiles := evidence.text(position, "smiles"):
            yield Query(place, None, smiles)


def table(columns: Sequence[Column], packed: Structures, total: int) -> Table:
    """The data of the page.

    Args:
        columns: of the molecules that are in the table.
        packed: their structures.
        total: records of the check, of which the table may hold a part.
    """
    count = len(packed.arrays["atoms"])
    words = []
    if count < total:
        rest = f"{plain(total - count)} of {plain(total)} records are not on this page (option molecules)"
        words.append(f"{rest}; all are in the check's rows.csv and rows.parquet.")
    if packed.flat_only:
        words.append(f"{plain(packed.flat_only)} molecules have no positions in space and are shown in two dimensions.")
    words += [
        f"Molecules without a structure on this page: {plain(n)}, {reason}."
        for reason, n in sorted(packed.missing.items())
    ]
    return Table(
        count,
        total,
        _compressed(json.dumps([asdict(c) for c in columns], separators=(",", ":"), allow_nan=False).encode()),
        _compressed(_blob(packed)),
        words,
    )


def _value(value: Any, kind: str) -> float | str | bool | None:
    if value is None or value != value or value is np.ma.masked:  # NaN differs from itself
        return None
    if kind == "boolean":
        return value in (True, "True", "true")
    if kind == "number":
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None
        if not math.isfinite(number):
            return None
        return int(number) if number == int(number) else float(f"{number:.{DIGITS}g}")
    return str(value)[:LONGEST]


def _compressed(data: bytes) -> str:
    """Base64 of gzip, the same for the same data."""
    return base64.b64encode(gzip.compress(data, compresslevel=6, mtime=0)).decode("ascii")


def _blob(packed: Structures) -> bytes:
    """Four bytes of length, a header in JSON, then the arrays, little-endian, each at a multiple of 8."""
    table = Chem.GetPeriodicTable()
    header: Mapping[str, Any] = {
        "hidden": HIDDEN,
        "elements": {
            str(z): [table.GetElementSymbol(z), COLOURS.get(z, OTHER), round(table.GetRcovalent(z), 2)]
            for z in packed.elements
        },
        "arrays": [[name, np.dtype(kind).name, len(packed.arrays[name])] for name, kind in ARRAYS.items()],
    }
    written = json.dumps(header, separators=(",", ":")).encode("ascii")
    parts = [struct.pack("<I", len(written)), written]
    size = sum(map(len, parts))
    for name, kind in ARRAYS.items():
        data = packed.arrays[name].astype(np.dtype(kind).newbyteorder("<")).tobytes()
        parts += [bytes(-size % 8), data]
        size += -size % 8 + len(data)
    return b"".join(parts)
