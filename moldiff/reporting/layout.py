"""Pieces that every section is made of: headings, notes, tables, pictures in a grid."""

from collections.abc import Mapping, Sequence
from typing import Any

from moldiff.reporting.figures import plain
from moldiff.reporting.markup import Markup, short, tag


def section(name: str, title: str, *content: object) -> Markup:
    """A section with a heading that the navigation links to."""
    heading = tag("h2", title, id=f"{name}-title")
    return tag("section", heading, *content, id=name, aria_labelledby=f"{name}-title")


def note(*words: object) -> Markup:
    """A short explanation."""
    return tag("p", *words, class_="note")


def missing(words: str) -> Markup:
    """Says that something was not given, where it would stand."""
    return tag("p", words, class_="missing")


def table(caption: str, head: Sequence[str], body: Sequence[Sequence[object]], numeric: Sequence[int] = ()) -> Markup:
    """A table with a caption; the first cell of a row names it, columns of ``numeric`` are set flush right."""

    def style(column: int) -> str | None:
        return "number" if column in numeric else None

    rows = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            [tag("td", cell, class_=style(column)) for column, cell in enumerate(row[1:], start=1)],
        )
        for row in body
    ]
    titles = [tag("th", title, scope="col", class_=style(column)) for column, title in enumerate(head)]
    inner = tag("table", tag("caption", caption), tag("thead", tag("tr", titles)), tag("tbody", rows))
    return tag("div", inner, class_="scroll", tabindex=0, role="region", aria_label=caption)


def facts(pairs: Sequence[tuple[object, object]]) -> Markup:
    """Names and values side by side; a pair whose value is None is left out."""
    return tag(
        "dl",
        [tag("div", tag("dt", key), tag("dd", value)) for key, value in pairs if value is not None],
        class_="facts",
    )


def details(summary: object, *content: object, opened: bool = False) -> Markup:
    """Content that is folded away until it is asked for."""
    return tag("details", tag("summary", summary), *content, open=opened)


def flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested options as dotted names and short values."""
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            pairs += flat(value, f"{name}.")
        elif isinstance(value, list | tuple):
            pairs.append((name, short(", ".join(map(str, value)) or "none", 160)))
        else:
            pairs.append((name, short(value if isinstance(value, str) else plain(value, 6), 160)))
    return pairs


def name_of(value: object, otherwise: str) -> str:
    """A molecule's name for people: one short line, or another text where it has none."""
    return short(value, 48) if isinstance(value, str) and value.strip() else otherwise
