"""Pictures of the best molecules, each beside its nearest training molecule."""

from collections.abc import Sequence
from dataclasses import dataclass

from moldiff.chemistry.formats.records import Record
from moldiff.reporting.evidence import Evidence
from moldiff.reporting.figures import name_of, number, short
from moldiff.reporting.pictures import GIVEN, Picture, Request, draw_all

FIGURES = (("qed", "QED", 2), ("sa", "SA", 2), ("logp", "logP", 2), ("mw", "MW", 0))


@dataclass(frozen=True)
class Neighbour:
    """The training molecule most like another: its picture and their Tanimoto similarity."""

    picture: Picture
    similarity: float


@dataclass(frozen=True)
class MoleculeCard:
    """A molecule with its badges (label, and whether it is good), its main figures and its neighbour."""

    name: str
    smiles: str
    picture: Picture
    badges: Sequence[tuple[str, bool]]
    figures: Sequence[tuple[str, str]]
    near: Neighbour | None


@dataclass(frozen=True)
class Gallery:
    """Cards of the best of ``candidates`` distinct valid molecules."""

    cards: Sequence[MoleculeCard]
    candidates: int
    novelty_known: bool
    neighbours_known: bool


def gallery(evidence: Evidence, positions: Sequence[int], records: dict[int, Record]) -> Gallery:
    """The molecules of some rows, drawn beside the neighbours that the check found.

    Args:
        evidence: with rows.
        positions: the rows.
        records: their records, for atoms that are marked there; may be empty.
    """
    own = [
        Request(f"{evidence.name(p)}: {short(smiles, 120)}", smiles, _marked(records.get(p)))
        for p in positions
        for smiles in (evidence.text(p, "smiles"),)
    ]
    near = [evidence.text(p, "nearest_train_smiles") for p in positions]
    pictures = draw_all([*own, *(Request(f"nearest training molecule {short(s, 120)}", s) for s in near if s)])
    others = iter(pictures[len(own) :])
    similarity = evidence.numbers("nearest_train")
    cards = [
        MoleculeCard(
            evidence.name(p),
            short(evidence.text(p, "smiles"), 90),
            picture,
            _badges(evidence, p),
            main_figures(evidence, p),
            Neighbour(next(others), float(similarity[p])) if smiles else None,
        )
        for p, picture, smiles in zip(positions, pictures, near, strict=False)
    ]
    return Gallery(cards, len(evidence.distinct_valid()), evidence.known("novel"), any(near))


def unchecked(records: Sequence[Record]) -> list[MoleculeCard]:
    """Pictures of records that nobody checked."""
    names = [name_of(record.name, f"record {record.index}") for record in records]
    pictures = draw_all([Request(name, record=record) for name, record in zip(names, records, strict=True)])
    return [MoleculeCard(name, "", picture, [], [], None) for name, picture in zip(names, pictures, strict=True)]


def main_figures(evidence: Evidence, position: int) -> list[tuple[str, str]]:
    """The few numbers shown beside a molecule, as text; those that are not known are left out."""
    numbers = []
    for column, label, digits in FIGURES:
        value = number(evidence.rows[column].iloc[position]) if column in evidence.rows else None
        if value is not None:
            # + 0.0 makes a zero of a negative zero
            numbers.append((label, f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")))
    return numbers


def _marked(record: Record | None) -> Record | None:
    """The record if it says which atoms were given; else a SMILES, which holds stereo, makes the better picture."""
    return record if record is not None and record.properties.get(GIVEN) else None


def _badges(evidence: Evidence, position: int) -> list[tuple[str, bool]]:
    return [
        (label if good else other, good)
        for column, label, other in (("novel", "novel", "known"), ("pb_valid", "PB-valid", "PB fails"))
        if evidence.known(column)
        for good in (bool(evidence.truth(column)[position]),)
    ]
