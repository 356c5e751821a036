"""What the training cost and how its losses fell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from moldiff.files.records import TrainingInfo
from moldiff.reporting.charts import Line, Plot, line_chart
from moldiff.reporting.evidence import Evidence
from moldiff.reporting.figures import number, plain

PREFIX = "loss_"
"""Columns of metrics.csv that start so are the parts of the loss."""
MEANINGS = {"position": "squared error", "preference": "how badly refused molecules are told from preferred ones"}
"""What a part is, if it is not a cross entropy of categories."""


@dataclass(frozen=True)
class Curve:
    """A chart with its title and what it shows; ``plot`` is None where nothing was recorded."""

    title: str
    meaning: str
    plot: Plot | None


@dataclass(frozen=True)
class Training:
    """Facts (name and value), the loss and what was sampled on the way, and each part of the loss on its own scale."""

    facts: Sequence[tuple[str, str]]
    curves: Sequence[Curve]
    parts: Sequence[Curve]


def training(evidence: Evidence) -> Training | None:
    """Cost and curves of the training; None where none was given."""
    if evidence.training is None:
        return None
    info, metrics = evidence.training_info or TrainingInfo(), evidence.metrics
    last = {} if metrics is None or metrics.empty else metrics.iloc[-1].to_dict()
    steps = number(last.get("step")) if info.steps is None else info.steps
    minutes = number(last.get("minutes")) if info.minutes is None else info.minutes
    seen = number(last.get("molecules")) if info.molecules_seen is None else info.molecules_seen
    facts = [("Optimiser steps", plain(steps)), ("Molecules seen", plain(seen))]
    if minutes is not None:
        facts.insert(1, ("Wall time", f"{plain(minutes)} minutes"))
    if seen and minutes:
        facts.append(("Speed", f"{plain(seen / (60 * minutes))} molecules a second"))
    if device := _device(info):
        facts.append(("Device", device))
    if metrics is None or metrics.empty or "step" not in metrics:
        return Training(facts, [], [])
    step = metrics["step"].tolist()

    def line(column: str, label: str, style: str, dots: bool = False) -> Line:
        values = metrics[column].tolist() if column in metrics else [float("nan")] * len(step)
        return Line(label, step, values, style, dots)

    curves = [
        Curve(
            "Loss",
            "training loss on noised molecules, and the same on held-out ones; lower is better",
            line_chart(
                [line("loss", "training", "reference"), line("valid_loss", "validation", "generated", True)],
                x_label="optimiser step",
                description="Training and validation loss by step",
                log_y=True,
            ),
        )
    ]
    if any(column in metrics and np.isfinite(metrics[column]).any() for column in ("sampled_valid", "sampled_unique")):
        chart = line_chart(
            [line("sampled_valid", "valid", "generated", True), line("sampled_unique", "unique", "reference", True)],
            x_label="optimiser step",
            description="Validity and uniqueness sampled in training",
            y_range=(0.0, 1.05),
        )
        curves.append(Curve("Sampled in training", "share of a small sample that is valid, and unique in it", chart))
    names = [c for c in metrics.columns if str(c).startswith(PREFIX) and np.isfinite(metrics[c]).any()]
    parts = []
    for index, name in enumerate(names):
        title = name.removeprefix(PREFIX)
        chart = line_chart(
            [line(name, title, f"line{index % 4}")],
            x_label="optimiser step",
            description=f"Training loss of the part {title} by step",
            log_y=True,
            size=(320, 200),
            legend=False,
        )
        parts.append(Curve(title, f"{MEANINGS.get(title, 'cross entropy')}, unweighted", chart))
    return Training(facts, curves, parts)


def _device(info: TrainingInfo) -> str:
    words = [info.device] if info.device else []
    for count, one, many in ((info.processes, "process", "processes"), (info.threads, "thread", "threads")):
        if count:
            words.append(f"{plain(count)} {one if count == 1 else many}")
    return ", ".join(words)
