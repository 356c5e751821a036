"""The rank stage: checked candidates in, a short list out, with a reason for each choice and each refusal."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rdkit import Chem

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.chemistry.formats.writing import Entry, molecule_block, write_molecules
from moldiff.config.rank import RankOptions
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, only_writer, sha256, write_text
from moldiff.files.manifest import FILES, check_files
from moldiff.files.spreadsheet import inert
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.records import CheckSummary
from moldiff.scoring.shortlist import Candidate, Judge, choose, record, refusals, summary_lines, tags, text
from moldiff.scoring.user import add_user_score

_ODD_BONDS = ("->", "<-", "$", "~")
"""How a SMILES writes bonds that are not single, double, triple or aromatic."""


def rank(check: Path, output: Path, options: RankOptions, *, inputs: Sequence[str] | None = None) -> dict[str, Any]:
    """Write shortlist.sdf, shortlist.csv, candidates.csv and rank.json; returns the last.

    Every record of the check is in candidates.csv, with the outcome and its reason.

    Args:
        check: folder made by the check stage.
        output: folder of the result.
        options: what is wanted, and what is refused. A condition on a null column does not hold.
        inputs: the molecule files that were checked, if they have moved since.

    Raises:
        UserError: an unknown column, a condition or score that cannot be used, files that are not those checked, or
            another process ranks into the folder.
    """
    if options.n < 1:
        raise UserError("rank: n must be at least 1")
    with only_writer(output / "rank.json"):
        return _rank(check, output, options, inputs)


def _rank(check: Path, output: Path, options: RankOptions, inputs: Sequence[str] | None) -> dict[str, Any]:
    summary = CheckSummary.read(check)
    check_files(check, {FILES: summary.sha256}, "run `moldiff check` again")
    rows = _read_rows(check)
    if not rows:
        raise UserError(f"{check}: holds no record to rank")
    candidates = [Candidate(row) for row in rows]
    judge = Judge(options, rows[0])
    passing = judge.refuse_early(candidates)
    paths = list(inputs) if inputs else _inputs(summary)
    mols = dict(_molecules(paths, {candidate.row["index"] for candidate in passing}, summary))
    passed = qualify(passing, mols, options, judge)
    chosen = choose(passed, options, judge.weights)
    counts = refusals(candidates)
    result = {
        "check": str(check),
        "inputs": paths,
        "records": len(candidates),
        "passed": len(passed),
        "chosen": len(chosen),
        **options.model_dump(mode="json"),
        "filters": [condition.text for condition in judge.conditions],
        "weights": judge.weights,
        "refused": counts,
    }
    entries = [Entry(mols[c.row["index"]], c.row["smiles"], tags(c, judge.weights)) for c in chosen]
    write_molecules(output / "shortlist.sdf", entries)
    columns = list(record(candidates[0])) + [name for name in judge.own if name not in candidates[0].row]
    write_csv(output / "shortlist.csv", chosen, columns)
    write_csv(output / "candidates.csv", candidates, columns)
    write_text(output / "rank.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(f"{output}: " + summary_lines(chosen, counts, len(passed), len(candidates), judge.weights), file=sys.stderr)
    return result


def qualify(
    passing: list[Candidate], mols: Mapping[int, Chem.Mol], options: RankOptions, judge: Judge
) -> list[Candidate]:
    """Those of the candidates that passed the early conditions that can be written, have all scores and pass all.

    Args:
        passing: the candidates, whose reasons and scores are filled in.
        mols: molecules as written, by index.
        options: of the ranking.
        judge: its conditions.

    Raises:
        UserError: one of the user's scores fails.
    """
    for candidate in passing:
        candidate.reason = _unwritable(candidate, mols)
    passing = [candidate for candidate in passing if not candidate.reason]
    for name, source in options.scores.items():
        add_user_score(name, source, [candidate.row for candidate in passing], mols, timeout=options.score_timeout)
    return judge.refuse_late(passing)


def write_csv(path: Path, candidates: Sequence[Candidate], columns: Sequence[str]) -> None:
    """Write candidates with these columns, even if there is none."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", restval="")
        writer.writeheader()
        for candidate in candidates:
            line = record(candidate)
            writer.writerow(
                {name: text(value) if isinstance(value, bool) else inert(value) for name, value in line.items()}
            )


def _unwritable(candidate: Candidate, mols: Mapping[int, Chem.Mol]) -> str:
    """Why the molecule cannot be written to an SDF, or ""; only rare bonds are tried, for it takes time."""
    if any(bond in candidate.row["smiles"] for bond in _ODD_BONDS):
        try:
            molecule_block(mols[candidate.row["index"]])
        except ValueError as error:
            return f"refused by format: {error}"
    return ""


def _read_rows(check: Path) -> list[dict[str, Any]]:
    path = check / "rows.parquet"
    try:
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise UserError(f"{path}: cannot be read ({error}); run `moldiff check` again") from None
    return rows


def _inputs(summary: CheckSummary) -> list[str]:
    for given in summary.inputs:
        if given.path == "-" or not Path(given.path).is_file():
            raise UserError(f"{given.path}: the checked molecules are not there any more; name the file with --input")
    return [given.path for given in summary.inputs]


def _molecules(paths: Sequence[str], wanted: set[int], summary: CheckSummary) -> Iterator[tuple[int, Chem.Mol]]:
    """Molecules as written, of the wanted records."""
    checksums = [given.sha256 for given in summary.inputs]
    column = summary.options.get("smiles_column")
    for path, expected in zip(paths, checksums, strict=False):
        if expected is not None and sha256(Path(path)) != expected:
            raise UserError(f"{path}: is not the file that was checked; check it again")
    for number, one in enumerate(read_records(paths, smiles_column=column), start=1):
        if number in wanted:
            yield number, _molecule(one, int(summary.options.get("charge", 0)))


def _molecule(one: Record, charge: int) -> Chem.Mol:
    mol = parse(one, charge).mol
    if mol is None:
        raise UserError(f"{one.source}, record {one.index}: cannot be read any more; check the file again")
    if mol.GetNumConformers() == 0:
        Chem.SanitizeMol(mol)  # to be drawn
    mol.SetProp("_Name", one.name)
    return mol
