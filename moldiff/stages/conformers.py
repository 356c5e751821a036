"""Conformers of known graphs and hydrogens on heavy atoms: molecules in, an SDF file out, in the order they came."""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from rdkit import Chem

from moldiff.chemistry.formats.records import Record, count_records, read_records
from moldiff.chemistry.formats.sdf import write_sdf_block, written_blocks
from moldiff.chemistry.reading import molecules_of
from moldiff.chemistry.stereo import asks_stereo, with_positions
from moldiff.config.conformers import ConformersOptions, HydrogensOptions
from moldiff.config.sample import SampleOptions
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, only_writer
from moldiff.files.manifest import read_record, record_of, write_record
from moldiff.models.abilities import require_task
from moldiff.progress import Progress
from moldiff.sampling.conformers import Posed, heavy_atoms, pose
from moldiff.sampling.intake import Intake, prepared
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.training.malloc import keep_large_buffers
from moldiff.version import version

CHUNK = 256
"""Records that are in memory at a time; also the run of records that stays in one shard."""

COUNTED = ("records", "refused", "requested", "produced", "with_stereo", "stereo_right_at_first")
"""Counts of a record that add up over shards: records of molecules, refused ones, conformers asked for and written,
those asked for with some stereochemistry, and how many of these had it before any was mirrored or made again."""


def conformers(
    options: ConformersOptions,
    inputs: Sequence[str],
    weights: str | Path,
    output: Path,
    *,
    shard: tuple[int, int] = (0, 1),
) -> Path:
    """Conformers of every molecule of the inputs, with a record of the run beside them (.json).

    Stereochemistry that a molecule has is that of its conformers; what comes out otherwise is left out and counted.

    Args:
        options: of the command.
        inputs: files or globs of molecules; coordinates that they have say their stereochemistry and nothing else.
        weights: a model's file, or the name of shipped weights.
        output: the SDF file.
        shard: (k, N) for the k-th of N parts, which are joined by `merge`.

    Raises:
        UserError: a file or the weights cannot be used, or no conformer is made.
    """
    return _run(options, options.n, inputs, weights, output, shard, fixed=False)


def hydrogens(
    options: HydrogensOptions,
    inputs: Sequence[str],
    weights: str | Path,
    output: Path,
    *,
    shard: tuple[int, int] = (0, 1),
) -> Path:
    """Hydrogens for every molecule of the inputs, whose heavy atoms do not move; see `conformers`.

    Hydrogens that a molecule has are placed again.

    Raises:
        UserError: see `conformers`; or the weights do not make hydrogens.
    """
    return _run(options, 1, inputs, weights, output, shard, fixed=True)


