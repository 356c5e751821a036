"""JSON records of the files of a stage, with checksums by which the next stage verifies that none is cut or changed.

A record also holds the checksum of itself. Records without checksums, as others or older versions write them, are read
as they are.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from moldiff.errors import UserError
from moldiff.files.atomic import sha256, write_text

FILES = "sha256"
"""Key of the checksums by file name; the files lie in the record's folder."""
ITSELF = "record_sha256"
"""Key of the checksum of all else in the record."""


def write_record(path: Path, content: Mapping[str, Any], files: Iterable[Path] = ()) -> dict[str, Any]:
    """Write a record atomically, after the files that it describes; returns it with its checksums.

    Raises:
        UserError: it cannot be written.
    """
    record = dict(content)
    if checksums := {file.name: sha256(file) for file in files}:
        record[FILES] = checksums
    record[ITSELF] = _digest(record)
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return record


def read_record(path: Path, remedy: str, *, verify: bool = True) -> dict[str, Any]:
    """A record as it was written; with ``verify`` also the files that it describes are those it was written for.

    Args:
        path: the JSON file.
        remedy: what the user can do where it is damaged, for the message.
        verify: read all files and compare their checksums.

    Raises:
        UserError: the record or a file is missing, unreadable or not what was written.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {remedy}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read ({error}); {remedy}") from None
    if not isinstance(record, dict):
        raise UserError(f"{path}: holds no JSON object; {remedy}")
    check_record(path, record, remedy)
    if verify:
        check_files(path.parent, record, remedy)
    return record


def check_record(path: Path, record: Mapping[str, Any], remedy: str) -> None:
    """Compare a record with its own checksum.

    Raises:
        UserError: it is another.
    """
    if ITSELF in record and record[ITSELF] != _digest(record):
        raise UserError(f"{path}: was changed after it was written; {remedy}")


def check_files(folder: Path, record: Mapping[str, Any], remedy: str, *, may_miss: bool = False) -> None:
    """Compare the files that a record describes with their checksums.

    Args:
        folder: where they are.
        record: the content of the record.
        remedy: what the user can do, for the message.
        may_miss: a file that is not there any more is not an error.

    Raises:
        UserError: one is missing, unreadable or another.
    """
    checksums = record.get(FILES)
    for name, expected in checksums.items() if isinstance(checksums, dict) else ():
        if name in ("", ".", "..") or "/" in name or os.sep in name or "\0" in name:
            raise UserError(f"{folder}: its record names a file outside of it ({name[:60]!r}); {remedy}")
        path = folder / name
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: is not a regular file; {remedy}")
        if may_miss and not path.exists():
            continue
        try:
            actual = sha256(path)
        except OSError as error:
            raise UserError(f"{path}: is missing or cannot be read ({error.strerror}); {remedy}") from None
        if actual != expected:
            raise UserError(f"{path}: was changed after it was written, or is incomplete; {remedy}")


def record_of(molecules: Path) -> Path:
    """The record beside an SDF file: samples.sdf.gz has samples.json."""
    return molecules.with_name(molecules.name.removesuffix(".gz").removesuffix(".sdf") + ".json")


def _digest(record: Mapping[str, Any]) -> str:
    content = {name: value for name, value in record.items() if name != ITSELF}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
