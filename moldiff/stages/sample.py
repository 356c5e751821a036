"""The sample stage: weights in, an SDF file of generated molecules out."""

import glob
import gzip
import hashlib
import json
import re
import shutil
import sys
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from moldiff.chemistry.formats.sdf import write_sdf_block, written_blocks
from moldiff.config.options import canonical_json, parse
from moldiff.config.sample import SampleOptions
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, only_writer, write_text
from moldiff.files.manifest import record_of, write_record
from moldiff.files.records import SamplesInfo
from moldiff.progress import Progress
from moldiff.sampling.acceptance import Acceptance
from moldiff.sampling.plan import Plan, PlannedBatch, known_sizes
from moldiff.sampling.sampler import Sampler
from moldiff.sampling.targets import OutsideRange
from moldiff.sampling.tasks import KeptPart
from moldiff.training.malloc import keep_large_buffers
from moldiff.version import version

_INDEX = re.compile(r"^>  <moldiff_index>\n(\d+)$", re.MULTILINE)
_RESTARTS = re.compile(r"^>  <moldiff_restarts>\n(\d+)$", re.MULTILINE)


def sample(
    options: SampleOptions,
    weights: str | Path,
    output: Path,
    *,
    shard: tuple[int, int] | None = None,
    overwrite: bool = False,
    announce: bool = True,
) -> Path:
    """Generate molecules and write them to an SDF file (.sdf or .sdf.gz), with a record of the run beside it (.json).

    Batches that a killed run had finished are kept in a folder beside the output, and the same command goes on
    from there; the molecules are those of an undisturbed run.

    Args:
        options: of the sampling.
        weights: a model's file, or the name of shipped weights.
        output: the SDF file.
        shard: (k, N) makes the k-th of N parts, to be joined by `merge_samples`.
        overwrite: start again even if there are finished batches.
        announce: say at the end what was made.

    Raises:
        UserError: the weights cannot be used, the output cannot be written, or another process is making it.
    """
    if not output.name.endswith((".sdf", ".sdf.gz")):
        raise UserError(f"{output}: molecules are written as SDF; end the name in .sdf or .sdf.gz")
    if shard is not None and not 0 <= shard[0] < shard[1]:
        raise UserError(f"shard {shard[0]} of {shard[1]} does not exist; the first is 0, the last {shard[1] - 1}")
    keep_large_buffers()
    sampler = Sampler.load(weights)
    with only_writer(output):
        return _sample(Plan.of(options, sampler.model.history), sampler, output, shard, overwrite, announce)


def merge_samples(parts: Sequence[Path], output: Path) -> Path:
    """Join the files of all shards into the file that one run would have written, molecules in order of their index.

    Raises:
        UserError: a part is missing, damaged, was made with other options, or a shard is given twice.
    """
    blocks = [block for part in parts for block in _split(part)]
    numbers = [_index_of(block) for block in blocks]
    if len(set(numbers)) != len(numbers):
        raise UserError(
            f"{output}: the parts {', '.join(map(str, parts))} hold the same molecule twice; give each once"
        )
    records = [SamplesInfo.beside(part, "sample this shard again") for part in parts]
    identities = {json.dumps([record.options, record.model], sort_keys=True) for record in records}
    if len(identities) != 1:
        raise UserError(f"{output}: the parts were made with different options or weights; sample all shards again")
    first = records[0]
    options = parse(SampleOptions, first.options, f"{record_of(parts[0])}: options")
    requested = sum(record.requested for record in records)
    if requested != options.n:
        raise UserError(f"{output}: the parts hold {requested} of {options.n} molecules; give all shards")
    _write(output, blocks)
    restarts, mean = _restarts(blocks, Plan.of(options))
    flawed = sum((Counter(record.flawed) for record in records), Counter[str]())
    joined = first.model_copy(
        update={
            "requested": requested,
            "produced": sum(record.produced for record in records),
            "not_finite": sum(record.not_finite for record in records),
            "flawed": dict(sorted(flawed.items())),
            "restarts": restarts,
            "mean_evaluations": mean,
            "seconds": round(sum(record.seconds for record in records), 3),
        }
    )
    write_record(record_of(output), joined.model_dump(), [output])
    return output


