"""Records of molecule files: SDF, SMILES, CSV, TSV and XYZ, plain or gzip, and Parquet, none of them ever lost."""

import glob
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from moldiff.chemistry.formats.parquet import read_parquet
from moldiff.chemistry.formats.qm9 import PREFIX, read_pyg_qm9
from moldiff.chemistry.formats.sdf import data_items, split_sdf
from moldiff.chemistry.formats.signatures import kind_of
from moldiff.chemistry.formats.streams import MOST_ITEMS, DamagedInput, read_lines, read_text
from moldiff.chemistry.formats.tables import read_smiles, read_table
from moldiff.chemistry.formats.xyz import read_xyz
from moldiff.errors import UserError

Kind = Literal["sdf", "smiles", "xyz"]

LONGEST_NAME = 1000
"""Characters of a name that are kept."""
_COUNTED = 1 << 26
"""Bytes of files whose records are counted before the work, which takes a second."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as text: an SDF record, a SMILES string or an XYZ frame."""

    source: str
    """The file as it was named, or - for standard input."""
    index: int
    """Place in its source, from 1."""
    text: str
    kind: Kind
    name: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    problem: str | None = None
    """Why the record cannot be read, if that shows before its chemistry is looked at."""

    @property
    def weight(self) -> int:
        """Characters that it holds."""
        return len(self.text) + sum(map(len, self.properties.values()))


def expand_inputs(patterns: Iterable[str]) -> list[Path]:
    """Files that match the paths and globs, those of a glob sorted, in the order given, none twice.

    Raises:
        UserError: nothing given, or a pattern that matches no file.
    """
    paths: dict[Path, None] = {}
    patterns = list(patterns)
    if not patterns:
        raise UserError("no input named; give files or globs of SDF, SMILES, CSV, TSV or XYZ")
    for pattern in patterns:
        path = Path(pattern)
        if path.is_file() or pattern == "-":
            matches = [path]
        elif path.is_dir():
            raise UserError(
                f"{pattern}: is a folder; name the files in it, for example '{pattern.rstrip('/')}/*.sdf.gz'"
            )
        else:
            matches = [Path(match) for match in sorted(glob.glob(pattern, recursive=True)) if Path(match).is_file()]
        if not matches:
            raise UserError(f"{pattern}: no such file; check the path (a relative one starts at {Path.cwd()})")
        paths.update(dict.fromkeys(matches))
    return list(paths)


def read_records(
    paths_or_globs: Iterable[str | Path],
    *,
    smiles_column: str | None = None,
    id_column: str | None = None,
    on_bytes: Callable[[int], object] | None = None,
) -> Iterator[Record]:
    """Stream the records of files; every record comes out, an unreadable one with its ``problem``.

    Args:
        paths_or_globs: files or globs; ``-`` is standard input; ``pyg-qm9:FOLDER`` is torch-geometric's QM9.
        smiles_column: column of a table that holds SMILES; by default one named smiles, in any case, or the
            only one with smiles in its name.
        id_column: column or data item that names a molecule; by default the title, or a column named id or name.
        on_bytes: called with the number of bytes read from the files so far, for a progress bar.

    Raises:
        UserError: a file that is missing, empty, not readable, or a table without a SMILES column.
    """
    for given in map(str, paths_or_globs):
        if given.startswith(PREFIX):
            for number, (text, properties, problem) in enumerate(
                read_pyg_qm9(Path(given.removeprefix(PREFIX)), on_bytes), start=1
            ):
                yield Record(given, number, text, "sdf", _title(text), properties, problem)
            continue
        for path in expand_inputs([given]):
            records = _read_file(str(path), smiles_column, id_column, on_bytes)
            for number, record in enumerate(records, start=1):
                name = record.name
                if id_column is not None and record.properties.get(id_column):
                    name = record.properties[id_column]
                yield replace(record, index=number, name=name[:LONGEST_NAME])


def count_records(
    inputs: Iterable[str], *, smiles_column: str | None = None, id_column: str | None = None
) -> int | None:
    """How many records the inputs hold, for the time left; None where to count them would take long or cannot be.

    Raises:
        UserError: see `read_records`.
    """
    inputs = list(inputs)
    paths = [Path(name) for name in inputs]
    if not all(path.is_file() for path in paths) or sum(path.stat().st_size for path in paths) > _COUNTED:
        return None
    return sum(1 for _ in read_records(inputs, smiles_column=smiles_column, id_column=id_column))


def _read_file(
    source: str, smiles_column: str | None, id_column: str | None, on_bytes: Callable[[int], object] | None
) -> Iterator[Record]:
    path = None if source == "-" else Path(source)
    if path is not None and path.suffix.lower() == ".parquet":
        for smiles, name, properties, problem in read_parquet(path, smiles_column, id_column):
            yield Record(source, 0, smiles, "smiles", name, properties, problem)
        return
    head, chunks = _peek(read_text(path, on_bytes), source)
    kind = kind_of(path, head)
    if kind == "sdf":
        for text, problem in split_sdf(chunks):
            many = text.count("\n>") > MOST_ITEMS
            problem = problem or (f"more than {MOST_ITEMS:,} data items" if many else None)
            yield Record(source, 0, text, "sdf", _title(text), {} if many else data_items(text), problem)
    elif kind == "xyz":
        for text, name, properties, problem in read_xyz(read_lines(chunks)):
            yield Record(source, 0, text, "xyz", name, properties, problem)
    else:
        lines = read_lines(chunks)
        read = read_table if kind == "table" else read_smiles
        for smiles, name, properties, problem in read(lines, source, smiles_column, id_column):
            yield Record(source, 0, smiles, "smiles", name, properties, problem)


def _peek(chunks: Iterator[bytes], source: str) -> tuple[bytes, Iterator[bytes]]:
    """The first piece and the stream from its beginning; damage before the first piece stays in the stream."""
    try:
        head = next(chunks, b"")
    except DamagedInput as damage:
        return b"", _damaged(damage)
    if not head:
        raise UserError(f"{source}: holds no text; give a file that holds molecules")
    return head, itertools.chain([head], chunks)


def _damaged(damage: DamagedInput) -> Iterator[bytes]:
    yield from ()
    raise damage


def _title(text: str) -> str:
    return text.partition("\n")[0].strip()
