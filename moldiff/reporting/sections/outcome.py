"""How many of the molecules are any good: headline, rates with intervals, distances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moldiff.reporting.evidence import Evidence
from moldiff.reporting.figures import interval, number, percent, plain, rate_of
from moldiff.scoring.metrics import METRICS, VALUES
from moldiff.scoring.sets.statistics import Rate

_RATES = {metric.name: metric for metric in METRICS}
_LABELS = {
    **{metric.name: (metric.title, metric.meaning) for metric in METRICS},
    **{value.name: (value.title, value.meaning) for value in VALUES},
}
HEADLINE = tuple(metric.name for metric in METRICS if metric.headline)
"""The rates that people look for first; the first five that are known are shown."""


@dataclass(frozen=True)
class Card:
    """One of the few numbers that people look for first."""

    title: str
    value: str
    note: str


@dataclass(frozen=True)
class RateRow:
    """A rate with its title, what it means, what it is a share of, and the reference's rate where it is known."""

    title: str
    meaning: str
    rate: Rate
    of: str
    reference: float | None


@dataclass(frozen=True)
class NumberRow:
    """A number that is not a share, and how many molecules or pairs it was taken from."""

    title: str
    meaning: str
    taken_from: str
    value: str


@dataclass(frozen=True)
class DistanceRow:
    """A distance to the reference beside its noise floor, as text."""

    name: str
    kind: str
    value: str
    floor: str
    ratio: str
    counts: str


@dataclass(frozen=True)
class Outcome:
    """What the check states; ``perfect`` are the rates of 100 %, which are shown in one line.

    ``known`` is False without a check, and all else is then empty.
    """

    known: bool
    cards: Sequence[Card]
    perfect: Sequence[RateRow]
    rates: Sequence[RateRow]
    numbers: Sequence[NumberRow]
    distances: Sequence[DistanceRow]
    hydrogens: str
    definitions: str


def outcome(evidence: Evidence) -> Outcome:
    """Headline, every rate with its interval, the numbers that are not rates, and the distances."""
    summary = evidence.summary or {}
    rows, numbers = [], []
    for name, metric in _entries(summary, "metrics"):
        stated = rate_of(metric)
        title, meaning = label(name)
        if stated is None:
            numbers.append(_number_row(name, metric))
        else:
            of = _RATES[name].of if name in _RATES else ""
            rows.append(RateRow(title, meaning, stated, of, number(metric.get("reference"))))
    numbers += [_number_row(name, entry) for name, entry in _entries(summary, "values")]
    perfect = [row for row in rows if row.rate.numerator == row.rate.denominator and "lower is" not in row.meaning]
    return Outcome(
        known=evidence.summary is not None,
        cards=_cards(summary),
        perfect=perfect if len(perfect) > 1 else [],
        rates=[row for row in rows if row not in perfect] if len(perfect) > 1 else rows,
        numbers=numbers,
        distances=[row for name, entry in _entries(summary, "distances") if (row := _distance_row(name, entry))],
        hydrogens={
            "explicit": "Hydrogens: explicit, so a missing one is an error.",
            "implicit": "Hydrogens: implicit, so RDKit fills them; strict validity is then a weaker statement.",
        }.get(str(summary.get("hydrogens")), ""),
        definitions=str(summary.get("definitions", "unknown")),
    )


def _cards(summary: Mapping[str, Any]) -> list[Card]:
    cards = []
    total, distinct = number(summary.get("n_total")), number(summary.get("n_distinct"))
    if total is not None:
        note = "records checked" + (f", {plain(distinct)} distinct valid molecules" if distinct is not None else "")
        cards.append(Card("Records", plain(total), note))
    metrics = dict(_entries(summary, "metrics"))
    for name in HEADLINE:
        stated = rate_of(metrics.get(name, {}))
        if stated:
            counted = f"{plain(stated.numerator)} of {plain(stated.denominator)} {_RATES[name].of.removeprefix('all ')}"
            note = f"{counted}; 95\u202f% interval {interval(stated)}"
            cards.append(Card(_RATES[name].title, percent(stated.value), note))
    return cards[:6]


def _entries(summary: Mapping[str, Any], section: str) -> list[tuple[str, Mapping[str, Any]]]:
    found = summary.get(section)
    return [(k, v) for k, v in found.items() if isinstance(v, Mapping)] if isinstance(found, Mapping) else []


def label(name: str) -> tuple[str, str]:
    """Title and meaning of a number of the check; the meaning is empty where it says nothing that the name does not."""
    return _LABELS.get(name, (name.replace("_", " "), ""))


def _number_row(name: str, entry: Mapping[str, Any]) -> NumberRow:
    taken = next((f"{plain(entry[k])} {k if k != 'n' else 'molecules'}" for k in ("pairs", "n") if k in entry), "–")
    return NumberRow(*label(name), taken, plain(entry.get("value")))


def _distance_row(name: str, entry: Mapping[str, Any]) -> DistanceRow | None:
    value, floor = number(entry.get("value")), number(entry.get("noise_floor"))
    if value is None:
        return None
    return DistanceRow(
        name.replace("_", " "),
        str(entry.get("kind", "")),
        plain(value),
        plain(floor),
        f"{value / floor:.1f}×" if floor else "–",
        f"{plain(entry.get('n'))} / {plain(entry.get('reference_n'))}",
    )
