"""What was run: data, training, sampling, options, versions, and the files with their checksums."""

import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from moldiff.config.run import Config
from moldiff.files.atomic import sha256
from moldiff.files.manifest import record_of
from moldiff.reporting.charts import Line, line_chart, share_bar
from moldiff.reporting.costs import costs_table
from moldiff.reporting.figures import number, percent, plain, size
from moldiff.reporting.layout import details, facts, flat, missing, note, section, table
from moldiff.reporting.markup import Markup, short, tag
from moldiff.reporting.sources import Evidence

LARGEST_CHECKSUM = 2_000_000_000
"""Bytes up to which a file's checksum is computed for the page."""


def training(evidence: Evidence) -> Markup:
    """What the training cost and how its losses fell."""
    if evidence.training is None:
        told = "No training folder was given: these molecules may come from anywhere."
        return section("training", "Training", missing(told))
    info, metrics = evidence.training_info or {}, evidence.metrics
    last = {} if metrics is None or metrics.empty else metrics.iloc[-1].to_dict()
    steps = number(info.get("steps", last.get("step")))
    minutes = number(info.get("minutes", last.get("minutes")))
    seen = number(info.get("molecules_seen", last.get("molecules")))
    speed = seen / (60 * minutes) if seen and minutes else None
    cost = facts([
        ("Optimiser steps", plain(steps)),
        ("Wall time", None if minutes is None else f"{plain(minutes)} minutes"),
        ("Molecules seen", plain(seen)),
        ("Speed", None if speed is None else f"{plain(speed)} molecules a second"),
        ("Device", _device(info)),
    ])  # fmt: skip
    if metrics is None or metrics.empty or "step" not in metrics:
        return section("training", "Training", cost, missing("No metrics.csv was found, so there is no loss curve."))
    step = metrics["step"].tolist()

    def line(column: str, label: str, style: str, dots: bool = False) -> Line:
        values = metrics[column].tolist() if column in metrics else [float("nan")] * len(step)
        return Line(label, step, values, style, dots)

    plots = [
        _plot("Loss", "training loss on noised molecules, and the same on held-out ones; lower is better",
              line_chart([line("loss", "training", "reference"), line("valid_loss", "validation", "generated", True)],
                         x_label="optimiser step", description="Training and validation loss by step", log_y=True)),
        _plot("Parts of the loss", "position: squared error; element, charge and bond: cross entropies; unweighted",
              line_chart([line(f"loss_{part}", part, f"line{index}") for index, part in
                          enumerate(("position", "element", "charge", "bond"))],
                         x_label="optimiser step", description="Parts of the training loss by step", log_y=True)),
    ]  # fmt: skip
    if any(column in metrics and np.isfinite(metrics[column]).any() for column in ("sampled_valid", "sampled_unique")):
        chart = line_chart(
            [line("sampled_valid", "valid", "generated", True), line("sampled_unique", "unique", "reference", True)],
            x_label="optimiser step", description="Validity and uniqueness sampled in training", y_range=(0.0, 1.05),
        )  # fmt: skip
        plots.append(_plot("Sampled in training", "share of a small sample that is valid, and unique among it", chart))
    return section("training", "Training", cost, tag("div", plots, class_="plots wide"))


def what_was_run(evidence: Evidence) -> Markup:
    """Records read and rejected, molecules requested and made, what the jobs cost, options, seeds and versions."""
    parts = [*_dataset(evidence), *_sampling(evidence), *costs_table(evidence.costs), *_options(evidence)]
    parts += _versions(evidence)
    return section("run", "What was run", *parts)


def files(evidence: Evidence) -> Markup:
    """Links to the files, relative to the page, with sizes and checksums."""
    named = [path for path in _candidates(evidence) if path.is_file()]
    if not named:
        return section("files", "Files", missing("No files were given."))
    body = []
    for path in named:
        octets = path.stat().st_size
        link = tag("a", short(_relative(evidence.output, path), 90), href=_address(evidence.output, path))
        digest = sha256(path) if octets <= LARGEST_CHECKSUM else "not computed"
        body.append((link, size(octets), tag("code", digest, class_="digest")))
    told = note("Links are relative to this page and work while the files stay where they are.")
    return section("files", "Files", told, table("Files of the run", ("File", "Size", "SHA-256"), body, numeric=(1,)))


