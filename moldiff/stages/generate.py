"""The generate stage: weights and conditions in; molecules that meet them out, made in rounds until they are enough."""

import hashlib
import math
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdkit import Chem

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.chemistry.formats.sdf import data_block
from moldiff.chemistry.formats.writing import Entry, kind_of, write_molecules
from moldiff.config.check import CheckOptions
from moldiff.config.generate import GenerateOptions
from moldiff.config.options import canonical_json
from moldiff.config.rank import RankOptions
from moldiff.config.report import ReportOptions
from moldiff.config.sample import SampleOptions
from moldiff.errors import UserError
from moldiff.files.atomic import only_writer, sha256, write_text
from moldiff.files.manifest import record_of, write_record
from moldiff.files.records import SamplesInfo
from moldiff.models.shipped import weights_path
from moldiff.sampling.finish import finish
from moldiff.sampling.molecules import smiles_of
from moldiff.sampling.training_set import load_training_set
from moldiff.scoring.columns import ROW_COLUMNS
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.rows import score_records
from moldiff.scoring.sets.known import KnownSet
from moldiff.scoring.shortlist import Candidate, Judge, choose, record, refusals, refused_by, summary_lines, tags
from moldiff.seeds import Stream, stream_seed
from moldiff.stages.rank import qualify
from moldiff.stages.sample import sample
from moldiff.version import version

SMALLEST_ROUND = 20
NOT_WRONG = ("not duplicate", "novel")
"""Conditions that refuse a molecule which may be as good as another."""
SPARE = 1.1
"""A round makes so many times what the last ones' yield asks for."""


@dataclass
class _Made:
    """What the rounds so far came to."""

    asked: int = 0
    not_finite: int = 0
    candidates: list[Candidate] = field(default_factory=list)
    passed: list[Candidate] = field(default_factory=list)
    mols: dict[int, Chem.Mol] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    files: list[Path] = field(default_factory=list)


def generate(
    options: GenerateOptions,
    sampling: SampleOptions,
    ranking: RankOptions,
    weights: str,
    output: Path,
    *,
    train: Path | None = None,
    report: Path | None = None,
    refused: Path | None = None,
    workers: int = 0,
) -> dict[str, Any]:
    """Write the best molecules that meet all conditions, and a record of what was made and refused beside them.

    Rounds that a killed run had finished are kept in a hidden folder beside the output; the same command goes on there.

    Args:
        options: how many molecules, and what they may cost.
        sampling: of each round; its n and shards are not read.
        ranking: conditions, substructures, scores and weights; its n is not read.
        weights: a model's file, or the name of shipped weights.
        output: .sdf, .smi or .csv, each also with .gz.
        train: what novelty is measured against; by default what the shipped weights learned from.
        report: HTML page of all molecules that were made.
        refused: SDF of the molecules that are invalid or that a condition refused, to learn from
            (`moldiff.training.preference`); repeated molecules and known ones are not among them.
        workers: processes that check; 0 uses all available cores.

    Returns:
        The record, as written beside the output.

    Raises:
        UserError: a condition, the weights or the output cannot be used, or there is nothing to be novel against.
    """
    kind = kind_of(output)
    if refused is not None and refused.suffix.lower() != ".sdf":
        raise UserError(f"{refused}: refused molecules are written as SDF, with their positions; end the name in .sdf")
    if ranking.tables:
        raise UserError("tables: are of molecules that are there already; give them to `moldiff rank`")
    filters = [*ranking.filters, *(["novel"] if options.novel else [])]
    ranking = ranking.model_copy(update={"n": options.n, "filters": filters})
    columns = [column.name for column in ROW_COLUMNS]
    judge = Judge(ranking, columns, ["valid", "not duplicate"] if options.unique else ["valid"])
    model = sha256(path) if (path := weights_path(weights)).is_file() else ""
    known = load_training_set(train or weights, optional=train is None, workers=workers)
    if options.novel and known is None:
        raise UserError(f"novel: what {weights} learned from is not known; name the training set with --train")
    text = [*(canonical_json(one) for one in (options, sampling, ranking)), model, str(train), version()]
    folder = output.with_name(f".{output.name}.{hashlib.sha256(' '.join(text).encode()).hexdigest()[:12]}.rounds")
    with only_writer(output):
        made = _Made()
        budget = math.ceil(options.budget * options.n)
        while len(made.passed) < options.n and made.asked < budget:
            size = _next_size(options.n, made, budget)
            seed = _round_seed(sampling.seed, len(made.files))
            asked = sampling.model_copy(update={"n": size, "seed": seed, "shards": 1})
            _add_round(
                _sampled(asked, weights, folder / f"{len(made.files):03d}.sdf"), made, judge, ranking, known, workers
            )
            print(f"round {len(made.files)}: {len(made.passed)} of {made.asked} pass", file=sys.stderr)
        chosen = choose(made.passed, ranking, judge.weights)
        entries = [_entry(candidate, made, judge, options, full=kind == ".csv") for candidate in chosen]
        write_molecules(output, entries)
        counts = refusals(made.candidates) | ({"not finite": made.not_finite} if made.not_finite else {})
        result = {
            "made": made.asked,
            "rounds": len(made.files),
            "passed": len(made.passed),
            "written": len(chosen),
            "refused": counts,
            "conditions": [condition.text for condition in judge.conditions],
            "weights": judge.weights,
            "model": model,
            "options": {
                "generate": options.model_dump(mode="json"),
                "sample": sampling.model_dump(mode="json", exclude={"n", "shards"}),
                "rank": ranking.model_dump(mode="json"),
            },
            "version": version(),
        }
        if refused is not None:
            write_text(refused, _refused(made))
        result = write_record(_record_path(output), result, [output])
        if report is not None:
            _report(report, made.files, folder, train or Path(weights) if known is not None else None)
        shutil.rmtree(folder, ignore_errors=True)
    said = summary_lines(chosen, counts, len(made.passed), made.asked, judge.weights)
    print(f"{output}: {said}", file=sys.stderr)
    if len(chosen) < options.n:
        print(
            f"{len(chosen)} of {options.n} wanted: the budget of {budget} molecules is spent; loosen the condition "
            "that refused most, or raise --budget",
            file=sys.stderr,
        )
    return result


