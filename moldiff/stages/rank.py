"""The rank stage: checked candidates in, a short list out, with a reason for each choice and each refusal."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq
from rdkit import Chem
from rdkit.Chem import rdDepictor

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.config.rank import RankOptions
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, sha256, write_text
from moldiff.files.manifest import check_files
from moldiff.files.spreadsheet import inert
from moldiff.scoring.expressions import Condition, Unknown
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.ranking import nearest_of_others, pareto_fronts, percentiles, pick_diverse
from moldiff.scoring.sets.fingerprints import fingerprint
from moldiff.scoring.user import add_user_score
from moldiff.stages.compare import read_summary

_DEFAULT_FILTERS = ("valid", "not duplicate")


@dataclass
class _Candidate:
    """A checked record on its way to the short list."""

    row: dict[str, Any]
    reason: str = ""
    score: float | None = None
    front: int | None = None
    rank: int | None = None
    notes: dict[str, float] = field(default_factory=dict)


def rank(
    check: Path,
    output: Path,
    *,
    n: int = 50,
    filters: Sequence[str] = (),
    weights: Mapping[str, float] | None = None,
    method: Literal["weighted", "pareto"] = "weighted",
    diversity: int = 10,
    scores: Mapping[str, str] | None = None,
    inputs: Sequence[str] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Write shortlist.sdf, shortlist.csv, candidates.csv and rank.json; returns the last.

    Every record of the check stands in candidates.csv with what became of it.

    Args:
        check: folder made by the check stage.
        output: folder of the result.
        n: molecules wanted on the short list.
        filters: conditions over columns that must hold, such as ``qed >= 0.5``; records that are not valid, and
            duplicates, are always left out. A condition on a null column does not hold.
        weights: columns to score by, with positive weight where more is better and negative where less is.
        method: weighted: by the weighted mean of percentiles among the candidates that passed; pareto: by Pareto
            fronts in the weighted columns, within a front by that mean.
        diversity: MaxMin picks among the best ``diversity * n`` candidates; 1 takes the best as they are.
        scores: further columns by name: ``FILE.py:FUNCTION`` (RDKit molecule in, number out) or ``command: LINE``
            (SMILES by line in, numbers by line out).
        inputs: the molecule files that were checked, if they have moved since.
        seed: seed of the diversity picking.

    Raises:
        UserError: an unknown column, a condition or score that cannot be used, files that are not those checked.
    """
    if n < 1 or diversity < 1:
        raise UserError("n and diversity must be at least 1")
    weighted = dict(weights or RankOptions().weights)
    summary = read_summary(check)
    check_files(check, summary, "run `moldiff check` again")
    rows = _read_rows(check)
    if not rows:
        raise UserError(f"{check}: holds no record to rank")
    candidates = [_Candidate(row) for row in rows]
    named = frozenset(rows[0]) | frozenset(scores or {})
    _require(named, weighted)
    conditions = [Condition(text, named) for text in (*_DEFAULT_FILTERS, *filters)]
    early = [condition for condition in conditions if not set(condition.columns) & set(scores or {})]
    _filter(candidates, early)
    left = [candidate for candidate in candidates if not candidate.reason]
    paths = list(inputs) if inputs else _inputs(summary)
    mols = dict(_molecules(paths, {c.row["index"] for c in left}, summary))
    for name, source in (scores or {}).items():
        add_user_score(name, source, [candidate.row for candidate in left], mols)
    _filter(left, [condition for condition in conditions if condition not in early])
    left = [candidate for candidate in left if not candidate.reason and _complete(candidate, weighted)]
    chosen = _choose(left, weighted, method, n, diversity, seed)
    result = {
        "check": str(check),
        "inputs": paths,
        "records": len(candidates),
        "passed": len(left),
        "chosen": len(chosen),
        "filters": [condition.text for condition in conditions],
        "weights": weighted,
        "method": method,
        "diversity": diversity,
        "scores": dict(scores or {}),
        "seed": seed,
        "refused": _counts(candidates),
    }
    _write_sdf(output / "shortlist.sdf", chosen, mols)
    _write_csv(output / "shortlist.csv", chosen)
    _write_csv(output / "candidates.csv", candidates)
    write_text(output / "rank.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return result


def _read_rows(check: Path) -> list[dict[str, Any]]:
    path = check / "rows.parquet"
    try:
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise UserError(f"{path}: cannot be read ({error}); run `moldiff check` again") from None
    return rows


def _require(columns: frozenset[str], weights: Mapping[str, float]) -> None:
    for name, weight in weights.items():
        if name not in columns:
            raise UserError(f"weight of {name}: no such column; there are {', '.join(sorted(columns))}")
        if weight == 0:
            raise UserError(f"weight of {name}: is 0; leave the column out, or give it a weight")


def _filter(candidates: Sequence[_Candidate], conditions: Sequence[Condition]) -> None:
    for candidate in candidates:
        for condition in conditions:
            try:
                holds = condition.holds(candidate.row)
                unknown = ""
            except Unknown as column:
                holds, unknown = False, str(column)
            if not holds:
                told = ", ".join(f"{name} is {_text(candidate.row[name])}" for name in condition.columns)
                candidate.reason = f"refused by {condition.text}: " + (f"{unknown} is null" if unknown else told)
                break


def _complete(candidate: _Candidate, weights: Mapping[str, float]) -> bool:
    """Whether every column to score by is a number; if not, the candidate is told why it is out."""
    for name in weights:
        value = candidate.row[name]
        if value is None or isinstance(value, str) or not np.isfinite(value):
            candidate.reason = f"refused: {name} is {_text(value)}, and it is scored by"
            return False
    return True


def _choose(
    left: list[_Candidate], weights: Mapping[str, float], method: str, n: int, diversity: int, seed: int
) -> list[_Candidate]:
    """The short list, in the order of the ranks; reasons are filled in."""
    if not left:
        return []
    columns = [
        percentiles(np.array([float(c.row[name]) for c in left]), largest=weight > 0)
        for name, weight in weights.items()
    ]
    goodness = np.stack(columns, axis=1)
    share = np.abs(np.array(list(weights.values())))
    mean = goodness @ (share / share.sum())
    fronts = pareto_fronts(goodness) if method == "pareto" else np.ones(len(left), dtype=np.int64)
    order = sorted(
        range(len(left)), key=lambda place: (int(fronts[place]), -float(mean[place]), left[place].row["index"])
    )
    for position, place in enumerate(order, start=1):
        candidate = left[place]
        candidate.score, candidate.rank = float(mean[place]), position
        candidate.front = int(fronts[place]) if method == "pareto" else None
        candidate.reason = f"passed, rank {position}"
    pool = [left[place] for place in order[: n * diversity]]
    packed = np.stack([np.frombuffer(fingerprint(Chem.MolFromSmiles(c.row["key"])), dtype=np.uint8) for c in pool])
    picked = pick_diverse(packed, min(n, len(pool)), seed) if diversity > 1 else list(range(min(n, len(pool))))
    for place, near in zip(picked, nearest_of_others(packed, picked), strict=True):
        how = "picked for diversity" if diversity > 1 else "chosen"
        front = f", Pareto front {pool[place].front}" if method == "pareto" else ""
        pool[place].reason = f"{how}: rank {pool[place].rank}{front}, score {pool[place].score:.3f}"
        pool[place].notes["nearest_chosen"] = near
    return [pool[place] for place in sorted(picked)]


def _counts(candidates: Sequence[_Candidate]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for candidate in candidates:
        if candidate.reason.startswith("refused"):
            name = candidate.reason.partition(":")[0].removeprefix("refused").removeprefix(" by ") or "null column"
            counts[name] = counts.get(name, 0) + 1
    return counts


def _inputs(summary: Mapping[str, Any]) -> list[str]:
    for given in summary["inputs"]:
        if given["path"] == "-" or not Path(given["path"]).is_file():
            raise UserError(f"{given['path']}: the checked molecules are not there any more; name the file with inputs")
    return [given["path"] for given in summary["inputs"]]


def _molecules(paths: Sequence[str], wanted: set[int], summary: Mapping[str, Any]) -> Iterator[tuple[int, Chem.Mol]]:
    """Molecules as written, of the wanted records."""
    checksums = [given["sha256"] for given in summary["inputs"]]
    for path, expected in zip(paths, checksums, strict=False):
        if expected is not None and sha256(Path(path)) != expected:
            raise UserError(f"{path}: is not the file that was checked; check it again")
    for number, record in enumerate(read_records(paths), start=1):
        if number in wanted:
            yield number, _molecule(record, int(summary["options"].get("charge", 0)))


def _molecule(record: Record, charge: int) -> Chem.Mol:
    mol = parse(record, charge).mol
    if mol is None:
        raise UserError(f"{record.source}, record {record.index}: cannot be read any more; check the file again")
    mol.SetProp("_Name", record.name)
    return mol


def _write_sdf(path: Path, chosen: Sequence[_Candidate], mols: Mapping[int, Chem.Mol]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for candidate in chosen:
            mol = Chem.Mol(mols[candidate.row["index"]])
            if mol.GetNumConformers() == 0:
                mol = Chem.MolFromSmiles(candidate.row["smiles"])
                rdDepictor.Compute2DCoords(mol)
                mol.SetProp("_Name", candidate.row["name"] or "")
            properties = {name: value for name, value in _record(candidate).items() if value not in (None, "")}
            file.write(write_sdf_block(mol, properties))


def _write_csv(path: Path, candidates: Sequence[_Candidate]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer: csv.DictWriter[str] | None = None
        for candidate in candidates:
            record = _record(candidate)
            if writer is None:
                writer = csv.DictWriter(file, list(record), lineterminator="\n", extrasaction="ignore")
                writer.writeheader()
            writer.writerow(
                {name: _text(value) if isinstance(value, bool) else inert(value) for name, value in record.items()}
            )


def _record(candidate: _Candidate) -> dict[str, Any]:
    """What is told of a candidate: its place and reason first, then all columns."""
    front = {"pareto_front": candidate.front}
    near = {"nearest_chosen": candidate.notes.get("nearest_chosen")}
    return {
        "rank": candidate.rank,
        "score": candidate.score,
        **front,
        **near,
        "reason": candidate.reason,
        **candidate.row,
    }


def _text(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
