"""Several checked sets as one page: the table, and their distributions over each other."""

from collections.abc import Mapping, Sequence
from typing import Any

from moldiff.reporting import viewer
from moldiff.reporting.charts import Line, line_chart
from moldiff.reporting.layout import note, section, table
from moldiff.reporting.markup import Markup, tag

COLOURS = ("--generated", "--bad", "--good", "--third", "--fourth", "--reference")
_UNITS = {"tpsa": "Å²", "mw": "g/mol"}
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
        table(title, ["", "unit", *names], rows, numeric=range(2, 2 + len(names))) for title, rows in tables.items()
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
            note("Shares of distinct valid molecules."),
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
    """Shares in fixed bins, one curve a set, cut to the bins that any set fills."""
    found = [summary.get("descriptors", {}).get(descriptor, {}) for summary in summaries]
    filled = [place for one in found for place, count in enumerate(one.get("histogram", {}).get("counts", [])) if count]
    if not filled:
        return Markup("")
    first, last = max(min(filled) - 1, 0), max(filled) + 2
    lines = []
    for place, (name, one) in enumerate(zip(names, found, strict=True)):
        histogram, n = one.get("histogram"), one.get("n")
        if not histogram or not n:
            continue
        counts = histogram["counts"][first:last]
        x = [histogram["low"] + (first + step + 0.5) * histogram["width"] for step in range(len(counts))]
        lines.append(Line(name, x, [count / n for count in counts], style=f"set{place % len(COLOURS)}"))
    unit = f", {_UNITS[descriptor]}" if descriptor in _UNITS else ""
    return line_chart(lines, x_label=f"{descriptor}{unit}", description=f"Distribution of {descriptor} in each set")


def _colours() -> str:
    rules = [
        f".curve.set{place} {{ stroke: var({colour}); }} .swatch.set{place} {{ background: var({colour}); }}"
        for place, colour in enumerate(COLOURS)
    ]
    grid = ".sets { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 1.2rem; }"
    return "\n".join([*rules, grid])
