"""The page of a comparison: the table, molecules of each set, and their distributions over each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from moldiff.reporting.charts import Line as Curve
from moldiff.reporting.charts import Plot, line_chart
from moldiff.reporting.comparison import TITLES, Cell, Line, written
from moldiff.reporting.figures import name_of, short
from moldiff.reporting.histograms import join, stated
from moldiff.reporting.pictures import Picture, Request, draw_all
from moldiff.reporting.rendering import render, source
from moldiff.reporting.sections.outcome import label
from moldiff.reporting.sections.properties import PROPERTIES
from moldiff.scoring.records import CheckSummary, DescriptorRecord

COLOURS = 5
"""Style classes set0, set1 and so on; more sets begin again."""
PICTURES = 10
"""Molecules drawn of each set."""


@dataclass(frozen=True)
class Sample:
    """Some molecules of one set, chosen at random: how many there are to choose from, and name and picture of each."""

    name: str
    distinct: int
    cards: Sequence[tuple[str, Picture]]


@dataclass(frozen=True)
class Row:
    """A line of the table: what it is called and means, its unit, and each cell beside its text."""

    title: str
    meaning: str
    unit: str
    cells: Sequence[tuple[Cell, str]]


@dataclass(frozen=True)
class Chart:
    """Distributions of one descriptor over each other; ``plot`` is None where no set has any."""

    title: str
    plot: Plot | None


def comparison_page(
    names: Sequence[str],
    lines: Sequence[Line],
    summaries: Sequence[CheckSummary],
    rows: Sequence[pd.DataFrame],
    warnings: Sequence[str],
) -> str:
    """The page as one HTML document that loads nothing and runs no script.

    Args:
        names: the sets.
        lines: the numbers.
        summaries: their summaries, for the histograms of the descriptors.
        rows: their rows, for the pictures; empty tables where there are none.
        warnings: what makes them incomparable.
    """
    reference = _reference(summaries)
    shown = [(p.name, p.label) for p in PROPERTIES if any(p.name in s.descriptors for s in summaries)]
    charts = [Chart(label, _plot(names, summaries, column, reference)) for column, label in shown]
    legend = [(name, f"set{place % COLOURS}") for place, name in enumerate(names)]
    return render(
        "comparison.html",
        title="Comparison of checked molecules",
        names=names,
        warnings=warnings,
        tables=[(title, table) for group, title in TITLES.items() if (table := _table(lines, group))],
        samples=[_sample(name, table) for name, table in zip(names, rows, strict=True)],
        charts=[chart for chart in charts if chart.plot is not None],
        legend=[*legend, ("reference", "reference")] if reference else legend,
        style=source("style.css"),
        digest="",
    )


def _table(lines: Sequence[Line], group: str) -> list[Row]:
    """The lines of a group as people read them."""
    return [
        Row(*label(line.name), line.unit, [(cell, written(line, cell)) for cell in line.cells])
        for line in lines
        if line.group == group
    ]


def _reference(summaries: Sequence[CheckSummary]) -> Mapping[str, DescriptorRecord]:
    """Descriptors of the reference, if all sets were compared with the same one; else none."""
    checksums = {s.reference.checksum if s.reference else None for s in summaries}
    return summaries[0].reference_descriptors if len(checksums) == 1 and None not in checksums else {}


def _plot(
    names: Sequence[str], summaries: Sequence[CheckSummary], column: str, reference: Mapping[str, DescriptorRecord]
) -> Plot | None:
    """Shares in common bins, one curve a set; what lies outside of nearly all values is counted in the last bins."""
    histograms = [
        (name, f"set{place % COLOURS}", histogram)
        for place, (name, summary) in enumerate(zip(names, summaries, strict=True))
        if (histogram := stated(summary.descriptors.get(column))) is not None
    ]
    if not histograms:
        return None
    theirs = stated(reference.get(column))
    histograms = [entry for entry in histograms if entry[2].bins == histograms[0][2].bins]
    if theirs is not None and theirs.bins == histograms[0][2].bins:
        histograms.insert(0, ("reference", "reference", theirs))
    binned = join([histogram for _, _, histogram in histograms])
    middles = ((binned.edges[:-1] + binned.edges[1:]) / 2).tolist()
    curves = [
        Curve(name, middles, (100 * row).tolist(), style=style, dots=len(middles) < 2)
        for (name, style, _), row in zip(histograms, binned.shares, strict=True)
    ]
    return line_chart(
        curves,
        x_label=next((p.label for p in PROPERTIES if p.name == column), column),
        description=f"Distribution of {column} in each set, shares in percent",
        y_range=(0.0, max(float(100 * binned.shares.max()) * 1.06, 1e-9)),
        size=(360, 230),
        legend=False,
    )


def _sample(name: str, rows: pd.DataFrame) -> Sample:
    """Distinct valid molecules of a set, chosen by seed 0 and not by how good they look."""
    if not {"valid", "smiles"} <= set(rows.columns):
        return Sample(name, 0, [])
    kept = rows["valid"].eq(True) & rows["smiles"].notna()
    if "duplicate" in rows:
        kept &= ~rows["duplicate"].eq(True)
    places = np.flatnonzero(kept.to_numpy(dtype=bool))
    chosen = np.sort(np.random.default_rng(0).permutation(places)[:PICTURES]).tolist()
    titles = rows["name"].tolist() if "name" in rows else [""] * len(rows)
    smiles = [str(rows["smiles"].iloc[place]) for place in chosen]
    labels = [name_of(titles[place], f"record {place + 1}") for place in chosen]
    requests = [Request(f"{label}: {short(text, 120)}", text) for label, text in zip(labels, smiles, strict=True)]
    return Sample(name, len(places), list(zip(labels, draw_all(requests), strict=True)))
