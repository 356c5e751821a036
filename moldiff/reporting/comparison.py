"""Several checked sets as one page: the table, and their distributions over each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from moldiff.reporting import viewer
from moldiff.reporting.charts import Line, legend_of, line_chart
from moldiff.reporting.layout import note, section, table
from moldiff.reporting.markup import Markup, tag

COLOURS = ("--generated", "--bad", "--good", "--third", "--fourth", "--reference")
_UNITS = {"tpsa": "Å²", "mw": "g/mol"}
_TITLES = {
    "qed": "QED",
    "sa": "Synthetic accessibility",
    "logp": "logP",
    "tpsa": "Polar surface",
    "mw": "Molecular weight",
    "hbd": "Hydrogen-bond donors",
    "hba": "Hydrogen-bond acceptors",
    "rotatable_bonds": "Rotatable bonds",
    "fsp3": "Share of sp3 carbons",
}
_BINS = 32
"""Most bins of a curve: with the histograms' own, small sets would be all spikes."""
_TAIL = 0.003
"""Share of a set that may lie in the outermost bins."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def comparison_page(
    names: Sequence[str],
    tables: Mapping[str, Sequence[Sequence[str]]],
    summaries: Sequence[Mapping[str, Any]],
    warnings: Sequence[str],
) -> str:
    """The page as one HTML document that loads nothing and runs no script.

    Args:
        names: the sets.
        tables: rows of text by title: name of the metric, unit, and a cell for each set.
        summaries: their summaries, for the histograms of the descriptors.
        warnings: what makes them incomparable.
    """
    beware = [tag("p", f"Beware: {warning}.", class_="missing") for warning in warnings]
    numbers = [
        table(title, ["", "unit", *names], rows, numeric=range(2, 2 + len(names)))
        for title, rows in tables.items()
        if rows
    ]
    charts = [_chart(names, summaries, name) for name in summaries[0].get("descriptors", {})]
    main = tag(
        "main",
        tag("header", tag("h1", "Comparison of checked molecules"), tag("p", ", ".join(names), class_="lead")),
        beware,
        section(
            "numbers",
            "Numbers",
            note("Rates with Wilson 95 % intervals and denominators; distances with their noise floor in brackets."),
            numbers,
        ),
        section(
            "distributions",
            "Distributions",
            note("Shares of distinct valid molecules, in percent; the outermost bins hold what lies beyond."),
            legend_of([(name, f"set{place % len(COLOURS)}") for place, name in enumerate(names)]),
            tag("div", charts, class_="sets"),
        ),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", "Comparison of checked molecules"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup(viewer.style() + _colours())),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', main), lang='en')}\n"


def _chart(names: Sequence[str], summaries: Sequence[Mapping[str, Any]], descriptor: str) -> Markup:
    """Shares in common bins, one curve a set; what lies outside of nearly all values is counted in the last bins."""
    found = [summary.get("descriptors", {}).get(descriptor, {}) for summary in summaries]
    held = [(place, one) for place, one in enumerate(found) if one.get("histogram") and one.get("n")]
    if not held:
        return Markup("")
    shares = np.stack([np.array(one["histogram"]["counts"]) / one["n"] for _, one in held])
    low, width = held[0][1]["histogram"]["low"], held[0][1]["histogram"]["width"]
    below = np.cumsum(shares, axis=1)
    first = int((below < _TAIL).sum(axis=1).min())
    last = int((below < 1 - _TAIL).sum(axis=1).max()) + 1
    step = -(-(last - first) // _BINS)
    starts = np.arange(first, last, step)
    shares[:, first] += shares[:, :first].sum(axis=1)
    shares[:, last - 1] += shares[:, last:].sum(axis=1)
    binned = np.add.reduceat(shares[:, :last], starts, axis=1)
    x = (low + (starts + step / 2) * width).tolist()
    lines = [
        Line(names[place], x, (100 * row).tolist(), style=f"set{place % len(COLOURS)}", dots=len(x) < 2)
        for (place, _), row in zip(held, binned, strict=True)
    ]
    unit = f", {_UNITS[descriptor]}" if descriptor in _UNITS else ""
    chart = line_chart(
        lines,
        x_label=f"{descriptor}{unit}",
        description=f"Distribution of {descriptor} in each set",
        y_range=(0.0, max(float(100 * binned.max()) * 1.06, 1e-9)),
        size=(360, 230),
        legend=False,
    )
    return tag("div", tag("h3", _TITLES.get(descriptor, descriptor.replace("_", " "))), chart)


def _colours() -> str:
    rules = [
        f".curve.set{place} {{ stroke: var({colour}); }} .swatch.set{place} {{ background: var({colour}); }}"
        for place, colour in enumerate(COLOURS)
    ]
    grid = ".sets { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 1.2rem; }"
    return "\n".join([*rules, grid])
