"""What was run: data, sampling, costs, options, versions, and the files with their checksums."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import quote

from moldiff.config.run import Config
from moldiff.files.atomic import sha256
from moldiff.files.manifest import record_of
from moldiff.files.records import SamplesInfo
from moldiff.reporting.costs import Cost
from moldiff.reporting.evidence import Evidence
from moldiff.reporting.figures import flat, percent, plain, short, size

LARGEST_CHECKSUM = 2_000_000_000
"""Bytes up to which a file's checksum is computed for the page."""

Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Data:
    """The dataset: facts, reasons of rejection with their counts and shares, and the first rejected records."""

    facts: Facts
    reasons: Sequence[tuple[str, str, float]]
    rejections: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Sampling:
    """How one file of molecules was sampled."""

    facts: Facts
    weights: str


@dataclass(frozen=True)
class OptionGroup:
    """Options of a stage: name, value, default (None where it is not known)."""

    name: str
    options: Sequence[tuple[str, str, str | None]]


@dataclass(frozen=True)
class File:
    """A file of the run: its path from the page, the address of the link, its size and checksum."""

    path: str
    address: str
    size: str
    digest: str


@dataclass(frozen=True)
class Run:
    """The section's content; ``configured`` says whether the options are those of a configuration."""

    data: Data | None
    samplings: Sequence[Sampling]
    costs: Sequence[Cost]
    configured: bool
    options: Sequence[OptionGroup]
    versions: Sequence[tuple[str, str, str]]


def what_was_run(evidence: Evidence) -> Run:
    """Records read and rejected, molecules requested and made, what the jobs cost, options, seeds and versions."""
    return Run(
        data=_data(evidence),
        samplings=[
            _sampling(path, info) for path, info in zip(evidence.samples, evidence.sample_infos, strict=True) if info
        ],
        costs=evidence.costs,
        configured=evidence.config is not None,
        options=_options(evidence),
        versions=_versions(evidence),
    )


def files(evidence: Evidence) -> list[File]:
    """The files of the run, relative to the page, with sizes and checksums."""
    listed = []
    for path in _candidates(evidence):
        if path.is_file():
            octets = path.stat().st_size
            relative = Path(os.path.relpath(path.absolute(), evidence.output.absolute().parent)).as_posix()
            digest = sha256(path) if octets <= LARGEST_CHECKSUM else "not computed"
            address = quote(relative.encode("utf-8", "surrogateescape"), safe="/")
            listed.append(File(short(relative, 90), address, size(octets), digest))
    return listed


def _data(evidence: Evidence) -> Data | None:
    info = evidence.dataset_info
    if info is None:
        return None
    read, rejected = info.records_read, info.rejected
    facts = [("Records read", plain(read)), ("Molecules", plain(info.molecules))]
    facts.append(("Conformers", plain(info.conformers)))
    if rejected is not None:
        share = f" ({percent(rejected / read)} of the records read)" if read else ""
        facts.append(("Rejected", plain(rejected) + share))
    if info.splits:
        facts.append(("Split", ", ".join(f"{short(k)} {plain(v)}" for k, v in info.splits.items())))
    if info.hydrogens:
        facts.append(("Hydrogens", info.hydrogens))
    counts = {short(reason, 120): count for reason, count in info.reasons.items()}
    total = sum(counts.values()) or 1
    ranked = sorted(counts.items(), key=lambda item: -item[1])[:15]
    return Data(facts, [(reason, plain(count), count / total) for reason, count in ranked], evidence.rejections)


def _sampling(path: Path, info: SamplesInfo) -> Sampling:
    made = plain(info.produced)
    if info.requested:
        made += f" of {plain(info.requested)} requested ({percent(info.produced / info.requested)})"
    facts = [("File", short(path.name)), ("Molecules made", made)]
    if info.evaluations is not None:
        facts.append(("Evaluations for each", plain(info.evaluations)))
    if info.mean_evaluations:
        facts.append(("With restarts, on average", plain(info.mean_evaluations)))
    speed = f" ({plain(info.produced / info.seconds)} molecules a second)" if info.produced and info.seconds else ""
    facts.append(("Time", f"{plain(info.seconds)} seconds{speed}"))
    if "seed" in info.options:
        facts.append(("Seed", plain(info.options["seed"])))
    return Sampling(facts, info.model)


def _options(evidence: Evidence) -> list[OptionGroup]:
    config = evidence.config
    if config is not None:
        defaults = dict(flat(Config.model_construct().model_dump(mode="json")))
        named = {key: value for key, value in config.items() if not isinstance(value, Mapping)}
        groups = {"run": named, **{key: value for key, value in config.items() if isinstance(value, Mapping)}}
        return [
            OptionGroup(
                group,
                [
                    (name, value, defaults.get(name if group == "run" else f"{group}.{name}"))
                    for name, value in flat(values)
                ],
            )
            for group, values in groups.items()
        ]
    known = {
        "featurize": evidence.dataset_info,
        "train": evidence.training_info,
        "sample": next((info for info in evidence.sample_infos if info), None),
        "check": evidence.summary,
    }
    return [
        OptionGroup(stage, [(name, value, None) for name, value in flat(info.options)])
        for stage, info in known.items()
        if info is not None and info.options
    ]


def _versions(evidence: Evidence) -> list[tuple[str, str, str]]:
    stages = (("featurize", evidence.dataset_info), ("train", evidence.training_info), ("check", evidence.summary))
    known = {stage: info.versions for stage, info in stages if info is not None}
    known["report"] = {name: _version(name) for name in ("moldiff", "rdkit", "numpy", "pandas")}
    return [(stage, short(name), short(text)) for stage, versions in known.items() for name, text in versions.items()]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _candidates(evidence: Evidence) -> list[Path]:
    paths: list[Path] = []
    for folder, names in (
        (evidence.dataset, ("dataset.json", "molecules.parquet", "arrays.safetensors", "rejected.csv")),
        (evidence.training, ("model.safetensors", "metrics.csv", "train.json")),
    ):
        paths += [folder / name for name in names] if folder else []
    for samples in evidence.samples:
        paths += [samples, record_of(samples)]
    if evidence.check:
        paths += [evidence.check / name for name in ("summary.json", "rows.csv", "rows.parquet")]
    return list(dict.fromkeys(paths))
