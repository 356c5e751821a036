"""Several checked sets side by side: the table that a paper prints, from one command."""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from moldiff.errors import UserError
from moldiff.files.atomic import only_writer, write_text
from moldiff.files.spreadsheet import inert
from moldiff.reporting.comparison import TITLES, Cell, Line, lines_of, warnings_of, written
from moldiff.reporting.comparison_page import comparison_page
from moldiff.reporting.evidence import read_rows
from moldiff.scoring.records import CheckSummary


def compare(folders: Sequence[Path], output: Path, *, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Write comparison.md, .csv, .html and .json of the summaries of checked folders; returns the last.

    Args:
        folders: folders made by the check stage, two or more.
        output: folder of the result.
        names: what to call the sets; by default the names of their folders.

    Raises:
        UserError: a folder holds no summary, definitions or hydrogen policies differ, names do not fit, or another
            process writes into the folder.
    """
    if len(folders) < 2:
        raise UserError("nothing to compare; name two or more folders made by `moldiff check`")
    named = list(names) if names else _names(folders)
    if len(named) != len(folders) or len(set(named)) != len(named):
        raise UserError(f"{len(folders)} folders need {len(folders)} different names; given: {', '.join(named)}")
    summaries = [CheckSummary.read(folder) for folder in folders]
    for folder, summary in zip(folders, summaries, strict=True):
        if summary.definitions != summaries[0].definitions:
            raise UserError(f"{folder}: was checked by other definitions than {folders[0]}; check it again")
    lines = lines_of(summaries)
    warnings = warnings_of(named, summaries)
    result = {
        "names": named,
        "folders": [str(folder) for folder in folders],
        "warnings": warnings,
        "lines": [
            {"group": line.group, "name": line.name, "unit": line.unit, "cells": [vars(cell) for cell in line.cells]}
            for line in lines
        ],
    }
    with only_writer(output / "comparison.json"):
        write_text(output / "comparison.md", _markdown(named, lines, warnings))
        write_text(output / "comparison.csv", _csv(named, lines))
        page = comparison_page(named, lines, summaries, [read_rows(folder) for folder in folders], warnings)
        write_text(output / "comparison.html", page)
        write_text(output / "comparison.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return result


def _names(folders: Sequence[Path]) -> list[str]:
    """Names of folders, with as much of their paths as is needed to distinguish them."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    raise UserError("the same folder is named twice; name different ones")


def _markdown(names: Sequence[str], lines: Sequence[Line], warnings: Sequence[str]) -> str:
    text = [_row("", "unit", *map(_escaped, names))]
    text.append("|---|---|" + "---|" * len(names))
    group = ""
    for line in lines:
        if line.group != group:
            group = line.group
            text.append(f"| **{TITLES[group]}** | |" + " |" * len(names))
        text.append(_row(_escaped(line.name), _escaped(line.unit), *(_show(line, cell) for cell in line.cells)))
    text += ["", "Rates with Wilson 95 % intervals and denominators; distances with their noise floor.", ""]
    text += ["Bold is best; ≈ marks what differs from it by no more than chance explains.", ""]
    text += [f"Beware: {_escaped(warning)}." for warning in warnings]
    return "\n".join(text).rstrip() + "\n"


def _row(*cells: str) -> str:
    return "|" + "".join(f" {cell} |" for cell in cells)


def _escaped(text: str) -> str:
    """Text on one line, with all that Markdown or HTML would interpret escaped: names come from unknown sources."""
    text = re.sub(r"([\\`*|]|\](?=[(\[:]))", r"\\\1", " ".join(text.split()))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _show(line: Line, cell: Cell) -> str:
    text = _escaped(written(line, cell))
    return {"best": f"**{text}**", "like best": f"{text} ≈"}.get(cell.mark, text)


def _csv(names: Sequence[str], lines: Sequence[Line]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["group", "metric", "unit", "set", "value", "low", "high", "noise_floor", "n", "mark"])
    for line in lines:
        for name, cell in zip(names, line.cells, strict=True):
            writer.writerow([line.group, line.name, line.unit, inert(name), *vars(cell).values()])
    return text.getvalue()
