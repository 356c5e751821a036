"""The rank stage: checked candidates in, a short list out, with a reason for each choice and each refusal."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rdkit import Chem
from rdkit.Chem import rdDepictor

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.chemistry.formats.writing import Entry, molecule_block, write_molecules
from moldiff.chemistry.reading import KEPT
from moldiff.config.rank import RankOptions
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, only_writer, sha256, write_text
from moldiff.files.manifest import FILES, check_files
from moldiff.files.spreadsheet import inert
from moldiff.parallel import Lost, default_workers, run_all
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.records import CheckSummary
from moldiff.scoring.shortlist import Candidate, Judge, choose, record, refusals, summary_lines, tags, text
from moldiff.scoring.tables import join_tables
from moldiff.scoring.user import add_user_score

_ODD_BONDS = ("->", "<-", "$", "~")
"""How a SMILES writes bonds that are not single, double, triple or aromatic."""
SECONDS = 30.0
"""Time to draw a chosen molecule, and at least that to read one."""
_Made = tuple[int, bytes | str]
"""An item's number, and its molecule or why there is none."""


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
    for path, columns in join_tables(rows, options.tables).items():
        print(f"{path}: {', '.join(columns)}: the check has this too, and its values stay", file=sys.stderr)
    candidates = [Candidate(row) for row in rows]
    judge = Judge(options, rows[0])
    passing = judge.refuse_early(candidates)
    paths = list(inputs) if inputs else _inputs(summary)
    mols, lost = _molecules(paths, passing, summary)
    passed = qualify(_readable(passing, lost), mols, options, judge)
    chosen, drawn = _drawn(passed, mols, options, judge)
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
    entries = [Entry(drawn[c.row["index"]], c.row["smiles"], tags(c, judge.weights)) for c in chosen]
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
    _refuse_unwritable(passing, mols)
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


def _refuse_unwritable(passing: Sequence[Candidate], mols: Mapping[int, Chem.Mol]) -> None:
    """Give a reason to those that cannot be written to an SDF; only rare bonds are tried, for it takes time."""
    odd = [c.row["index"] for c in passing if any(bond in c.row["smiles"] for bond in _ODD_BONDS)]
    items = ((number, mols[number].ToBinary(KEPT)) for number in odd)
    lost = _in_processes(_write, items, SECONDS)[1] if odd else {}
    for candidate in passing:
        reason = lost.get(candidate.row["index"])
        candidate.reason = f"refused by format: {reason}" if reason else ""


def _write(item: tuple[int, bytes]) -> _Made:
    number, binary = item
    try:
        molecule_block(Chem.Mol(binary))
    except ValueError as error:
        return number, str(error)
    return number, binary


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


def _molecules(
    paths: Sequence[str], passing: Sequence[Candidate], summary: CheckSummary
) -> tuple[dict[int, Chem.Mol], dict[int, str]]:
    """Molecules as written, by index, and why there is none where a process that read one was lost."""
    checksums = [given.sha256 for given in summary.inputs]
    column = summary.options.get("smiles_column")
    for path, expected in zip(paths, checksums, strict=False):
        if expected is not None and sha256(Path(path)) != expected:
            raise UserError(f"{path}: is not the file that was checked; check it again")
    wanted = {candidate.row["index"] for candidate in passing}
    numbered = enumerate(read_records(paths, smiles_column=column), start=1)
    records = ((number, one) for number, one in numbered if number in wanted)
    limit = max(float(summary.options.get("timeout", 0)), SECONDS)
    return _in_processes(partial(_read, charge=int(summary.options.get("charge", 0))), records, limit)


def _in_processes(
    work: Callable[[tuple[int, Any]], _Made], items: Iterable[tuple[int, Any]], limit: float
) -> tuple[dict[int, Chem.Mol], dict[int, str]]:
    """Molecules that a function made of numbered items, and why there is none of the others.

    They are other people's molecules: what hangs or crashes costs itself alone.
    """
    mols: dict[int, Chem.Mol] = {}
    lost: dict[int, str] = {}
    for piece in run_all(work, list, items, workers=default_workers(), chunk=32, timeout=limit):
        for number, made in [(piece.item[0], piece.reason)] if isinstance(piece, Lost) else piece:
            if isinstance(made, str):
                lost[number] = made
            else:
                mols[number] = Chem.Mol(made)
    return mols, lost


def _read(item: tuple[int, Record], charge: int) -> _Made:
    number, one = item
    mol = parse(one, charge).mol
    if mol is None:
        return number, f"{one.source}, record {one.index}: cannot be read any more; check the file again"
    if mol.GetNumConformers() == 0:
        Chem.SanitizeMol(mol)  # to be drawn
    mol.SetProp("_Name", one.name)
    return number, mol.ToBinary(KEPT)


def _readable(passing: Sequence[Candidate], lost: Mapping[int, str]) -> list[Candidate]:
    for candidate in passing:
        candidate.reason = (
            f"refused by reading: {lost[candidate.row['index']]}" if candidate.row["index"] in lost else ""
        )
    return [candidate for candidate in passing if not candidate.reason]


def _drawn(
    passed: list[Candidate], mols: Mapping[int, Chem.Mol], options: RankOptions, judge: Judge
) -> tuple[list[Candidate], dict[int, Chem.Mol]]:
    """The short list, and its molecules with coordinates; one that cannot be drawn in time makes room for another."""
    while True:
        chosen = choose(passed, options, judge.weights)
        named = [candidate.row["index"] for candidate in chosen]
        flat = ((number, mols[number].ToBinary(KEPT)) for number in named if not mols[number].GetNumConformers())
        drawn, lost = _in_processes(_draw, flat, SECONDS)
        if not lost:
            return chosen, {number: drawn.get(number, mols[number]) for number in named}
        for candidate in passed:
            candidate.rank = candidate.score = candidate.front = candidate.nearest_chosen = None
            if candidate.row["index"] in lost:
                candidate.reason = f"refused by drawing: {lost[candidate.row['index']]}"
        passed = [candidate for candidate in passed if candidate.row["index"] not in lost]


def _draw(item: tuple[int, bytes]) -> _Made:
    number, binary = item
    mol = Chem.Mol(binary)
    rdDepictor.Compute2DCoords(mol)
    return number, mol.ToBinary(KEPT)
