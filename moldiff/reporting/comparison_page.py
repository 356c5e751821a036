"""The page of a comparison: the table, molecules of each set, and their distributions over each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from moldiff.reporting.charts import Line as Curve
from moldiff.reporting.charts import Plot, line_chart
from moldiff.reporting.comparison import TITLES, Cell, Line, Mark
from moldiff.reporting.figures import name_of, plain, short
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
_SETTINGS = {
    "definitions": "Definitions",
    "valence_table": "Valence table",
    "hydrogens": "Hydrogens",
    "n_total": "Records",
    "n_valid": "Valid records",
    "n_distinct": "Distinct valid molecules",
}
_KINDS = {"W1": "Wasserstein distance", "TV": "total variation", "JS": "Jensen-Shannon distance"}


@dataclass(frozen=True)
class Sample:
    """Some molecules of one set, chosen at random: how many there are to choose from, and name and picture of each."""

    name: str
    distinct: int
    cards: Sequence[tuple[str, Picture]]


@dataclass(frozen=True)
class Shown:
    """A number of one set: with its unit, its mark, and on a line of its own the interval or the noise floor."""

    value: str
    more: str
    mark: Mark


@dataclass(frozen=True)
class Row:
    """A line of the table: what it is called and means, and the number of each set."""

    title: str
    meaning: str
    cells: Sequence[Shown]


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
    return [Row(*_title(line), [_shown(line, cell) for cell in line.cells]) for line in lines if line.group == group]


def _title(line: Line) -> tuple[str, str]:
    """What a line is called, and what it means if its name does not say so."""
    if line.group == "setting":
        return _SETTINGS[line.name], ""
    if line.group in ("distance", "mean"):
        name, _, kind = line.name.partition(" (")
        plainly = name.removesuffix("_js").replace("_", " ").replace("chembl", "ChEMBL")
        title = next((p.label for p in PROPERTIES if p.name == name), plainly)
        return title[:1].upper() + title[1:] if title.islower() else title, _KINDS.get(kind[:-1], kind[:-1])
    return label(line.name)


def _shown(line: Line, cell: Cell) -> Shown:
    unit = "°" if line.unit == "degree" else f"\u202f{line.unit}" if line.unit else ""
    if cell.value is None or isinstance(cell.value, str):
        return Shown(cell.value or "–", "", cell.mark)
    if line.group == "setting":
        return Shown(plain(cell.value), "", cell.mark)
    if line.group == "rate":
        more = f"{100 * (cell.low or 0.0):.1f} to {100 * (cell.high or 0.0):.1f}, of {plain(cell.n)}"
        return Shown(f"{100 * cell.value:.1f}{unit}", more, cell.mark)
    floor = "" if cell.floor is None else f"floor {plain(cell.floor, 2)}"
    return Shown(f"{cell.value:.4g}".replace("-", "−") + unit, floor, cell.mark)


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
