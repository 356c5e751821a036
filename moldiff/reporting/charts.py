"""Small charts: from numbers to the places of lines and ticks, which a template draws as SVG.

Colours and fonts come from the page's style sheet, so they follow light and dark.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from moldiff.reporting.figures import percent, plain
from moldiff.reporting.histograms import Binned

POINTS = 400
"""Most points of a curve: longer ones are thinned to as many averages."""


@dataclass(frozen=True)
class Line:
    """One curve: x and y of the same length (NaN is left out), and the style class that colours it."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: str = "generated"
    dots: bool = False


@dataclass(frozen=True)
class Mark:
    """A curve or an area of a plot as an SVG path, with the dots on it; ``title`` is shown under the pointer."""

    kind: Literal["curve", "steps"]
    style: str
    path: str = ""
    dots: Sequence[tuple[str, str]] = ()
    title: str = ""


@dataclass(frozen=True)
class Plot:
    """A chart in SVG units: ticks (place and text) of both axes, marks, and a legend (label and style class)."""

    description: str
    width: float
    height: float
    left: float
    right: float
    bottom: float
    x_label: str
    x_ticks: Sequence[tuple[str, str]]
    y_ticks: Sequence[tuple[str, str]]
    marks: Sequence[Mark]
    legend: Sequence[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Frame:
    """A drawing area in SVG units and the ranges of data that it shows."""

    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    log_y: bool = False
    left: float = 46
    right: float = 12
    top: float = 12
    bottom: float = 38

    def x(self, value: float) -> float:
        """Horizontal position of a value."""
        low, high = self.x_range
        return self.left + (value - low) / ((high - low) or 1) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """Vertical position of a value."""
        low, high = self.y_range
        if self.log_y:
            value, low, high = math.log10(max(value, 1e-12)), math.log10(low), math.log10(high)
        return self.height - self.bottom - (value - low) / ((high - low) or 1) * (self.height - self.top - self.bottom)

    def plot(
        self,
        marks: Sequence[Mark],
        *,
        description: str,
        x_label: str,
        y_percent: bool = False,
        wanted: tuple[int, int] = (6, 5),
        legend: Sequence[tuple[str, str]] = (),
    ) -> Plot:
        """The marks with axes, about ``wanted`` ticks on x and y."""
        y_values = log_ticks(*self.y_range) if self.log_y else ticks(*self.y_range, wanted[1])
        digits = _digits(y_values)
        return Plot(
            description,
            self.width,
            self.height,
            self.left,
            self.width - self.right,
            self.height - self.bottom,
            x_label,
            [(f"{self.x(v):.1f}", plain(v, 4)) for v in ticks(*self.x_range, wanted[0])],
            [(f"{self.y(v):.1f}", percent(v, 0) if y_percent else plain(v, digits)) for v in y_values],
            marks,
            legend,
        )


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values inside [low, high], about ``wanted`` of them, a step of 1, 2 or 5 times a power of ten apart."""
    if not high > low:
        return [low]
    raw = (high - low) / max(wanted, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Values 1, 2 and 5 times a power of ten inside [low, high]; evenly spaced ones where fewer than three are."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    decades = [10.0**power for power in powers if low <= 10.0**power <= high]
    if len(decades) > 4:
        return decades
    steps = [factor * 10.0**power for power in powers for factor in (1, 2, 5) if low <= factor * 10.0**power <= high]
    return steps if len(steps) >= 3 else ticks(low, high, 6)


def line_chart(
    lines: Sequence[Line],
    *,
    x_label: str,
    description: str,
    log_y: bool = False,
    y_range: tuple[float, float] | None = None,
    size: tuple[float, float] = (560, 260),
    legend: bool = True,
) -> Plot | None:
    """Curves over a common axis; None where no curve has a point."""
    shown = [(line, *_finite(line, log_y)) for line in lines]
    shown = [entry for entry in shown if len(entry[1])]
    if not shown:
        return None
    xs, ys = np.concatenate([x for _, x, _ in shown]), np.concatenate([y for _, _, y in shown])
    low, high = y_range or (float(ys.min()), float(ys.max()))
    if y_range is None:
        low, high = (low * 0.95, high * 1.05) if log_y else (low - 0.04 * (high - low), high + 0.04 * (high - low))
    frame = Frame(*size, (float(min(xs.min(), 0)), float(xs.max())), (low, high if high > low else low + 1), log_y)
    marks = []
    for line, x, y in shown:
        points = [(f"{frame.x(a):.1f}", f"{frame.y(b):.1f}") for a, b in zip(x, y, strict=True)]
        path = "M" + "L".join(f"{a},{b}" for a, b in points) if len(points) > 1 else ""
        dots = points if line.dots or len(points) == 1 else []
        marks.append(Mark("curve", line.style, path, dots, f"{line.label}: last value {plain(float(y[-1]))}"))
    entries = [(line.label, line.style) for line, _, _ in shown] if legend else []
    return frame.plot(marks, description=description, x_label=x_label, legend=entries)


def histogram(binned: Binned, styles: Sequence[str], *, label: str, description: str) -> Plot:
    """Shares of several sets in common bins, the later ones over the earlier.

    Args:
        binned: edges and shares.
        styles: style class of each set.
        label: name and unit of the horizontal axis.
        description: what a screen reader says.
    """
    highest = max(float(binned.shares.max()) * 1.06, 1e-9)
    frame = Frame(320, 190, (float(binned.edges[0]), float(binned.edges[-1])), (0.0, highest), left=40)
    marks = [
        Mark("steps", style, _steps(frame, binned.edges, shares))
        for style, shares in zip(styles, binned.shares, strict=True)
    ]
    return frame.plot(marks, description=description, x_label=label, y_percent=True, wanted=(4, 3))


def _digits(values: Sequence[float]) -> int:
    """Significant digits that distinguish ticks."""
    for digits in (3, 4, 5):
        if len({plain(value, digits) for value in values}) == len(values):
            return digits
    return 6


def _finite(line: Line, positive: bool) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(line.x, dtype=float), np.asarray(line.y, dtype=float)
    kept = np.isfinite(x) & np.isfinite(y) & ((y > 0) | (not positive))
    x, y = x[kept], y[kept]
    if len(x) <= POINTS:
        return x, y
    parts = np.array_split(np.arange(len(x)), POINTS)
    return np.array([x[part].mean() for part in parts]), np.array([y[part].mean() for part in parts])


def _steps(frame: Frame, edges: np.ndarray, values: np.ndarray) -> str:
    path = [f"M{frame.x(edges[0]):.1f},{frame.y(0):.1f}"]
    for right, value in zip(edges[1:], values, strict=True):
        path.append(f"V{frame.y(float(value)):.1f}H{frame.x(float(right)):.1f}")
    return "".join(path) + f"V{frame.y(0):.1f}Z"
