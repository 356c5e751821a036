"""Several checked sets side by side: the table that a paper prints, from one command."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moldiff.errors import UserError
from moldiff.files.atomic import write_text
from moldiff.files.manifest import read_record
from moldiff.files.spreadsheet import inert
from moldiff.reporting.comparison import comparison_page

_SETTINGS = ("definitions", "valence_table", "hydrogens", "n_total", "n_valid", "n_distinct")


@dataclass(frozen=True)
class Cell:
    """A number of one set, with its interval or noise floor, and what it was divided by or taken from."""

    value: float | str | None
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Line:
    """A metric of all sets; ``unit`` is % for shares."""

    group: str
    name: str
    unit: str
    cells: tuple[Cell, ...]


def compare(folders: Sequence[Path], output: Path, *, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Write comparison.md, .csv, .html and .json of the summaries of checked folders; returns the last.

    Args:
        folders: folders made by the check stage, two or more.
        output: folder of the result.
        names: what to call the sets; by default the names of their folders.

    Raises:
        UserError: a folder holds no summary, definitions or hydrogen policies differ, names do not fit.
    """
    if len(folders) < 2:
        raise UserError("nothing to compare; name two or more folders made by `moldiff check`")
    named = list(names) if names else _names(folders)
    if len(named) != len(folders) or len(set(named)) != len(named):
        raise UserError(f"{len(folders)} folders need {len(folders)} different names; given: {', '.join(named)}")
    summaries = [read_summary(folder) for folder in folders]
    for folder, summary in zip(folders, summaries, strict=True):
        if summary["definitions"] != summaries[0]["definitions"]:
            raise UserError(f"{folder}: was checked by other definitions than {folders[0]}; check it again")
    lines = _lines(summaries)
    warnings = _warnings(named, summaries)
    result = {
        "names": named,
        "folders": [str(folder) for folder in folders],
        "warnings": warnings,
        "lines": [
            {"group": line.group, "name": line.name, "unit": line.unit, "cells": [vars(cell) for cell in line.cells]}
            for line in lines
        ],
    }
    write_text(output / "comparison.md", _markdown(named, lines, warnings))
    write_text(output / "comparison.csv", _csv(named, lines))
    tables = {
        title: [
            [line.name, line.unit, *(_show(line, cell) for cell in line.cells)] for line in lines if line.group == group
        ]
        for group, title in _TITLES.items()
    }
    write_text(output / "comparison.html", comparison_page(named, tables, summaries, warnings))
    write_text(output / "comparison.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return result


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary of a checked folder.

    Raises:
        UserError: there is none that can be read.
    """
    path = folder / "summary.json"
    summary = read_record(path, "run `moldiff check` first", verify=False)
    if "metrics" not in summary or "definitions" not in summary:
        raise UserError(f"{path}: is no summary of a check; run `moldiff check` again")
    return summary


def _names(folders: Sequence[Path]) -> list[str]:
    """Names of folders, with as much of their paths as tells them apart."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    raise UserError("the same folder is named twice; name different ones")


def _lines(summaries: Sequence[dict[str, Any]]) -> list[Line]:
    lines = [Line("setting", name, "", tuple(Cell(s.get(name)) for s in summaries)) for name in _SETTINGS]
    for name in _keys(summaries, "metrics"):
        cells = [s["metrics"].get(name, {}) for s in summaries]
        lines.append(
            Line(
                "rate",
                name,
                "%",
                tuple(Cell(c.get("value"), c.get("low"), c.get("high"), n=c.get("denominator")) for c in cells),
            )
        )
    for group, section in (("value", "values"), ("distance", "distances")):
        for name in _keys(summaries, section):
            cells = [s.get(section, {}).get(name, {}) for s in summaries]
            kind = next((str(c["kind"]) for c in cells if c.get("kind")), "")
            unit = next((str(c["unit"]) for c in cells if c.get("unit")), "")
            title = f"{name} ({kind})" if kind else name
            found = tuple(Cell(c.get("value"), floor=c.get("noise_floor"), n=c.get("n")) for c in cells)
            lines.append(Line(group, title, unit, found))
    for name in _keys(summaries, "descriptors"):
        cells = [s.get("descriptors", {}).get(name, {}) for s in summaries]
        lines.append(Line("mean", name, "", tuple(Cell(c.get("mean"), n=c.get("n")) for c in cells)))
    return lines


def _keys(summaries: Sequence[dict[str, Any]], section: str) -> list[str]:
    return list(dict.fromkeys(name for summary in summaries for name in summary.get(section, {})))


def _warnings(names: Sequence[str], summaries: Sequence[dict[str, Any]]) -> list[str]:
    """What makes numbers of different sets incomparable."""
    found = []
    for what, values in (
        ("hydrogen policies", [s.get("hydrogens") for s in summaries]),
        ("training sets", [(s.get("train") or {}).get("checksum") for s in summaries]),
        ("references", [(s.get("reference") or {}).get("checksum") for s in summaries]),
        ("numbers of records", [s.get("n_total") for s in summaries]),
        ("RDKit versions", [s.get("versions", {}).get("rdkit") for s in summaries]),
    ):
        if len(set(values)) > 1:
            told = ", ".join(f"{name}: {str(value)[:12]}" for name, value in zip(names, values, strict=True))
            found.append(f"different {what} ({told})")
    return found


def _markdown(names: Sequence[str], lines: Sequence[Line], warnings: Sequence[str]) -> str:
    text = [_row("", "unit", *names)]
    text.append("|---|---|" + "---|" * len(names))
    group = ""
    for line in lines:
        if line.group != group:
            group = line.group
            text.append(f"| **{_TITLES[group]}** | |" + " |" * len(names))
        text.append(_row(line.name, line.unit, *(_show(line, cell) for cell in line.cells)))
    text += ["", "Rates with Wilson 95 % intervals and denominators; distances with their noise floor.", ""]
    text += [f"Beware: {_escaped(warning)}." for warning in warnings]
    return "\n".join(text).rstrip() + "\n"


def _row(*cells: str) -> str:
    return "|" + "".join(f" {_escaped(cell)} |" for cell in cells)


def _escaped(text: str) -> str:
    """Text, on one line, of which Markdown and the HTML within it make nothing else: names come from anybody."""
    text = re.sub(r"([\\`*|]|\](?=[(\[:]))", r"\\\1", " ".join(text.split()))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_TITLES = {
    "setting": "checked",
    "rate": "rates",
    "value": "numbers",
    "distance": "distances from the reference",
    "mean": "means",
}


def _show(line: Line, cell: Cell) -> str:
    if cell.value is None:
        return "–"
    if isinstance(cell.value, str) or line.group == "setting":
        return str(cell.value)
    if line.group == "rate":
        low, high = cell.low or 0.0, cell.high or 0.0
        return f"{100 * cell.value:.1f} [{100 * low:.1f}, {100 * high:.1f}] of {cell.n}"
    shown = f"{cell.value:.4g}"
    return f"{shown} (floor {cell.floor:.2g})" if cell.floor is not None else shown


def _csv(names: Sequence[str], lines: Sequence[Line]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["group", "metric", "unit", "set", "value", "low", "high", "noise_floor", "n"])
    for line in lines:
        for name, cell in zip(names, line.cells, strict=True):
            writer.writerow([line.group, line.name, line.unit, inert(name), *vars(cell).values()])
    return text.getvalue()
