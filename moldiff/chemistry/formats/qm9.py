"""The raw files that torch-geometric's QM9 data set keeps in its folder."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from moldiff.chemistry.formats.sdf import split_sdf
from moldiff.chemistry.formats.streams import read_lines, read_text
from moldiff.errors import UserError

PREFIX = "pyg-qm9:"


def read_pyg_qm9(
    folder: Path, on_bytes: Callable[[int], object] | None = None
) -> Iterator[tuple[str, dict[str, str], str | None]]:
    """Text, properties and problem of each molecule of ``torch_geometric.datasets.QM9(folder)``.

    Read are ``raw/gdb9.sdf``, the properties of ``raw/gdb9.sdf.csv`` (units as there: GHz, Debye, Bohr³,
    Hartree ...) and ``raw/uncharacterized.txt``, the 3,054 molecules that changed in the optimisation, which
    come out with a problem as torch-geometric leaves them out. torch is not needed.

    Raises:
        UserError: there is no such raw file.
    """
    raw = folder / "raw" if (folder / "raw").is_dir() else folder
    structures = raw / "gdb9.sdf"
    if not structures.is_file():
        raise UserError(
            f"{structures}: no such file; torch_geometric.datasets.QM9({str(folder)!r}) puts it there "
            "when RDKit is installed and the network can be reached"
        )
    left_out = _uncharacterized(raw / "uncharacterized.txt")
    table = raw / "gdb9.sdf.csv"
    rows = iter(csv.DictReader(line.text for line in read_lines(read_text(table)))) if table.is_file() else iter(())
    for number, (text, problem) in enumerate(split_sdf(read_text(structures, on_bytes)), start=1):
        properties = {key: value for key, value in next(rows, {}).items() if key is not None and value is not None}
        if problem is None and number in left_out:
            problem = "uncharacterized: its optimised geometry is another molecule's (QM9's own list)"
        yield text, properties, problem


def _uncharacterized(path: Path) -> frozenset[int]:
    """Numbers from 1 of the molecules in QM9's list, whose other lines are prose."""
    if not path.is_file():
        return frozenset()
    numbers = re.findall(r"^\s*(\d+)\s+\S", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return frozenset(map(int, numbers))
