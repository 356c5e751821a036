"""What the tests of a ranking share: molecules, the stage with options by name, and the tables that it writes."""

import csv
from pathlib import Path
from typing import Any

from moldiff.config.options import parse
from moldiff.config.rank import RankOptions
from moldiff.stages import rank as stage

SMILES = ("CCO", "CCCO", "CCCCO", "c1ccccc1", "Cc1ccccc1", "CC(=O)Nc1ccc(O)cc1", "OCC", "C(C", "C1CCCCC1N", "CC.O")


def rank(check: Path, output: Path, *, inputs: list[str] | None = None, **options: Any) -> dict[str, Any]:
    return stage.rank(check, output, parse(RankOptions, options, "test"), inputs=inputs)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
