"""Several checked sets side by side: which numbers, which of them is best, and which differences chance can explain."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from moldiff.reporting.figures import number
from moldiff.scoring.metrics import METRICS, VALUES

_SETTINGS = ("definitions", "valence_table", "hydrogens", "n_total", "n_valid", "n_distinct")
TITLES = {
    "setting": "checked",
    "rate": "rates",
    "value": "numbers",
    "distance": "distances from the reference",
    "mean": "means",
}
"""Groups of lines and what they are called."""
_BETTER = {
    **{("rate", metric.name): metric.better for metric in METRICS},
    **{("value", value.name): value.better for value in VALUES},
}

Mark = Literal["", "best", "like best", "worse"]


@dataclass(frozen=True)
class Cell:
    """A number of one set, with its interval or noise floor, and what it was divided by or taken from.

    ``mark`` says how it compares with the best of the line: ``like best`` where the difference may be chance.
    """

    value: float | str | None
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    n: int | None = None
    mark: Mark = ""


@dataclass(frozen=True)
class Line:
    """A metric of all sets; ``unit`` is % for shares."""

    group: str
    name: str
    unit: str
    cells: tuple[Cell, ...]


def lines_of(summaries: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Every number that the summaries of checked sets state, with the best ones marked."""
    lines = [Line("setting", name, "", tuple(Cell(s.get(name)) for s in summaries)) for name in _SETTINGS]
    for name in _keys(summaries, "metrics"):
        cells = [s["metrics"].get(name, {}) for s in summaries]
        entries = [Cell(c.get("value"), c.get("low"), c.get("high"), n=c.get("denominator")) for c in cells]
        lines.append(Line("rate", name, "%", _marked(entries, _direction("rate", name))))
    for group, section in (("value", "values"), ("distance", "distances")):
        for name in _keys(summaries, section):
            cells = [s.get(section, {}).get(name, {}) for s in summaries]
            kind = next((str(c["kind"]) for c in cells if c.get("kind")), "")
            unit = next((str(c["unit"]) for c in cells if c.get("unit")), "")
            title = f"{name} ({kind})" if kind else name
            entries = [Cell(c.get("value"), floor=c.get("noise_floor"), n=c.get("n")) for c in cells]
            lines.append(Line(group, title, unit, _marked(entries, _direction(group, name))))
    for name in _keys(summaries, "descriptors"):
        cells = [s.get("descriptors", {}).get(name, {}) for s in summaries]
        lines.append(Line("mean", name, "", tuple(Cell(c.get("mean"), n=c.get("n")) for c in cells)))
    return lines


def warnings_of(names: Sequence[str], summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """What makes the numbers of different sets incomparable."""
    differences = []
    for what, values in (
        ("hydrogen policies", [s.get("hydrogens") for s in summaries]),
        ("training sets", [(s.get("train") or {}).get("checksum") for s in summaries]),
        ("references", [(s.get("reference") or {}).get("checksum") for s in summaries]),
        ("numbers of records", [s.get("n_total") for s in summaries]),
        ("RDKit versions", [s.get("versions", {}).get("rdkit") for s in summaries]),
    ):
        if len(set(values)) > 1:
            listed = ", ".join(f"{name}: {str(value)[:12]}" for name, value in zip(names, values, strict=True))
            differences.append(f"different {what} ({listed})")
    return differences


def written(line: Line, cell: Cell) -> str:
    """A cell as text, without its mark."""
    if cell.value is None:
        return "–"
    if isinstance(cell.value, str) or line.group == "setting":
        return str(cell.value)
    if line.group == "rate":
        low, high = cell.low or 0.0, cell.high or 0.0
        return f"{100 * cell.value:.1f} [{100 * low:.1f}, {100 * high:.1f}] of {cell.n}"
    shown = f"{cell.value:.4g}"
    return f"{shown} (floor {cell.floor:.2g})" if cell.floor is not None else shown


def difference(better: Cell, other: Cell) -> tuple[float, float] | None:
    """95 % interval of the difference of two rates, made of their own intervals; None where one is not known.

    Newcombe 1998, method 10 (Statistics in Medicine 17, 873): with shares p, q of Wilson intervals (l, u), (m, v), from
    p - q - √((p - l)² + (v - q)²) to p - q + √((u - p)² + (q - m)²).
    """
    p, low, high = number(better.value), number(better.low), number(better.high)
    q, other_low, other_high = number(other.value), number(other.low), number(other.high)
    if p is None or q is None or low is None or high is None or other_low is None or other_high is None:
        return None
    return p - q - math.hypot(p - low, other_high - q), p - q + math.hypot(high - p, q - other_low)


def _direction(group: str, name: str) -> int:
    """1 where higher is better, -1 where lower is, 0 where neither is."""
    return -1 if group == "distance" else _BETTER.get((group, name), 0)


def _marked(cells: Sequence[Cell], direction: int) -> tuple[Cell, ...]:
    values = [number(cell.value) for cell in cells]
    known = [value for value in values if value is not None]
    if not direction or len(known) < 2 or len(set(known)) < 2:  # where all are alike, none is best
        return tuple(cells)
    best = max(known) if direction > 0 else min(known)
    leader = cells[values.index(best)]
    return tuple(
        cell if value is None else replace(cell, mark="best" if value == best else _against(leader, cell, direction))
        for cell, value in zip(cells, values, strict=True)
    )


def _against(leader: Cell, cell: Cell, direction: int) -> Mark:
    """How a cell compares with the best: by the interval of their difference, or by the noise floor of distances."""
    between = difference(leader, cell) if direction > 0 else difference(cell, leader)
    if between is not None:
        return "worse" if between[0] > 0 else "like best"
    floors = [floor for floor in (number(leader.floor), number(cell.floor)) if floor is not None]
    one, other = number(leader.value), number(cell.value)
    if not floors or one is None or other is None:
        return ""
    return "worse" if abs(one - other) > max(floors) else "like best"


def _keys(summaries: Sequence[Mapping[str, Any]], section: str) -> list[str]:
    return list(dict.fromkeys(name for summary in summaries for name in summary.get(section, {})))