def _dataset(evidence: Evidence) -> list[Markup]:
    heading = tag("h3", "Data")
    info = evidence.dataset_info
    if info is None:
        return [heading, missing("No featurized dataset was given.")]
    read, rejected = number(info.get("records_read")), number(info.get("rejected"))
    reasons = _mapping(info.get("reasons"))
    splits = _mapping(info.get("splits"))
    parts = [
        heading,
        facts([
            ("Records read", plain(read)),
            ("Molecules", plain(info.get("molecules"))),
            ("Conformers", plain(info["conformers"]) if "conformers" in info else None),
            ("Rejected", None if rejected is None else
             plain(rejected) + (f" ({percent(rejected / read)} of the records read)" if read else "")),
            ("Split", ", ".join(f"{short(k)} {plain(v)}" for k, v in splits.items()) or None),
            ("Hydrogens", info.get("hydrogens")),
        ]),
    ]  # fmt: skip
    if reasons:
        total = sum(number(count) or 0 for count in reasons.values()) or 1
        ranked = sorted(reasons.items(), key=lambda item: -(number(item[1]) or 0))
        body = [
            (
                short(reason, 120),
                plain(count),
                percent((number(count) or 0) / total),
                share_bar((number(count) or 0) / total, "bad"),
            )
            for reason, count in ranked[:15]
        ]
        head = ("Reason", "Records", "Of the rejected", "0 to 100\u202f%")
        parts.append(table("Why records were rejected", head, body, numeric=(1, 2)))
    if evidence.rejections:
        titles = [short(key, 40) for key in evidence.rejections[0]]
        lines = [[short(value, 80) for value in row.values()] for row in evidence.rejections]
        parts.append(details("The first rejected records", table("First rejected records", titles, lines)))
    return parts


def _sampling(evidence: Evidence) -> list[Markup]:
    parts = [tag("h3", "Sampling")]
    found = [(path, info) for path, info in zip(evidence.samples, evidence.sample_infos, strict=True) if info]
    if not found:
        return [*parts, missing("No record of a sampling was found beside the molecules.")]
    for path, info in found:
        requested, produced = number(info.get("requested")), number(info.get("produced"))
        seconds = number(info.get("seconds"))
        options = _mapping(info.get("options"))
        speed = f" ({plain(produced / seconds)} molecules a second)" if produced and seconds else ""
        share = (
            f" of {plain(requested)} requested ({percent(produced / requested)})"
            if produced is not None and requested
            else ""
        )
        parts.append(
            facts([
                ("File", short(path.name)),
                ("Molecules made", None if produced is None else plain(produced) + share),
                ("Evaluations for each", plain(info["evaluations"]) if "evaluations" in info else None),
                ("With restarts, in the mean", plain(mean) if (mean := number(info.get("mean_evaluations"))) else None),
                ("Time", None if seconds is None else f"{plain(seconds)} seconds{speed}"),
                ("Seed", plain(options["seed"]) if "seed" in options else None),
                ("Weights' checksum", tag("code", info["model"], class_="digest") if info.get("model") else None),
            ])
        )  # fmt: skip
    return parts


def _options(evidence: Evidence) -> list[Markup]:
    parts = [tag("h3", "Options")]
    config = evidence.config
    if config is not None:
        defaults = dict(flat(Config.model_construct().model_dump(mode="json")))
        named = {key: value for key, value in config.items() if not isinstance(value, Mapping)}
        groups = {"run": named, **{key: value for key, value in config.items() if isinstance(value, Mapping)}}
        parts.append(note("Options that differ from their default are bold."))
        for group, values in groups.items():
            prefix = "" if group == "run" else f"{group}."
            body = [_option(name, value, defaults.get(f"{prefix}{name}")) for name, value in flat(values)]
            parts.append(details(group, table(f"Options of {short(group)}", ("Option", "Value", "Default"), body)))
        return parts
    known = {
        "featurize": (evidence.dataset_info or {}).get("options"),
        "train": (evidence.training_info or {}).get("options"),
        "sample": next((info.get("options") for info in evidence.sample_infos if info), None),
        "check": (evidence.summary or {}).get("options"),
    }
    told = [details(stage, table(f"Options of {stage}", ("Option", "Value"), flat(values)))
            for stage, values in known.items() if isinstance(values, dict)]  # fmt: skip
    return [*parts, *(told or [missing("No configuration was given.")])]


def _option(name: str, value: str, default: str | None) -> tuple[object, ...]:
    changed = default is not None and value != default
    return (name, tag("strong", value) if changed else value, default if default is not None else "–")


def _versions(evidence: Evidence) -> list[Markup]:
    pairs: list[tuple[str, str, str]] = []
    for stage, info in (
        ("featurize", evidence.dataset_info),
        ("train", evidence.training_info),
        ("check", evidence.summary),
        ("report", {"versions": {name: _version(name) for name in ("moldiff", "rdkit", "numpy", "pandas")}}),
    ):
        versions = (info or {}).get("versions")
        if isinstance(versions, dict):
            pairs += [(stage, short(name), short(found)) for name, found in versions.items()]
    return [tag("h3", "Versions"), table("Versions of the software, by stage", ("Stage", "Software", "Version"), pairs)]


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _device(info: Mapping[str, Any]) -> str | None:
    told = [str(info["device"])] if info.get("device") else []
    told += [f"{plain(info[key])} {key if info[key] != 1 else key[:-2] if key == 'processes' else key[:-1]}"
             for key in ("processes", "threads") if number(info.get(key))]  # fmt: skip
    return ", ".join(told) or None


def _plot(title: str, meaning: str, chart: Markup) -> Markup:
    return tag("figure", chart, tag("figcaption", tag("strong", title), ": ", meaning))


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


def _relative(output: Path, path: Path) -> str:
    return Path(os.path.relpath(path.absolute(), output.absolute().parent)).as_posix()


def _address(output: Path, path: Path) -> str:
    return quote(_relative(output, path).encode("utf-8", "surrogateescape"), safe="/")
