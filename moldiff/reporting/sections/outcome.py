"""How many of the molecules are any good: headline, rates with intervals, distances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moldiff.reporting.evidence import Evidence
from moldiff.reporting.figures import interval, number, percent, plain, rate_of
from moldiff.scoring.sets.statistics import Rate

MEANINGS = {
    "readable": ("Readable", "the record parses, has atoms, and every atom is an element"),
    "sanitizable": ("Sanitizable", "RDKit accepts all valences and aromatic rings of the record"),
    "connected": ("Connected", "all atoms are one fragment"),
    "valid": ("Valid", "readable, sanitizable and connected"),
    "valid_largest_fragment": ("Valid, largest fragment", "convention of EDM and MiDi, for comparison only"),
    "valid_strict": ("Strictly valid", "valid, and no hydrogen, charge, order or radical had to be added or altered"),
    "atom_stability": ("Atoms stable", "atoms whose valence as written is allowed for their element and charge"),
    "molecule_stability": ("Molecules stable", "records of which every atom is stable"),
    "uniqueness": ("Unique", "distinct molecules among the valid ones, stereo ignored"),
    "uniqueness_isomeric": ("Unique with stereo", "the same, with stereoisomers told apart"),
    "uniqueness_inchikey": ("Unique by InChIKey", "the same by the first block of the InChIKey"),
    "novelty": ("Novel", "distinct valid molecules that are not in the training set"),
    "vun": ("Valid, unique and novel", "new molecules among everything that was asked for"),
    "pb_valid": ("PB-valid", "bonds, angles, contacts and flatness as in PoseBusters' mol_fast, of the valid"),
    "pb_valid_of_all": ("PB-valid of all", "the same, of all records: invalid ones count as failed"),
    "sane": ("Physically sane", "bond lengths and contacts of all atoms, hydrogens included, are possible"),
    "lipinski": ("Lipinski", "break at most one of the four rules"),
    "pains": ("PAINS alerts", "match a pattern of frequent assay interference; lower is better"),
    "brenk": ("Brenk alerts", "match a pattern unwanted in screening libraries; lower is better"),
    "glaxo": ("Glaxo alerts", "match one of Glaxo's hard filters; lower is better"),
    "new_ring_system": ("New ring systems", "hold a ring system that the reference does not have"),
    "reasonable": ("Reasonable", "free of flags of ring topology and functional groups that chemists would doubt"),
    "topology_flag": ("Flagged topology", "rings that chemists would doubt; lower is better"),
    "group_flag": ("Flagged groups", "functional groups that chemists would doubt; lower is better"),
    "chembl_unknown_ring": ("Ring systems not in ChEMBL", "hold a ring system that ChEMBL lacks; lower is better"),
    "chembl_ring_below_5": ("Very rare ring systems", "hold one that ChEMBL has fewer than 5 times; lower is better"),
    "chembl_ring_below_100": ("Rare ring systems", "hold one that ChEMBL has fewer than 100 times; lower is better"),
    "four_joined_rings": ("Four joined rings", "hold a system of four rings or more; compare with the reference"),
    "ring_of_seven": ("Rings of seven", "hold a ring of seven atoms; compare with the reference"),
    "ring_of_eight": ("Rings of eight or more", "hold a ring of eight atoms or more; compare with the reference"),
    "new_scaffolds": ("New scaffolds", "distinct Murcko scaffolds that the reference does not have"),
    "strain_coverage": ("Strain, coverage", "sampled strict molecules for which MMFF94s gives a strain energy"),
    "xtb_coverage": ("GFN2-xTB, coverage", "sampled strict molecules that GFN2-xTB could relax"),
    "etkdg_coverage": ("ETKDG, coverage", "sampled strict molecules that could be compared with conformers"),
    "posebusters": ("PoseBusters", "the package itself, configuration mol, on a sample"),
    "internal_diversity": ("Internal diversity", "mean Tanimoto distance of pairs; 0 all alike, 1 nothing shared"),
    "circles": ("#Circles", "molecules that are pairwise less than 0.65 alike"),
    "snn": ("Nearest training neighbour", "mean Tanimoto similarity to it; 1 is a copy"),
    "scaffolds": ("Scaffolds", "distinct Murcko scaffolds"),
    "strain_energy": ("Strain, kcal/mol", "median MMFF94s energy above the nearest minimum"),
    "strain_rmsd": ("Strain, RMSD in Å", "median displacement of the heavy atoms to that minimum"),
    "xtb_energy": ("GFN2-xTB relaxation, kcal/mol", "median energy lowered by the relaxation"),
    "xtb_rmsd": ("GFN2-xTB relaxation, RMSD in Å", "median displacement of the heavy atoms"),
    "etkdg_rmsd": ("ETKDG, RMSD in Å", "median distance to the nearest of 10 ETKDGv3 conformers"),
}
DENOMINATORS = {
    "uniqueness": "valid", "uniqueness_isomeric": "valid", "uniqueness_inchikey": "valid", "novelty": "distinct valid",
    "pb_valid": "valid with coordinates", "sane": "valid with coordinates", "lipinski": "distinct valid",
    "pains": "distinct valid", "brenk": "distinct valid", "glaxo": "distinct valid",
    "reasonable": "distinct valid", "topology_flag": "distinct valid", "group_flag": "distinct valid",
    "chembl_unknown_ring": "distinct valid", "chembl_ring_below_5": "distinct valid",
    "chembl_ring_below_100": "distinct valid", "four_joined_rings": "distinct valid",
    "ring_of_seven": "distinct valid", "ring_of_eight": "distinct valid",
    "new_ring_system": "distinct valid", "new_scaffolds": "distinct scaffolds", "atom_stability": "atoms",
    "strain_coverage": "sampled, strict", "xtb_coverage": "sampled, strict", "etkdg_coverage": "sampled, strict",
}  # fmt: skip
HEADLINE = ("valid", "uniqueness", "novelty", "pb_valid_of_all", "reasonable", "molecule_stability")
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
    """What the check states; ``perfect`` are the rates of 100 %, which stand in one line.

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
    """Headline, every rate with its interval, the numbers that are no rates, and the distances."""
    summary = evidence.summary or {}
    rows, numbers = [], []
    for name, metric in _entries(summary, "metrics"):
        found = rate_of(metric)
        title, meaning = label(name)
        if found is None:
            numbers.append(_number_row(name, metric))
        else:
            of = DENOMINATORS.get(name, "all records" if meaning else "")
            rows.append(RateRow(title, meaning, found, of, number(metric.get("reference"))))
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
        found = rate_of(metrics.get(name, {}))
        if found:
            counted = f"{plain(found.numerator)} of {plain(found.denominator)} {DENOMINATORS.get(name, 'records')}"
            note = f"{counted}; 95\u202f% interval {interval(found)}"
            cards.append(Card(MEANINGS[name][0], percent(found.value), note))
    return cards[:6]


def _entries(summary: Mapping[str, Any], section: str) -> list[tuple[str, Mapping[str, Any]]]:
    found = summary.get(section)
    return [(k, v) for k, v in found.items() if isinstance(v, Mapping)] if isinstance(found, Mapping) else []


def label(name: str) -> tuple[str, str]:
    """Title and meaning of a number of the check; the meaning is empty where it says nothing that the name does not."""
    return MEANINGS.get(name, (name.replace("_", " "), ""))


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
