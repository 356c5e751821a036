"""Several checked sets side by side: which numbers, which of them is best, and which differences chance can explain."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from moldiff.reporting.figures import number
from moldiff.scoring.metrics import METRICS, VALUES
from moldiff.scoring.records import CheckSummary

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


def lines_of(summaries: Sequence[CheckSummary]) -> list[Line]:
    """Every number that the summaries of checked sets state, with the best ones marked."""
    lines = [Line("setting", name, "", tuple(Cell(getattr(s, name)) for s in summaries)) for name in _SETTINGS]
    for name in _names(s.metrics for s in summaries):
        rates = [s.metrics.get(name) for s in summaries]
        cells = [Cell(r.value, r.low, r.high, n=r.denominator) if r else Cell(None) for r in rates]
        lines.append(Line("rate", name, "%", _marked(cells, _direction("rate", name))))
    for name in _names(s.values for s in summaries):
        values = [s.values.get(name) for s in summaries]
        cells = [Cell(v.value, n=v.n) if v else Cell(None) for v in values]
        unit = next((v.unit for v in values if v and v.unit), "")
        lines.append(Line("value", name, unit, _marked(cells, _direction("value", name))))
    for name in _names(s.distances for s in summaries):
        distances = [s.distances.get(name) for s in summaries]
        cells = [Cell(d.value, floor=d.noise_floor, n=d.n) if d else Cell(None) for d in distances]
        first = next(d for d in distances if d)
        title = f"{name} ({first.kind})" if first.kind else name
        lines.append(Line("distance", title, first.unit, _marked(cells, _direction("distance", name))))
    for name in _names(s.descriptors for s in summaries):
        descriptors = [s.descriptors.get(name) for s in summaries]
        lines.append(Line("mean", name, "", tuple(Cell(d.mean, n=d.n) if d else Cell(None) for d in descriptors)))
    return lines


def warnings_of(names: Sequence[str], summaries: Sequence[CheckSummary]) -> list[str]:
    """What makes the numbers of different sets incomparable."""
    differences = []
    for what, values in (
        ("hydrogen policies", [s.hydrogens for s in summaries]),
        ("training sets", [s.train.checksum if s.train else None for s in summaries]),
        ("references", [s.reference.checksum if s.reference else None for s in summaries]),
        ("numbers of records", [s.n_total for s in summaries]),
        ("RDKit versions", [s.versions.get("rdkit") for s in summaries]),
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


def _names(sections: Iterable[Iterable[str]]) -> list[str]:
    """The names that occur in a section of any summary, in the order of their first occurrence."""
    return list(dict.fromkeys(name for section in sections for name in section))
