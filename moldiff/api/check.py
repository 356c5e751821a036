"""`moldiff.check`: what the command says of files, said of molecules in memory too."""

import html
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import pyarrow.parquet as pq
from rdkit import Chem

from moldiff.chemistry.formats.records import Record, expand_inputs, read_records
from moldiff.chemistry.formats.writing import molecule_block
from moldiff.chemistry.reading import KEPT
from moldiff.config.check import CheckOptions
from moldiff.config.keywords import CheckKeywords
from moldiff.config.options import parse
from moldiff.errors import UserError
from moldiff.parallel import SECONDS, Lost, in_order
from moldiff.sampling.molecules import Molecules
from moldiff.scoring.molecule.parsing import parse as parse_molecule
from moldiff.scoring.records import CheckSummary
from moldiff.scoring.table import missing_notes, summary_table
from moldiff.stages import check as stages

if TYPE_CHECKING:
    from pandas import DataFrame

_ENDINGS = (".sdf", ".smi", ".csv", ".tsv", ".xyz", ".parquet", ".gz")
Given = Iterable[Chem.Mol] | Iterable[str] | str | Path
"""Molecules of RDKit, SMILES, or a file (or glob) that `moldiff check` reads."""


@dataclass(frozen=True)
class Checked:
    """A row for each molecule, and the summary of all.

    Attributes:
        summary: rates with numerator, denominator and interval (``metrics``), ``values``, ``distances`` and more.
        rows: the columns of `moldiff check` for each molecule, in order.
        molecules: the molecules as written, in order; one that cannot be read is an empty molecule.
    """

    summary: dict[str, Any]
    rows: list[dict[str, Any]]
    molecules: Molecules

    def to_dataframe(self) -> "DataFrame":
        """The rows as a pandas DataFrame."""
        import pandas

        return pandas.DataFrame(self.rows)

    def __str__(self) -> str:
        summary = CheckSummary.model_validate(self.summary)
        return "\n".join([summary_table(summary), *missing_notes(summary)])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def check(
    molecules: Given,
    *,
    train: str | Path | None = None,
    reference: str | Path | None = None,
    likelihood: str | Path | None = None,
    out: str | Path | None = None,
    **options: Unpack[CheckKeywords],
) -> Checked:
    """Score molecules: a row for each and a summary of all, as `moldiff check` does.

    Args:
        molecules: RDKit molecules, SMILES, or a file.
        train: training set for novelty: a dataset folder, a molecule file, or the name of shipped weights.
        reference: the same, for distances and ring systems; by default the training set.
        likelihood: the table of `moldiff likelihood` for the same molecules: says which are unusual to weights.
        out: folder that keeps rows.parquet, rows.csv and summary.json; by default nothing is kept.
        options: of `moldiff.config.check.CheckOptions`.

    Raises:
        UserError: a file cannot be read, an option does not exist, or an extra that is needed is missing.
    """
    chosen = parse(CheckOptions, dict(options), "options of check")
    with tempfile.TemporaryDirectory(prefix="moldiff-") as scratch:
        inputs = [str(path) for path in _inputs(molecules, Path(scratch))]
        folder = Path(out) if out is not None else Path(scratch) / "check"
        summary = stages.check(
            chosen,
            inputs,
            folder,
            train=Path(train) if train is not None else None,
            reference=Path(reference) if reference is not None else None,
            likelihood=Path(likelihood) if likelihood is not None else None,
        )
        rows: list[dict[str, Any]] = pq.read_table(folder / "rows.parquet").to_pylist()
        given = Molecules(_read(inputs, chosen.charge))
    return Checked(summary.written(), rows, given)


def _inputs(molecules: Given, scratch: Path) -> list[Path]:
    if isinstance(molecules, Path) or (isinstance(molecules, str) and _is_file(molecules)):
        return [Path(path) for path in expand_inputs([str(molecules)])]
    given = [molecules] if isinstance(molecules, str) else list(molecules)
    if not given:
        raise UserError("check: no molecules were given")
    kinds = {isinstance(one, str) for one in given}
    if len(kinds) > 1:
        raise UserError("check: give either RDKit molecules or SMILES, not both in one list")
    smiles = kinds == {True}
    path = scratch / ("molecules.smi" if smiles else "molecules.sdf")
    lines = (str(one) if smiles else molecule_block(one) for one in given)
    path.write_text("".join(f"{line}\n" if smiles else line for line in lines), encoding="utf-8")
    return [path]


def _is_file(text: str) -> bool:
    return os.path.exists(text) or text.endswith(_ENDINGS)  # pathlib raises for a SMILES longer than a name may be


def _read(inputs: list[str], charge: int) -> Iterator[Chem.Mol]:
    records = list(read_records(inputs))
    made = in_order(partial(_parsed, charge), records, workers=0, timeout=SECONDS, chunk=64)
    for record, found in zip(records, made, strict=True):
        mol = Chem.Mol() if isinstance(found, Lost) or found is None else Chem.Mol(found)
        mol.SetProp("_Name", record.name)
        yield mol


def _parsed(charge: int, record: Record) -> bytes | None:
    mol = parse_molecule(record, charge).mol
    return None if mol is None else mol.ToBinary(KEPT)
