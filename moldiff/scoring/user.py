"""Scores from the user's own function or command, which become columns like any other.

The code is the user's own and trusted as such; but it may hang, leave or crash, and none of that may take the ranking
along or let it pass for done. A function works in a process of its own, with a limit for each molecule.
"""

import importlib.util
import math
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

from rdkit import Chem

from moldiff.chemistry.formats.writing import molecule_block
from moldiff.chemistry.hydrogens import with_hydrogens
from moldiff.chemistry.parsing import has_coordinates
from moldiff.errors import UserError
from moldiff.parallel import Lost, run_all
from moldiff.parallel.limits import limit_memory, machine_memory
from moldiff.progress import Progress

COMMAND = "command:"
COMMAND_SDF = "command-sdf:"
SDF_FILE = "{sdf}"
"""In the line of a command: the path of a file with the molecules, for programs that do not read standard input."""
TIMEOUT = 60.0
"""Seconds that a score may take for a molecule; a command has that for each."""
LONGEST_LINE = 1000
"""Characters on average that a command may write for a molecule."""

_Answer = float | str | None
"""A number, no number, or the mistake in words."""


def add_user_score(
    name: str, source: str, rows: Sequence[dict[str, Any]], mols: Mapping[int, Chem.Mol], *, timeout: float = TIMEOUT
) -> None:
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
        timeout: seconds for a molecule; a command, which is given all at once, has that for each.

    Raises:
        UserError: the function or command cannot be found, fails, hangs, leaves, or gives something else.
    """
    if rows and name in rows[0]:
        raise UserError(f"score {name}: there is a column of that name; choose another")
    if source.startswith(COMMAND):
        smiles = "".join(f"{row['smiles']}\n" for row in rows)
        values = _ask_command(name, _words(name, source.removeprefix(COMMAND)), smiles, len(rows), timeout)
    elif source.startswith(COMMAND_SDF):
        values = _ask_with_sdf(name, source.removeprefix(COMMAND_SDF), rows, mols, timeout)
    else:
        values = _ask_function(name, source, rows, mols, timeout)
    for row, value in zip(rows, values, strict=True):
        row[name] = value


def _ask_function(
    name: str, source: str, rows: Sequence[Mapping[str, Any]], mols: Mapping[int, Chem.Mol], timeout: float
) -> list[float | None]:
    file, _, _ = source.rpartition(":")
    if not file or Path(file).suffix != ".py" or not Path(file).is_file():
        raise UserError(
            f"score {name}: `{source}` is neither FILE.py:FUNCTION of a file that exists nor `command: LINE` nor "
            "`command-sdf: LINE`"
        )
    kept = int(Chem.PropertyPickleOptions.AllProps | Chem.PropertyPickleOptions.CoordsAsDouble)
    # the first item is none: loading the file is the user's code as well
    items: list[bytes | None] = [None, *(mols[row["index"]].ToBinary(kept) for row in rows)]
    places = [source, *(f"record {row['index']} ({row['smiles']})" for row in rows)]
    values: list[float | None] = []
    work = partial(_answer, source)
    with Progress(f"score {name}", "molecules", len(rows)) as progress:
        for piece in run_all(work, list, items, workers=1, chunk=1, timeout=timeout, memory=machine_memory()):
            for answer in [piece] if isinstance(piece, Lost) else piece:
                if isinstance(answer, Lost | str):
                    reason = answer.reason if isinstance(answer, Lost) else answer
                    raise UserError(f"score {name}: fails on {places[len(values)]}: {reason}")
                values.append(answer)
                progress.update(int(len(values) > 1))
    return values[1:]


def _answer(source: str, item: bytes | None) -> _Answer:
    """In the process of its own: the function's number for a molecule, or what is wrong with it."""
    try:
        function = _load(source)
        if item is None:
            return None
        mol = Chem.Mol(item)
        Chem.SanitizeMol(mol)
        return _number(function(mol))
    except SystemExit as error:
        return f"it calls sys.exit({error.code if error.code is not None else ''}); return a number or None"
    except MemoryError:
        return "it takes more memory than there is"
    except Exception as error:  # the user's own code: whatever it raises is theirs to fix
        return f"{type(error).__name__}: {str(error)[:500]}"


