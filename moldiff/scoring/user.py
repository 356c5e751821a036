"""Scores from the user's own function or command, which become columns like any other."""

import importlib.util
import math
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rdkit import Chem

from moldiff.errors import UserError

COMMAND = "command:"
COMMAND_TIMEOUT = 3600.0
"""Seconds that a command may take for all molecules."""


def add_user_score(name: str, source: str, rows: Sequence[dict[str, Any]], mols: Mapping[int, Chem.Mol]) -> None:
    """Add a column to rows, null where the score has no finite number.

    Args:
        name: the column.
        source: ``FILE.py:FUNCTION``, called with a sanitized RDKit molecule (with its conformer, if it has one), to
            return a number or None; or ``command: LINE``, given a SMILES on each line of its standard input, to
            write a number, or nothing, on each line of its standard output.
        rows: rows of valid molecules, which change.
        mols: molecules as written, by index.

    Raises:
        UserError: the function or command cannot be found, fails, or gives something else.
    """
    if rows and name in rows[0]:
        raise UserError(f"score {name}: there is a column of that name; choose another")
    if source.startswith(COMMAND):
        values = _ask_command(name, source.removeprefix(COMMAND).strip(), [str(row["smiles"]) for row in rows])
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
            f"score {name}: `{source}` is no FILE.py:FUNCTION of a file that exists, and no `command: LINE`"
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


def _ask_command(name: str, line: str, smiles: Sequence[str]) -> list[float | None]:
    try:
        done = subprocess.run(
            shlex.split(line),
            input="".join(f"{text}\n" for text in smiles),
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UserError(f"score {name}: `{line}` cannot be run: {error}") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise UserError(f"score {name}: `{line}` ended with status {done.returncode}: {last[0]}")
    lines = done.stdout.split("\n")[:-1] if done.stdout.endswith("\n") else done.stdout.split("\n")
    if not smiles:
        return []
    if len(lines) != len(smiles):
        raise UserError(
            f"score {name}: `{line}` wrote {len(lines)} lines for {len(smiles)} molecules; write one for each"
        )
    try:
        return [_number(text) if text.strip() else None for text in lines]
    except ValueError as error:
        raise UserError(f"score {name}: `{line}` wrote no number: {error}") from None


def _number(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None
