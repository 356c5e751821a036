"""Numbers and names as people read them."""

import math
from collections.abc import Mapping
from typing import Any

from moldiff.scoring.sets.statistics import Rate


def number(value: object) -> float | None:
    """The value as a finite float; None for missing, NaN and infinite values and for anything that is not a number."""
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


def interval(shown: Rate) -> str:
    """Both ends of a rate's interval, per cent."""
    if shown.low is None or shown.high is None:
        return "–"
    return f"{100 * shown.low:.1f} to {100 * shown.high:.1f}\u202f%"


def size(octets: int) -> str:
    """A file size in decimal units."""
    amount = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f}\u202f{unit}" if unit == "B" else f"{amount:.1f}\u202f{unit}"


def short(value: object, length: int = 60) -> str:
    """The value as one line of at most ``length`` characters; a cut is marked by an ellipsis."""
    line = " ".join(str(value)[: 20 * length].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def name_of(value: object, otherwise: str) -> str:
    """A molecule's name for people: one short line, or another text where it has none."""
    return short(value, 48) if isinstance(value, str) and value.strip() else otherwise


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