@cache
def _load(source: str) -> Callable[[Chem.Mol], Any]:
    file, _, attribute = source.rpartition(":")
    path = Path(file)
    spec = importlib.util.spec_from_file_location(f"moldiff_user_score_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, attribute, None)
    if not callable(function):
        raise AttributeError(f"{path} has no function {attribute}")
    return function


def _ask_with_sdf(
    name: str, line: str, rows: Sequence[Mapping[str, Any]], mols: Mapping[int, Chem.Mol], timeout: float
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
        answers = _ask_command(name, words, text, len(placed), timeout)
    values: list[float | None] = [None] * len(rows)
    for place, value in zip(placed, answers, strict=True):
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


def _ask_command(name: str, words: Sequence[str], text: str, count: int, timeout: float) -> list[float | None]:
    """The numbers that a command writes, one on each line for each of ``count`` molecules."""
    if not count:
        return []
    line = shlex.join(words)
    with Progress(f"score {name}", "molecules", count) as progress:
        limit, seconds = LONGEST_LINE * (count + 1), timeout * (count + 1)
        status, output, errors = _run(name, line, words, text, limit, seconds, progress)
    if status:
        last = errors.strip().splitlines()[-1:] or ["no message"]
        raise UserError(f"score {name}: `{line}` ended with status {status}: {last[0][:500]}")
    lines = output.split("\n")[:-1] if output.endswith("\n") else output.split("\n")
    if len(lines) != count:
        raise UserError(f"score {name}: `{line}` wrote {len(lines)} lines for {count} molecules; write one for each")
    try:
        return [_number(value) if value.strip() else None for value in lines]
    except ValueError as error:
        raise UserError(f"score {name}: `{line}` wrote no number: {str(error)[:200]}") from None


def _run(
    name: str, line: str, words: Sequence[str], given: str, limit: int, seconds: float, progress: Progress
) -> tuple[int, str, str]:
    """Status, output and errors of a command that may neither hang nor write without end; its children go with it."""
    with tempfile.TemporaryFile() as source:
        source.write(given.encode())
        source.seek(0)
        try:
            process = subprocess.Popen(
                words, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise UserError(f"score {name}: `{line}` cannot be run: {error}") from None
        limit_memory(machine_memory(), process.pid)
        output, errors = _Reader(process.stdout, limit), _Reader(process.stderr, limit, last=True)
        try:
            end, counted, running = time.monotonic() + seconds, 0, True
            while running and time.monotonic() < end:
                output.thread.join(min(1.0, seconds))
                running = output.thread.is_alive()
                lines = output.lines()
                progress.update(lines - counted)
                counted = lines
            if output.thread.is_alive():
                raise UserError(f"score {name}: `{line}` did not end in {seconds:g} s; raise the time-out, or fix it")
            if output.beyond:
                raise UserError(f"score {name}: `{line}` wrote more than {limit} bytes")
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise UserError(f"score {name}: `{line}` did not end in {seconds:g} s") from None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # all of it has ended
            process.wait()
    errors.thread.join(1)
    return process.returncode, output.text(), errors.text()


class _Reader:
    """Reads a pipe to its end; of more than the limit either nothing more or, if so wanted, the last is kept."""

    def __init__(self, pipe: IO[bytes] | None, limit: int, *, last: bool = False) -> None:
        self._read_so_far = bytearray()
        self.beyond = False
        self.thread = threading.Thread(target=self._read, args=(pipe, limit, last), daemon=True)
        self.thread.start()

    def _read(self, pipe: IO[bytes], limit: int, last: bool) -> None:
        with pipe:
            while part := pipe.read1(65536):  # type: ignore[attr-defined]
                self._read_so_far += part
                if len(self._read_so_far) > limit:
                    self.beyond = True
                    if not last:
                        return
                    del self._read_so_far[:-limit]

    def lines(self) -> int:
        """Lines read so far."""
        return self._read_so_far.count(b"\n")

    def text(self) -> str:
        """What was read."""
        return self._read_so_far.decode("utf-8", "replace")


def _number(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None
