"""The optimize stage: molecules and a score in; better ones out, every evaluation logged, resumable."""

import csv
import hashlib
import io
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem

from moldiff.chemistry.arrays import MoleculeArrays, to_arrays
from moldiff.chemistry.formats.records import read_records
from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.chemistry.fragments import read_molecule
from moldiff.chemistry.parsing import Rejected, parse_record
from moldiff.chemistry.reading import KEPT, molecules_of
from moldiff.config.optimize import OptimizeOptions
from moldiff.config.options import canonical_json
from moldiff.config.sample import SampleOptions
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, only_writer, sha256, write_text
from moldiff.files.manifest import record_of, write_record
from moldiff.models.abilities import require_task
from moldiff.parallel import apart
from moldiff.sampling.intake import Intake, in_its_pose
from moldiff.sampling.metropolis import Evaluation, Member, advance, best
from moldiff.sampling.moves import moved
from moldiff.sampling.plan import Plan, tail
from moldiff.sampling.sampler import Sampler
from moldiff.sampling.scores import Scorer
from moldiff.seeds import Stream, stream_seed
from moldiff.training.malloc import keep_large_buffers
from moldiff.version import version

LOG_COLUMNS = ("round", "place", "smiles", "score", "accepted", "reason")


def optimize(
    options: OptimizeOptions,
    start: Path,
    weights: str | Path,
    output: Path,
    *,
    columns: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Write the best molecules that the moves came to, best first, with all evaluations (.csv) and a record (.json).

    Rounds that a killed run had finished are kept in a hidden folder beside the output; the same command goes on there.

    Args:
        options: of the command.
        start: SDF file of one or several molecules with poses.
        weights: a model's file, or the name of shipped weights.
        output: the SDF file.
        columns: own columns by name: ``FILE.py:FUNCTION``, ``command: LINE``.

    Raises:
        UserError: a molecule to start from has no score, or the score, the weights or a file cannot be used.
    """
    if not output.name.endswith(".sdf"):
        raise UserError(f"{output}: molecules are written as SDF; end the name in .sdf")
    keep_large_buffers()
    sampler = Sampler.load(weights)
    if options.parts:
        try:
            require_task(sampler.model.history, sampler.model.statistics.hydrogens, "fragment")
        except UserError as error:
            raise UserError(f"{weights}: {error}; with --parts 0 all moves change whole molecules") from None
    given = options.reference
    reference = None if given is None else Chem.Mol(apart(_reference, given, given))
    scorer = Scorer(sampler.decoder, options.score, columns or {}, reference)
    chosen = {name: getattr(options, name) for name in ("seed", "steps", "precision", "accelerator", "threads")}
    plan = Plan.of(SampleOptions(restarts=0, **chosen))
    first = _started(start, sampler, scorer)
    population = [first[place % len(first)] for place in range(options.population)]
    text = f"{canonical_json(options)} {sampler.model.checksum} {sha256(start)} {version()}"
    text += str(sorted(scorer.columns.items()))
    if given is not None:
        text += sha256(Path(given))
    begin, evaluations = time.monotonic(), list[Evaluation]()
    with only_writer(output):
        folder = output.with_name(f".{output.name}.{hashlib.sha256(text.encode()).hexdigest()[:12]}.rounds")
        for number in range(options.rounds):
            path = folder / f"{number:05d}.sdf"
            if path.exists():
                proposals = scorer(_read(path))
            else:
                seed = stream_seed(options.seed, Stream.SAMPLES, number)
                members = [member.arrays for member in population]
                proposals = scorer(moved(sampler, plan, members, options.noise, options.parts, seed))
                write_text(path, "".join(_block(sampler, one) for one in proposals))
            random = np.random.default_rng(stream_seed(options.seed, Stream.MOVES, number))
            population, made = advance(population, proposals, number + 1, options.temperature, random)
            evaluations += made
            scores = [member.score for member in population if member.score is not None]
            accepted = sum(one.accepted for one in made)
            summary = f"{accepted} of {len(made)} accepted, mean {np.mean(scores):.4g}, best {max(scores):.4g}"
            print(f"round {number + 1}: {summary}", file=sys.stderr)
        winners = best(evaluations, first, options.population)
        _write(output, sampler, winners)
        write_text(output.with_suffix(".csv"), _log(evaluations))
        scored = [member.score for member in first if member.score is not None]
        record = {
            "start": {"molecules": len(first), "best": max(scored), "mean": float(np.mean(scored))},
            "best": winners[0].score,
            "population_mean": float(np.mean(scores)),
            "evaluations": len(evaluations),
            "accepted": sum(one.accepted for one in evaluations),
            "reasons": _reasons(evaluations),
            "network_evaluations": len(evaluations) * (len(tail(plan.grid, options.noise)) - 1),
            "written": len(winners),
            "seconds": round(time.monotonic() - begin, 3),
            "model": sampler.model.checksum,
            "columns": dict(scorer.columns),
            "options": options.model_dump(mode="json"),
            "version": version(),
        }
        record = write_record(record_of(output), record, [output, output.with_suffix(".csv")])
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{output}: {len(winners)} molecules, the best {winners[0].score:.4g}", file=sys.stderr)
    return record


def _started(path: Path, sampler: Sampler, scorer: Scorer) -> list[Member]:
    records = list(read_records([str(path)]))
    arrays = []
    for record, (mol, reason) in zip(
        records, molecules_of(records, partial(in_its_pose, intake=Intake.of(sampler.model))), strict=True
    ):
        if mol is None:
            raise UserError(f"{path}, record {record.index}: {reason}; start from valid molecules in their poses")
        arrays.append(to_arrays(mol))
    if not arrays:
        raise UserError(f"{path}: holds no molecule")
    members = scorer(arrays)
    for number, member in enumerate(members, start=1):
        if member.score is None:
            raise UserError(f"{path}, record {number}: has no score ({member.problem or 'not finite'})")
    return members


def _reference(path: str) -> bytes:
    return Chem.RemoveHs(read_molecule(path)).ToBinary(KEPT)


def _block(sampler: Sampler, member: Member) -> str:
    """A proposal in full precision: positions in a property, since a resumed run has to go on from the same ones."""
    arrays = member.arrays
    finite = np.nan_to_num(arrays.positions, nan=0.0, posinf=0.0, neginf=0.0)
    shown = MoleculeArrays(finite, arrays.atomic_numbers, arrays.formal_charges, arrays.bonds, arrays.bond_orders)
    return write_sdf_block(sampler.decoder.rdkit(shown), {"moldiff_positions": arrays.positions.tobytes().hex()})


def _read(path: Path) -> list[MoleculeArrays]:
    """The proposals of a finished round.

    Raises:
        UserError: something changed the file.
    """
    try:
        return _proposals(path)
    except (Rejected, KeyError, ValueError) as error:
        raise UserError(f"{path}: is damaged ({str(error)[:100]}); remove it, and its round is made again") from None


def _proposals(path: Path) -> list[MoleculeArrays]:
    result = []
    for record in read_records([str(path)]):
        exact = np.frombuffer(bytes.fromhex(record.properties["moldiff_positions"])).reshape(-1, 3)
        if not len(exact):
            none = np.zeros(0, int)
            result.append(MoleculeArrays(exact, none, none, none.reshape(-1, 2), none))
            continue
        arrays = to_arrays(parse_record(record))
        result.append(
            MoleculeArrays(exact, arrays.atomic_numbers, arrays.formal_charges, arrays.bonds, arrays.bond_orders)
        )
    return result


def _write(output: Path, sampler: Sampler, winners: Sequence[Member]) -> None:
    with atomic_path(output) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for number, member in enumerate(winners):
            mol = sampler.decoder.rdkit(member.arrays, f"optimized_{number:04d}")
            file.write(write_sdf_block(mol, {"moldiff_score": member.score}))


def _log(evaluations: Sequence[Evaluation]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LOG_COLUMNS)
    for one in evaluations:
        score = "" if one.member.score is None else one.member.score
        writer.writerow([one.round, one.place, one.member.key, score, str(one.accepted).lower(), one.reason])
    return text.getvalue()


def _reasons(evaluations: Sequence[Evaluation]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in evaluations:
        counts[one.reason] = counts.get(one.reason, 0) + 1
    return dict(sorted(counts.items()))
