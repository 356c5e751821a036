"""Numbers as people read them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Rate:
    """A share with its counts and its 95 % interval; all between 0 and 1."""

    numerator: int
    denominator: int
    value: float
    low: float
    high: float


def wilson(numerator: int, denominator: int) -> Rate | None:
    """Share with its Wilson score interval at 95 % (Wilson 1927); None without a denominator.

    Both ends are computed from the counts alone, so they stay inside [0, 1] at 0 % and 100 %.
    """
    if denominator <= 0:
        return None
    share, z2 = numerator / denominator, Z95 * Z95
    centre = (share + z2 / (2 * denominator)) / (1 + z2 / denominator)
    spread = share * (1 - share) / denominator + z2 / (4 * denominator * denominator)
    half = Z95 / (1 + z2 / denominator) * math.sqrt(max(spread, 0.0))
    return Rate(numerator, denominator, share, max(0.0, centre - half), min(1.0, centre + half))


def rate_of(metric: Mapping[str, Any]) -> Rate | None:
    """The rate that a metric of summary.json states, its interval computed where it has none; None if it is no rate."""
    numerator, denominator = number(metric.get("numerator")), number(metric.get("denominator"))
    if numerator is None or denominator is None or not 0 <= numerator <= denominator:
        return None
    computed = wilson(int(numerator), int(denominator))
    low, high = number(metric.get("low")), number(metric.get("high"))
    if computed is None or low is None or high is None:
        return computed
    return Rate(computed.numerator, computed.denominator, computed.value, low, high)


def number(value: object) -> float | None:
    """The value as a finite float, or None: missing, NaN and infinite values, and what is no number, are all None."""
    if value is None or isinstance(value, bool | complex):
        return None
    try:
        converted = float(value)  # type: ignore[arg-type]  # whatever cannot be converted is caught
    except (TypeError, ValueError):
        return None
    return converted if math.isfinite(converted) else None


def plain(value: object, digits: int = 3) -> str:
    """A number with thousands separators or ``digits`` significant digits, anything else as text; else an en dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    converted = number(value)
    if converted is None:
        return "–" if isinstance(value, float) else str(value)
    if converted == int(converted) and abs(converted) < 1e15:
        return f"{int(converted):,}".replace(",", "\u202f").replace("-", "−")
    if abs(converted) >= 100:
        return f"{converted:,.0f}".replace(",", "\u202f").replace("-", "−")
    written = f"{converted:.{digits}g}"
    return written.replace("e-0", "e-").replace("-", "−")


def percent(value: float | None, digits: int = 1) -> str:
    """A share as per cent with a narrow space."""
    return "–" if value is None else f"{100 * value:.{digits}f}\u202f%"


def interval(rate: Rate) -> str:
    """Both ends of a rate's interval, per cent."""
    return f"{100 * rate.low:.1f} to {100 * rate.high:.1f}\u202f%"


def size(octets: int) -> str:
    """A file size in decimal units."""
    amount = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f}\u202f{unit}" if unit == "B" else f"{amount:.1f}\u202f{unit}"
