"""How many of the molecules are any good: headline, rates with intervals, distances."""

from collections.abc import Sequence
from dataclasses import dataclass

from moldiff.reporting.evidence import Evidence
from moldiff.reporting.figures import interval, percent, plain
from moldiff.scoring.metrics import METRICS, VALUES
from moldiff.scoring.records import CheckSummary, DistanceRecord, NumberRecord, RateRecord
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
    summary = evidence.summary
    if summary is None:
        return Outcome(False, [], [], [], [], [], "", "unknown")
    rows, numbers = [], []
    for name, metric in summary.metrics.items():
        stated = _rate(metric)
        title, meaning = label(name)
        if stated is None:
            numbers.append(NumberRow(title, meaning, "–", plain(metric.value)))
        else:
            of = _RATES[name].of if name in _RATES else ""
            rows.append(RateRow(title, meaning, stated, of, metric.reference))
    numbers += [_number_row(name, entry) for name, entry in summary.values.items()]
    perfect = [row for row in rows if row.rate.numerator == row.rate.denominator and "lower is" not in row.meaning]
    return Outcome(
        known=True,
        cards=_cards(summary),
        perfect=perfect if len(perfect) > 1 else [],
        rates=[row for row in rows if row not in perfect] if len(perfect) > 1 else rows,
        numbers=numbers,
        distances=[row for name, entry in summary.distances.items() if (row := _distance_row(name, entry))],
        hydrogens={
            "explicit": "Hydrogens: explicit, so a missing one is an error.",
            "implicit": "Hydrogens: implicit, so RDKit fills them; strict validity is then a weaker statement.",
        }.get(summary.hydrogens, ""),
        definitions=summary.definitions,
    )


def _cards(summary: CheckSummary) -> list[Card]:
    note = f"records checked, {plain(summary.n_distinct)} distinct valid molecules"
    cards = [Card("Records", plain(summary.n_total), note)]
    for name in HEADLINE:
        if name in summary.metrics and (stated := _rate(summary.metrics[name])):
            counted = f"{plain(stated.numerator)} of {plain(stated.denominator)} {_RATES[name].of.removeprefix('all ')}"
            note = f"{counted}; 95\u202f% interval {interval(stated)}"
            cards.append(Card(_RATES[name].title, percent(stated.value), note))
    return cards[:6]


def _rate(record: RateRecord) -> Rate | None:
    """The rate of a record; None if nothing was counted."""
    if not record.denominator:
        return None
    return Rate(record.numerator, record.denominator, record.value, record.low, record.high)


def label(name: str) -> tuple[str, str]:
    """Title and meaning of a number of the check; the meaning is empty where it says nothing that the name does not."""
    return _LABELS.get(name, (name.replace("_", " "), ""))


def _number_row(name: str, entry: NumberRecord) -> NumberRow:
    counted = f"{plain(entry.n)} molecules" if entry.pairs is None else f"{plain(entry.pairs)} pairs"
    return NumberRow(*label(name), counted, plain(entry.value))


def _distance_row(name: str, entry: DistanceRecord) -> DistanceRow | None:
    value, floor = entry.value, entry.noise_floor
    if value is None:
        return None
    return DistanceRow(
        name.replace("_", " "),
        entry.kind,
        plain(value),
        plain(floor),
        f"{value / floor:.1f}×" if floor else "–",
        f"{plain(entry.n)} / {plain(entry.reference_n)}",
    )
