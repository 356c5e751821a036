"""Why molecules failed: counts of the reasons, and pictures of a few failing molecules for the frequent ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from moldiff.reporting.evidence import Evidence
from moldiff.reporting.figures import short
from moldiff.reporting.pictures import Picture, Request, draw_all
from moldiff.reporting.selection import REASONS, Failure, failures, find_records
from moldiff.scoring.sets.statistics import Rate, rate


@dataclass(frozen=True)
class FailureCard:
    """A failing molecule: drawn, or the first lines of its record where it cannot be."""

    name: str
    note: str
    picture: Picture
    text: str


@dataclass(frozen=True)
class FailureGroup:
    """Records that failed in one way: title, explanation, reasons with their share of ``total`` records."""

    title: str
    explanation: str
    total: int
    reasons: Sequence[tuple[str, Rate]]
    cards: Sequence[FailureCard]


def failure_groups(evidence: Evidence) -> list[FailureGroup]:
    """Invalid records, valid ones that are not strictly valid, and valid ones whose geometry failed."""
    groups = [group for group in _groups(evidence) if group[3]]
    wanted = [(p, f.reason) for _, _, failures, _ in groups for f in failures[:REASONS] for p in f.examples]
    records = find_records(evidence, {position for position, _ in wanted})
    pictures = draw_all([
        Request(f"{evidence.name(p)}: {reason}", evidence.text(p, "smiles"), records.get(p)) for p, reason in wanted
    ])  # fmt: skip
    cards = iter(
        _card(evidence, position, reason, picture, records[position].text if position in records else "")
        for (position, reason), picture in zip(wanted, pictures, strict=True)
    )
    return [
        FailureGroup(
            title,
            explanation,
            total,
            [(short(f.reason, 120), rate(f.count, total)) for f in failures[:15]],
            [next(cards) for f in failures[:REASONS] for _ in f.examples],
        )
        for title, explanation, failures, total in groups
    ]


def _groups(evidence: Evidence) -> list[tuple[str, str, list[Failure], int]]:
    valid = evidence.truth("valid")
    invalid = np.flatnonzero(~valid)
    loose = np.flatnonzero(valid & ~evidence.truth("valid_strict"))
    posed = np.flatnonzero(valid)
    groups = [
        ("Not valid", "Why records are not valid, of all records.", failures(evidence, "reasons", invalid), len(valid))
    ]
    if evidence.known("valid_strict"):
        explanation = "Valid, but something is missing or had to be altered, of all valid records."
        groups.append(("Valid, not strictly", explanation, failures(evidence, "reasons", loose), len(posed)))
    if evidence.known("pb_failed"):
        explanation = "Tests of the three-dimensional structure that valid records failed, of all valid records."
        groups.append(("Valid, bad geometry", explanation, failures(evidence, "pb_failed", posed), len(posed)))
    return groups


def _card(evidence: Evidence, position: int, reason: str, picture: Picture, text: str) -> FailureCard:
    note = evidence.text(position, "reasons") or evidence.text(position, "pb_failed") or reason
    first_lines = "\n".join(short(line, 34) for line in text[:600].splitlines()[:7])
    unread = picture.problem.startswith("no picture")
    return FailureCard(evidence.name(position), short(note, 120), picture, first_lines if unread else "")


@dataclass(frozen=True)
class RingCard:
    """A molecule with a ring system that the reference does not have, marked; and how many hold it."""

    ring: str
    count: int
    picture: Picture


@dataclass(frozen=True)
class RingSystems:
    """Ring systems that the reference does not have: in how many distinct valid molecules, and the most frequent."""

    holding: Rate
    systems: int
    cards: Sequence[RingCard]


def ring_systems(evidence: Evidence) -> RingSystems | None:
    """Ring systems that the check's reference does not have; None where it compared with none."""
    if not evidence.known("new_ring_systems"):
        return None
    distinct = evidence.distinct_valid()
    counts: dict[str, list[int]] = {}
    for position in distinct.tolist():
        for ring in {part.strip() for part in evidence.text(position, "new_ring_systems").split(";")} - {""}:
            counts.setdefault(ring, []).append(position)
    ranked = sorted(counts.items(), key=lambda item: (-len(item[1]), item[0]))[:12]
    pictures = draw_all([
        Request(f"molecule with the ring system {short(ring)}", evidence.text(places[0], "smiles"), ring=ring)
        for ring, places in ranked
    ])  # fmt: skip
    return RingSystems(
        rate(len({position for places in counts.values() for position in places}), len(distinct)),
        len(counts),
        [
            RingCard(short(ring, 48), len(places), picture)
            for (ring, places), picture in zip(ranked, pictures, strict=True)
        ],
    )
