"""What was run: data, sampling, costs, options, versions, and the files with their checksums."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from moldiff.config.run import Config
from moldiff.files.atomic import sha256
from moldiff.files.manifest import record_of
from moldiff.reporting.costs import Cost
from moldiff.reporting.evidence import Evidence
from moldiff.reporting.figures import flat, number, percent, plain, short, size

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
    read, rejected = number(info.get("records_read")), number(info.get("rejected"))
    facts = [("Records read", plain(read)), ("Molecules", plain(info.get("molecules")))]
    if "conformers" in info:
        facts.append(("Conformers", plain(info["conformers"])))
    if rejected is not None:
        share = f" ({percent(rejected / read)} of the records read)" if read else ""
        facts.append(("Rejected", plain(rejected) + share))
    if splits := _mapping(info.get("splits")):
        facts.append(("Split", ", ".join(f"{short(k)} {plain(v)}" for k, v in splits.items())))
    if info.get("hydrogens"):
        facts.append(("Hydrogens", str(info["hydrogens"])))
    counts = {short(reason, 120): number(count) or 0 for reason, count in _mapping(info.get("reasons")).items()}
    total = sum(counts.values()) or 1
    ranked = sorted(counts.items(), key=lambda item: -item[1])[:15]
    return Data(facts, [(reason, plain(count), count / total) for reason, count in ranked], evidence.rejections)


def _sampling(path: Path, info: Mapping[str, Any]) -> Sampling:
    requested, produced = number(info.get("requested")), number(info.get("produced"))
    seconds, mean = number(info.get("seconds")), number(info.get("mean_evaluations"))
    facts = [("File", short(path.name))]
    if produced is not None:
        share = f" of {plain(requested)} requested ({percent(produced / requested)})" if requested else ""
        facts.append(("Molecules made", plain(produced) + share))
    if "evaluations" in info:
        facts.append(("Evaluations for each", plain(info["evaluations"])))
    if mean:
        facts.append(("With restarts, on average", plain(mean)))
    if seconds is not None:
        speed = f" ({plain(produced / seconds)} molecules a second)" if produced and seconds else ""
        facts.append(("Time", f"{plain(seconds)} seconds{speed}"))
    options = _mapping(info.get("options"))
    if "seed" in options:
        facts.append(("Seed", plain(options["seed"])))
    return Sampling(facts, str(info.get("model") or ""))


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
        "featurize": (evidence.dataset_info or {}).get("options"),
        "train": (evidence.training_info or {}).get("options"),
        "sample": next((info.get("options") for info in evidence.sample_infos if info), None),
        "check": (evidence.summary or {}).get("options"),
    }
    return [
        OptionGroup(stage, [(name, value, None) for name, value in flat(values)])
        for stage, values in known.items()
        if isinstance(values, dict)
    ]


def _versions(evidence: Evidence) -> list[tuple[str, str, str]]:
    versions_by_stage: list[tuple[str, str, str]] = []
    for stage, info in (
        ("featurize", evidence.dataset_info),
        ("train", evidence.training_info),
        ("check", evidence.summary),
        ("report", {"versions": {name: _version(name) for name in ("moldiff", "rdkit", "numpy", "pandas")}}),
    ):
        versions = _mapping((info or {}).get("versions"))
        versions_by_stage += [(stage, short(name), short(number)) for name, number in versions.items()]
    return versions_by_stage


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


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