def _sample(
    plan: Plan, sampler: Sampler, output: Path, shard: tuple[int, int] | None, overwrite: bool, announce: bool
) -> Path:
    part, accepts = sampler.part(plan), sampler.acceptance(plan)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OutsideRange)
        batches = plan.batches(sampler.model.statistics, shard, kept=len(part) if part else 0)
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    asked, sizes = plan.options.atom_range, sampler.model.statistics.sizes
    if asked and not min(sizes) <= min(asked) <= max(asked) <= max(sizes):
        print(f"atoms {plan.options.atoms}: {known_sizes(sizes)}; expect fewer valid ones", file=sys.stderr)
    parts = output.with_name(f".{output.name}.{_identity(plan.options, sampler, shard, part, accepts)}.parts")
    if overwrite:
        shutil.rmtree(parts, ignore_errors=True)
    start = time.monotonic()
    requested = sum(len(batch.indices) for batch in batches)
    blocks: list[str] = []
    flawed: Counter[str] = Counter()
    with Progress("sample", "molecules", requested) as progress:
        for batch in batches:
            file = parts / f"{batch.number:06d}.sdf"
            flaws_file = file.with_suffix(".json")
            if not file.exists():
                text, flaws = _records(sampler, plan, batch, part)
                write_text(flaws_file, json.dumps(flaws))
                write_text(file, text)
            blocks += _split(file)
            flawed.update(json.loads(flaws_file.read_text(encoding="utf-8")))
            progress.update(len(batch.indices))
    seconds = time.monotonic() - start
    _write(output, blocks)
    restarts, mean = _restarts(blocks, plan)
    info = SamplesInfo(
        requested=requested,
        produced=len(blocks),
        not_finite=requested - len(blocks) - flawed.total(),
        flawed=dict(sorted(flawed.items())),
        evaluations=plan.evaluations,
        restarts=restarts,
        mean_evaluations=mean,
        seconds=round(seconds, 3),
        model=sampler.model.checksum,
        options=plan.options.model_dump(mode="json"),
        version=version(),
    )
    write_record(record_of(output), info.model_dump(), [output])
    for folder in output.parent.glob(f".{glob.escape(output.name)}.*.parts"):  # also those of a run with other options
        shutil.rmtree(folder, ignore_errors=True)
    if announce:
        print(f"{output}: {len(blocks)} of {requested} molecules in {seconds:.1f} s", file=sys.stderr)
        if plan.options.restart_if != "invalid":
            print(_first_attempts(info, plan.options), file=sys.stderr)
    return output


def _records(sampler: Sampler, plan: Plan, batch: PlannedBatch, part: KeptPart | None) -> tuple[str, dict[str, int]]:
    """The molecules of a batch as SDF, and how many are left out for each flaw at the part that is to be kept."""
    model, blocks = sampler.model, []
    flaws: Counter[str] = Counter()
    for molecule in sampler.batch(plan, batch, part):
        if not molecule.finite:
            continue
        if molecule.flaw:
            flaws[molecule.flaw] += 1
            continue
        properties = {
            "moldiff_index": molecule.index,
            "moldiff_seed": plan.options.seed,
            "moldiff_model": model.checksum[:12],
            "moldiff_restarts": molecule.restarts,
        }
        properties |= molecule.noted
        blocks.append(write_sdf_block(sampler.to_rdkit(molecule), properties))
    return "".join(blocks), dict(flaws)


def _restarts(blocks: list[str], plan: Plan) -> tuple[dict[str, int], float | None]:
    """Number of molecules by their number of restarts, and the evaluations for one on average."""
    counts = Counter(int(match.group(1)) for block in blocks if (match := _RESTARTS.search(block)))
    made, restarts = counts.total(), sum(number * count for number, count in counts.items())
    mean = plan.evaluations + restarts * plan.restart_evaluations / made if made else None
    return {str(number): counts[number] for number in sorted(counts)}, None if mean is None else round(mean, 2)


def _first_attempts(info: SamplesInfo, options: SampleOptions) -> str:
    """How many molecules met ``restart_if`` on the first attempt, which is what the network achieves alone."""
    passed = f"{info.restarts.get('0', 0)} of {info.requested} passed on the first attempt"
    return f"restart_if {options.restart_if}: {passed}; {info.mean_evaluations} evaluations a molecule"


def _identity(
    options: SampleOptions,
    sampler: Sampler,
    shard: tuple[int, int] | None,
    part: KeptPart | None,
    accepts: Acceptance,
) -> str:
    content = (part.checksum if part else "") + accepts.checksum
    text = f"{canonical_json(options)} {sampler.model.checksum} {shard} {version()} {content}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _split(path: Path) -> list[str]:
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; sample this shard first") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read ({error}); sample this shard again") from error
    try:
        blocks = written_blocks(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: cannot be read ({error}); sample this shard again") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}; sample this shard again") from None
    if any(_INDEX.search(block) is None for block in blocks):
        raise UserError(
            f"{path}: a record holds no moldiff_index; sample this shard again; merge only what `moldiff sample` wrote"
        )
    return blocks


def _index_of(block: str) -> int:
    match = _INDEX.search(block)
    assert match is not None  # as it was made, or as it was read
    return int(match.group(1))


def _write(output: Path, blocks: list[str]) -> None:
    data = "".join(sorted(blocks, key=_index_of)).encode("utf-8")
    with atomic_path(output) as temporary:
        temporary.write_bytes(gzip.compress(data, mtime=0) if output.suffix == ".gz" else data)