def _next_size(wanted: int, made: _Made, budget: int) -> int:
    if not made.asked:
        return min(wanted, budget)
    share = max(len(made.passed), 0.5) / made.asked
    size = math.ceil(SPARE * (wanted - len(made.passed)) / share)
    return min(max(size, SMALLEST_ROUND), budget - made.asked)


def _round_seed(seed: int, number: int) -> int:
    """The seed of a round; small enough to be given to `moldiff sample`, which then makes the same molecules."""
    return stream_seed(seed, Stream.ROUNDS, number) % 2**31 if number else seed


def _sampled(asked: SampleOptions, weights: str, path: Path) -> Path:
    """The file of a round, made if it is not there."""
    if not record_of(path).is_file():
        sample(asked, weights, path, announce=False)
    return path


def _add_round(
    path: Path, made: _Made, judge: Judge, ranking: RankOptions, known: KnownSet | None, workers: int
) -> None:
    summary = SamplesInfo.beside(path, f"remove the folder {path.parent} and generate again")
    records = list(read_records([str(path)]))
    first = made.asked
    made.asked += summary.requested
    made.not_finite += summary.not_finite
    made.files.append(path)
    candidates: list[Candidate] = []
    by_number: dict[int, Record] = {}
    for row, one in zip(score_records(records, CheckOptions(workers=workers), known), records, strict=True):
        number = first + one.index
        row |= {"index": number, "name": f"sample_{number:06d}"}
        row["duplicate"] = row["key"] in made.keys if row["valid"] else None
        if row["valid"]:
            made.keys.add(str(row["key"]))
        candidates.append(Candidate(row))
        by_number[number] = one
    passing = judge.refuse_early(candidates)
    readable = {candidate.row["index"]: _molecule(by_number[candidate.row["index"]]) for candidate in passing}
    passed = qualify(passing, readable, ranking, judge)
    made.candidates += candidates
    made.passed += passed
    made.mols |= {candidate.row["index"]: readable[candidate.row["index"]] for candidate in passed}


def _molecule(one: Record) -> Chem.Mol:
    mol = parse(one).mol
    assert mol is not None  # it is valid
    return mol


def _entry(candidate: Candidate, made: _Made, judge: Judge, options: GenerateOptions, *, full: bool) -> Entry:
    mol = finish(made.mols[candidate.row["index"]], {}, hydrogens=options.hydrogens)
    mol.SetProp("_Name", candidate.row["name"])
    values = record(candidate) if full else tags(candidate, judge.weights)
    return Entry(mol, smiles_of(mol), {name: value for name, value in values.items() if name != "name"})


def _refused(made: _Made) -> str:
    """The wrong ones as they were made, each under the name that it has among all rounds, with the reason."""
    blocks = []
    records = (one for path in made.files for one in read_records([str(path)]))
    for one, candidate in zip(records, made.candidates, strict=True):
        if refused_by(candidate) not in ("", *NOT_WRONG):
            block, end, _ = one.text.partition("\n")[2].partition("M  END")
            blocks.append(f"{candidate.row['name']}\n{block}{end}\n{data_block({'reason': candidate.reason})}")
    return "".join(blocks)


def _record_path(output: Path) -> Path:
    plain = record_of(output)
    return plain if kind_of(output) == ".sdf" else output.with_name(f"{output.name}.json")


def _report(page: Path, files: Sequence[Path], folder: Path, train: Path | None) -> None:
    from moldiff.stages.check import check
    from moldiff.stages.report import report

    check(CheckOptions(), [str(path) for path in files], folder / "check", train=train)
    report(ReportOptions(title="moldiff generate"), page, samples=list(files), check=folder / "check")