def merge(parts: Sequence[Path], output: Path) -> Path:
    """Join the files of all shards into the file that one run would have written, with a record beside it.

    Raises:
        UserError: a part is missing, damaged, was made with other options, or is given twice.
    """
    remedy = "make this shard again"
    records = [read_record(record_of(part), remedy) for part in parts]
    blocks: list[tuple[int, int, str]] = []
    for part in parts:
        try:
            written = written_blocks(part.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{part}: cannot be read ({error}); {remedy}") from None
        except ValueError as error:
            raise UserError(f"{part}: {error}; {remedy}") from None
        blocks += (_numbered(part, block) for block in written)
    if len({(record, conformer) for record, conformer, _ in blocks}) != len(blocks):
        raise UserError(f"{output}: the parts hold the same conformer twice; give each part once")
    joined = _joined(records, output)
    with only_writer(output):
        with atomic_path(output) as temporary:
            temporary.write_text("".join(block for *_, block in sorted(blocks)), encoding="utf-8", newline="\n")
        write_record(record_of(output), joined, [output])
    return output


def _joined(records: Sequence[dict[str, Any]], output: Path) -> dict[str, Any]:
    """The record of all shards together."""
    try:
        made = {json.dumps([one["options"], one["model"], one["shard"][1]], sort_keys=True) for one in records}
        shards = sorted(one["shard"][0] for one in records)
        first = records[0]
        if len(made) != 1:
            raise UserError(f"{output}: the parts were made with different options or weights; make all shards again")
        if shards != list(range(first["shard"][1])):
            given = ", ".join(str(shard + 1) for shard in shards)
            raise UserError(f"{output}: of {first['shard'][1]} shards {given} are given; give each once")
        failed = sum((Counter(one["failed"]) for one in records), Counter[str]())
        sums = {name: sum(one[name] for one in records) for name in COUNTED}
        seconds = round(sum(one["seconds"] for one in records), 3)
    except (KeyError, TypeError, IndexError, AttributeError):
        raise UserError(f"{output}: the parts are not those of `moldiff conformers` or `hydrogens`") from None
    kept = {name: first[name] for name in ("model", "options", "version")}
    return {**sums, "failed": dict(failed.most_common()), "seconds": seconds, "shard": [0, 1], **kept}


def _numbered(part: Path, block: str) -> tuple[int, int, str]:
    """The numbers of a block's record and conformer, and the block."""
    lines = block.split("\n")
    numbers = []
    for name in ("record", "conformer"):
        tag = f">  <moldiff_{name}>"
        value = lines[lines.index(tag) + 1] if tag in lines else ""
        if not value.isdecimal():
            raise UserError(f"{part}: a record holds no moldiff_{name}; merge only what `moldiff conformers` wrote")
        numbers.append(int(value))
    return numbers[0], numbers[1], block


def _run(
    options: ConformersOptions | HydrogensOptions,
    n: int,
    inputs: Sequence[str],
    weights: str | Path,
    output: Path,
    shard: tuple[int, int],
    *,
    fixed: bool,
) -> Path:
    if not output.name.endswith(".sdf"):
        raise UserError(f"{output}: molecules are written as SDF; end the name in .sdf")
    keep_large_buffers()
    sampler = Sampler.load(weights)
    try:
        require_task(sampler.model.history, sampler.model.statistics.hydrogens, "hydrogens" if fixed else "conformer")
    except UserError as error:
        raise UserError(f"{weights}: {error}") from None
    chosen = {name: getattr(options, name) for name in ("seed", "steps", "precision", "batch_pairs", "accelerator")}
    plan = Plan.of(SampleOptions(restarts=0, threads=options.threads, **chosen))
    prepare = partial(prepared, intake=Intake.of(sampler.model), fixed=fixed)
    start = time.monotonic()
    counts: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    total = count_records(list(inputs))
    with (
        only_writer(output),
        atomic_path(output) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
        Progress(output.stem, "conformers", None if total is None else n * -(-total // shard[1])) as progress,
    ):
        for number, records in _chunks(inputs, shard):
            mols: list[tuple[Record, Chem.Mol]] = []
            for record, (mol, reason) in zip(records, molecules_of(records, prepare), strict=True):
                counts["records"] += 1
                if mol is None:
                    failed[reason] += n
                    counts["refused"] += 1
                else:
                    mols.append((record, mol))
            heavy = [heavy_atoms(mol) for _, mol in mols] if fixed else None
            posed = pose(
                sampler,
                plan,
                [mol for _, mol in mols],
                n,
                fixed=heavy,
                attempts=options.attempts,
                numbers=(number,),
                on_batch=progress.update,
            )
            for (record, _), one in zip(mols, posed, strict=True):
                counts["produced"] += _write(file, record, one, number, records)
                if asks_stereo(one.mol):
                    counts["with_stereo"] += n
                    counts["stereo_right_at_first"] += one.right_at_first
                if missing := n - len(one.conformers):
                    failed[one.failed.most_common(1)[0][0]] += missing
        if not counts["produced"]:  # while an earlier result still stands
            told = ", ".join(f"{reason} ({count})" for reason, count in failed.most_common(3)) or "no record was read"
            raise UserError(f"{output}: nothing was made of {counts['records']} records: {told}")
    seconds = time.monotonic() - start
    counts["requested"] = counts["records"] * n
    summary = {
        **{name: counts[name] for name in COUNTED},
        "failed": dict(failed.most_common()),
        "seconds": round(seconds, 3),
        "shard": list(shard),
        "model": sampler.model.checksum,
        "options": options.model_dump(mode="json"),
        "version": version(),
    }
    write_record(record_of(output), summary, [output])
    print(
        f"{output}: {counts['produced']} of {counts['requested']} in {seconds:.1f} s"
        + (f"; left out: {json.dumps(dict(failed.most_common(5)), ensure_ascii=False)}" if failed else ""),
        file=sys.stderr,
    )
    return output


def _chunks(inputs: Sequence[str], shard: tuple[int, int]) -> Iterator[tuple[int, list[Record]]]:
    records, number = read_records(list(inputs)), 0
    while chunk := list(islice(records, CHUNK)):
        if number % shard[1] == shard[0]:
            yield number, chunk
        number += 1


def _write(file: TextIO, record: Record, posed: Posed, number: int, records: list[Record]) -> int:
    place = number * CHUNK + records.index(record)
    for conformer, positions in enumerate(posed.conformers):
        mol = with_positions(posed.mol, positions)
        mol.SetProp("_Name", record.name)
        properties: dict[str, Any] = {"moldiff_record": place + 1, "moldiff_conformer": conformer + 1}
        file.write(write_sdf_block(mol, properties))
    return len(posed.conformers)
