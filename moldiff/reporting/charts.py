"""Small charts as inline SVG. Colours and fonts come from the page's style sheet, so they follow light and dark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from moldiff.reporting.figures import Rate, percent, plain
from moldiff.reporting.markup import Markup, tag

POINTS = 400


@dataclass(frozen=True)
class Line:
    """One curve: x and y of the same length (NaN is left out), and the style class that colours it."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: str = "generated"
    dots: bool = False


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
    """Values 1, 2 and 5 times a power of ten inside [low, high]."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [factor * 10.0**power for power in powers for factor in (1, 2, 5) if low <= factor * 10.0**power <= high]


def line_chart(
    lines: Sequence[Line],
    *,
    x_label: str,
    description: str,
    log_y: bool = False,
    y_range: tuple[float, float] | None = None,
    size: tuple[float, float] = (560, 260),
    legend: bool = True,
) -> Markup:
    """Curves over a common axis, with a legend; a curve of many points is thinned to 400 means."""
    drawn = [(line, *_finite(line, log_y)) for line in lines]
    drawn = [entry for entry in drawn if len(entry[1])]
    if not drawn:
        return tag("p", "No values were recorded.", class_="missing")
    xs, ys = np.concatenate([x for _, x, _ in drawn]), np.concatenate([y for _, _, y in drawn])
    low, high = y_range or (float(ys.min()), float(ys.max()))
    if y_range is None:
        low, high = (low * 0.9, high * 1.1) if log_y else (low - 0.04 * (high - low), high + 0.04 * (high - low))
    frame = Frame(*size, (float(min(xs.min(), 0)), float(xs.max())), (low, high if high > low else low + 1), log_y)
    marks = [_axes(frame, x_label)]
    for line, x, y in drawn:
        points = [(frame.x(a), frame.y(b)) for a, b in zip(x, y, strict=True)]
        title = tag("title", f"{line.label}: last value {plain(float(y[-1]))}")
        if len(points) > 1:
            path = "M" + "L".join(f"{a:.1f},{b:.1f}" for a, b in points)
            marks.append(tag("path", title, d=path, class_=f"curve {line.style}"))
        if line.dots or len(points) == 1:
            marks += [
                tag("circle", title, cx=f"{a:.1f}", cy=f"{b:.1f}", r=3, class_=f"dot {line.style}") for a, b in points
            ]
    return tag(
        "div",
        legend_of([(line.label, line.style) for line, _, _ in drawn]) if legend else [],
        _svg(frame, marks, description),
        class_="chart",
    )


def histogram(
    generated: np.ndarray, reference: np.ndarray | None, *, label: str, whole: bool, description: str
) -> Markup:
    """Shares of generated molecules (curve) over those of the reference (filled) in common bins.

    Args:
        generated: values of the generated molecules, [molecule].
        reference: values of the reference molecules, [molecule], or None.
        label: name and unit of the horizontal axis.
        whole: True for counts, which get one bin (or a whole number of them) for each value.
        description: what a screen reader says.
    """
    edges = bin_edges(generated if reference is None else np.concatenate([generated, reference]), whole)
    shares = [
        np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] / len(v)
        for v in (generated, reference)
        if v is not None
    ]
    frame = Frame(320, 190, (edges[0], edges[-1]), (0.0, max(float(s.max()) for s in shares) * 1.06), left=40)
    marks = [_axes(frame, label, y_percent=True, x_wanted=4, y_wanted=3)]
    for values, style in zip(reversed(shares), ["reference", "generated"][-len(shares) :], strict=True):
        marks.append(tag("path", d=_steps(frame, edges, values), class_=f"steps {style}"))
    return _svg(frame, marks, description)


def bin_edges(values: np.ndarray, whole: bool, bins: int = 28) -> np.ndarray:
    """Edges of about ``bins`` bins over the values, outliers beyond the 0.2 and 99.8 percentile pooled at the ends."""
    low, high = (float(v) for v in np.percentile(values, [0.2, 99.8]))
    if whole:
        step = max(1, math.ceil((math.floor(high) - math.floor(low) + 1) / bins))
        count = max(1, math.ceil((math.floor(high) - math.floor(low) + 1) / step))
        return math.floor(low) - 0.5 + step * np.arange(count + 1, dtype=float)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)


def rate_bar(rate: Rate) -> Markup:
    """A bar of 0 to 100 % with the interval as a whisker."""
    low, high, value = (200 * v for v in (rate.low, rate.high, rate.value))
    return tag(
        "svg",
        tag("rect", x=0, y=5, width=200, height=8, rx=4, class_="track"),
        tag("rect", x=0, y=5, width=f"{value:.2f}", height=8, rx=4, class_="fill"),
        tag("path", d=f"M{low:.2f},9H{high:.2f}M{low:.2f},4.5v9M{high:.2f},4.5v9", class_="whisker"),
        viewBox="-2 0 204 18",
        class_="rate",
        role="img",
        aria_label=f"{percent(rate.value)}, interval {percent(rate.low)} to {percent(rate.high)}",
    )


def share_bar(share: float, style: str = "generated") -> Markup:
    """A plain bar of 0 to 100 %, for tables that print the number beside it."""
    width = f"{max(0.0, min(1.0, share)) * 100:.2f}"
    return tag(
        "svg",
        tag("rect", x=0, y=0, width=width, height=8, rx=2, class_=f"share {style}"),
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        class_="sharebar",
        aria_hidden="true",
    )


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


def _axes(frame: Frame, x_label: str, *, y_percent: bool = False, x_wanted: int = 6, y_wanted: int = 5) -> Markup:
    marks = []
    bottom = frame.height - frame.bottom
    y_values = log_ticks(*frame.y_range) if frame.log_y else ticks(*frame.y_range, y_wanted)
    for value in y_values:
        y = f"{frame.y(value):.1f}"
        written = percent(value, 0) if y_percent else plain(value)
        marks.append(tag("path", d=f"M{frame.left:.0f},{y}H{frame.width - frame.right:.0f}", class_="grid"))
        marks.append(tag("text", written, x=frame.left - 6, y=y, dy="0.32em", text_anchor="end"))
    for value in ticks(*frame.x_range, x_wanted):
        marks.append(tag("text", plain(value, 4), x=f"{frame.x(value):.1f}", y=bottom + 15, text_anchor="middle"))
    marks.append(tag("path", d=f"M{frame.left:.0f},{bottom:.1f}H{frame.width - frame.right:.0f}", class_="axis"))
    middle = (frame.left + frame.width - frame.right) / 2
    marks.append(tag("text", x_label, x=f"{middle:.0f}", y=frame.height - 5, text_anchor="middle", class_="label"))
    return tag("g", marks)


def legend_of(entries: Sequence[tuple[str, str]]) -> Markup:
    """A legend of labels and style classes."""
    return tag(
        "ul", [tag("li", tag("span", class_=f"swatch {style}"), label) for label, style in entries], class_="legend"
    )


def _svg(frame: Frame, marks: Sequence[Markup], description: str) -> Markup:
    box = f"0 0 {frame.width:.0f} {frame.height:.0f}"
    return tag("svg", tag("title", description), marks, viewBox=box, class_="plot", role="img")
