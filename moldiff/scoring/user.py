"""Scores from the user's own function or command, which become columns like any other."""

import importlib.util
import math
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rdkit import Chem

from moldiff.chemistry.formats.writing import molecule_block
from moldiff.chemistry.hydrogens import with_hydrogens
from moldiff.chemistry.parsing import has_coordinates
from moldiff.errors import UserError

COMMAND = "command:"
COMMAND_SDF = "command-sdf:"
SDF_FILE = "{sdf}"
"""In the line of a command: the path of a file with the molecules, for programs that do not read standard input."""
COMMAND_TIMEOUT = 3600.0
"""Seconds that a command may take for all molecules."""


def add_user_score(name: str, source: str, rows: Sequence[dict[str, Any]], mols: Mapping[int, Chem.Mol]) -> None:
    """Add a column to rows, null where the score has no finite number.

    Args:
        name: the column.
        source: ``FILE.py:FUNCTION``, called with a sanitized RDKit molecule (with its conformer, if it has one), to
            return a number or None; or ``command: LINE``, given a SMILES on each line of its standard input, to
            write a number, or nothing, on each line of its standard output; or ``command-sdf: LINE``, given the
            molecules with coordinates as SDF, all hydrogens placed, on its standard input or in the file that
            stands for ``{sdf}``, to write the same. Molecules without 3D coordinates get null.
        rows: rows of valid molecules, which change.
        mols: molecules as written, by index.

    Raises:
        UserError: the function or command cannot be found, fails, or gives something else.
    """
    if rows and name in rows[0]:
        raise UserError(f"score {name}: there is a column of that name; choose another")
    if source.startswith(COMMAND):
        smiles = "".join(f"{row['smiles']}\n" for row in rows)
        values = _ask_command(name, _words(name, source.removeprefix(COMMAND)), smiles, len(rows))
    elif source.startswith(COMMAND_SDF):
        values = _ask_with_sdf(name, source.removeprefix(COMMAND_SDF).strip(), rows, mols)
    else:
        function = _load(name, source)
        values = [_ask_function(name, function, row, mols[row["index"]]) for row in rows]
    for row, value in zip(rows, values, strict=True):
        row[name] = value


def _load(name: str, source: str) -> Callable[[Chem.Mol], Any]:
    file, _, attribute = source.rpartition(":")
    path = Path(file)
    if not file or path.suffix != ".py" or not path.is_file():
        raise UserError(
            f"score {name}: `{source}` is no FILE.py:FUNCTION of a file that exists, no `command: LINE` and no "
            "`command-sdf: LINE`"
        )
    spec = importlib.util.spec_from_file_location(f"moldiff_user_score_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"score {name}: {path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the user's own code: whatever it raises is theirs to mend
        raise UserError(f"score {name}: {path} fails when loaded: {type(error).__name__}: {error}") from error
    function = getattr(module, attribute, None)
    if not callable(function):
        raise UserError(f"score {name}: {path} has no function {attribute}")
    return function


def _ask_function(
    name: str, function: Callable[[Chem.Mol], Any], row: Mapping[str, Any], written: Chem.Mol
) -> float | None:
    mol = Chem.Mol(written)
    Chem.SanitizeMol(mol)
    try:
        return _number(function(mol))
    except Exception as error:  # the user's own code
        raise UserError(
            f"score {name}: fails on record {row['index']} ({row['smiles']}): {type(error).__name__}: {error}"
        ) from error


def _ask_with_sdf(
    name: str, line: str, rows: Sequence[Mapping[str, Any]], mols: Mapping[int, Chem.Mol]
) -> list[float | None]:
    placed = [place for place, row in enumerate(rows) if has_coordinates(mols[row["index"]])]
    blocks = []
    for place in placed:
        mol = Chem.Mol(mols[rows[place]["index"]])
        Chem.SanitizeMol(mol)
        blocks.append(molecule_block(with_hydrogens(mol), {"index": rows[place]["index"]}))
    text = "".join(blocks)
    words = _words(name, line)
    with tempfile.TemporaryDirectory(prefix="moldiff-") as folder:
        path = Path(folder) / "molecules.sdf"
        path.write_text(text, encoding="utf-8")
        words = [word.replace(SDF_FILE, str(path)) for word in words]
        found = _ask_command(name, words, text, len(placed))
    values: list[float | None] = [None] * len(rows)
    for place, value in zip(placed, found, strict=True):
        values[place] = value
    return values


def _words(name: str, line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UserError(f"score {name}: `{line.strip()}` cannot be run: {error}") from None
    if not words:
        raise UserError(f"score {name}: the command is empty")
    return words


def _ask_command(name: str, words: Sequence[str], text: str, count: int) -> list[float | None]:
    """The numbers that a command writes, one on each line for each of ``count`` molecules."""
    if not count:
        return []
    line = shlex.join(words)
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=COMMAND_TIMEOUT, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UserError(f"score {name}: `{line}` cannot be run: {error}") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise UserError(f"score {name}: `{line}` ended with status {done.returncode}: {last[0]}")
    lines = done.stdout.split("\n")[:-1] if done.stdout.endswith("\n") else done.stdout.split("\n")
    if len(lines) != count:
        raise UserError(f"score {name}: `{line}` wrote {len(lines)} lines for {count} molecules; write one for each")
    try:
        return [_number(value) if value.strip() else None for value in lines]
    except ValueError as error:
        raise UserError(f"score {name}: `{line}` wrote no number: {error}") from None


def _number(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None
