"""Pictures: the best molecules beside their nearest training neighbours, structures in 3D, and what failed."""

from collections.abc import Mapping, Sequence

import numpy as np
from rdkit import Chem

from moldiff.chemistry.formats.records import Record
from moldiff.reporting.charts import share_bar
from moldiff.reporting.figures import number, percent, plain
from moldiff.reporting.layout import missing, name_of, note, section, table
from moldiff.reporting.markup import Markup, join, short, tag
from moldiff.reporting.pictures import from_smiles, picture, without_hydrogens
from moldiff.reporting.reference import Neighbour
from moldiff.reporting.selection import REASONS, Failure, failures, molecule, structure
from moldiff.reporting.sources import Evidence
from moldiff.reporting.viewer import Shown, viewer

FIGURES = (("qed", "QED"), ("sa", "SA"), ("logp", "logP"), ("mw", "MW"))


def molecules(evidence: Evidence, shown: Sequence[int], nearest: Mapping[int, Neighbour], searched: int) -> Markup:
    """A grid of the best molecules, each with its nearest training neighbour where a training set was given."""
    if not len(evidence.rows):
        return section("molecules", "Best molecules", missing("No checked rows were given, so none can be ranked."))
    if not shown:
        return section("molecules", "Best molecules", missing("No picture was asked for, or no molecule is valid."))
    candidates = len(evidence.distinct_valid())
    told = f"{plain(len(shown))} of {plain(candidates)} distinct valid molecules: "
    told += (
        "novel ones first, then those that are PB-valid, then by QED. "
        if evidence.known("novel")
        else ("PB-valid ones first, then by QED; novelty is not known without a training set. ")
    )
    if searched:
        told += (
            f"The smaller picture is the most similar of {plain(searched)} training molecules (Tanimoto similarity of "
            "Morgan fingerprints, radius 2, 2048 bits; 1 means the same bits)."
        )
    elif not nearest:
        told += "No training set was given, so no nearest training molecule can be shown."
    cards = [_molecule_card(evidence, position, nearest.get(position)) for position in shown]
    return section("molecules", "Best molecules", note(told), tag("ul", cards, class_="grid"))


def structures(evidence: Evidence, shown: Sequence[int], records: Mapping[int, Record], wanted: int) -> Markup:
    """The 3D viewer, for the best molecules whose records hold coordinates."""
    entries = []
    for position in shown:
        mol = structure(molecule(records.get(position)))
        if mol is not None:
            figures = [(label, _figure(evidence, position, column)) for column, label in FIGURES]
            figures.append(("atoms", plain(mol.GetNumAtoms())))
            smiles = _text(evidence, position, "smiles")
            entries.append(Shown(mol, _name(evidence, position), smiles, [f for f in figures if f[1] != "–"]))
        if len(entries) == wanted:
            break
    return structures_of(entries, wanted)


def structures_of(entries: Sequence[Shown], wanted: int) -> Markup:
    """The 3D section of given structures."""
    if not wanted:
        return section(
            "structures", "In three dimensions", missing("No structure was asked for (option viewers is 0).")
        )
    if not entries:
        told = (
            "No structure with three-dimensional coordinates was found: give the SDF file that was checked with "
            "--samples. SMILES hold no coordinates, and XYZ no bonds."
        )
        return section("structures", "In three dimensions", missing(told))
    told = "Positions, bond orders and charges are shown exactly as they are written in the file."
    return section("structures", "In three dimensions", note(told), viewer(entries))


def unchecked(records: Sequence[Record], count: int) -> Markup:
    """Pictures of samples that nobody checked."""
    cards = []
    for record in records[:count]:
        mol = molecule(record)
        name = name_of(record.name, f"record {record.index}")
        drawn = picture(without_hydrogens(mol), name) if mol is not None else missing("cannot be read")
        cards.append(tag("li", tag("figure", drawn, tag("figcaption", tag("span", name, class_="name")))))
    told = "Not checked: the first records of the file, as they are written, good or bad."
    return section("molecules", "Molecules", note(told), tag("ul", cards, class_="grid"))


def failing(evidence: Evidence, records: Mapping[int, Record]) -> Markup:
    """Why molecules failed: counts of the reasons, and pictures of a few failing molecules for the frequent ones."""
    if not len(evidence.rows):
        return section("failures", "What failed", missing("No checked rows were given."))
    parts: list[Markup] = []
    for title, told, found, total in failure_groups(evidence):
        parts.append(tag("h3", title))
        if not found:
            parts.append(note(f"None of {plain(total)} records."))
            continue
        body = [
            (
                short(f.reason, 120),
                f"{plain(f.count)} / {plain(total)}",
                percent(f.count / total),
                share_bar(f.count / total, "bad"),
            )
            for f in found[:15]
        ]
        parts.append(note(told, " A record may have several reasons. # stands for a number."))
        parts.append(table(title, ("Reason", "Records", "Share", "0 to 100\u202f%"), body, numeric=(1, 2)))
        cards = [
            _failure_card(evidence, position, failure.reason, records.get(position))
            for failure in found[:REASONS]
            for position in failure.examples
        ]
        parts.append(tag("ul", cards, class_="grid small"))
    return section("failures", "What failed", *parts)


def failure_groups(evidence: Evidence) -> list[tuple[str, str, list[Failure], int]]:
    """Groups of failing records: title, explanation, reasons, and the number of records that the counts are of.

    The groups are invalid records, valid ones that are not strictly valid, and valid ones whose geometry failed.
    """
    valid = evidence.truth("valid")
    invalid = np.flatnonzero(~valid)
    loose = np.flatnonzero(valid & ~evidence.truth("valid_strict"))
    posed = np.flatnonzero(valid)
    groups = [
        ("Not valid", "Why records are not valid, of all records.", failures(evidence, "reasons", invalid), len(valid))
    ]
    if evidence.known("valid_strict"):
        told = "Valid, but something is missing or had to be altered, of all valid records."
        groups.append(("Valid, not strictly", told, failures(evidence, "reasons", loose), len(posed)))
    if evidence.known("pb_failed"):
        told = "Tests of the three-dimensional structure that valid records failed, of all valid records."
        groups.append(("Valid, bad geometry", told, failures(evidence, "pb_failed", posed), len(posed)))
    return [group for group in groups if group[3]]


def shown_failures(evidence: Evidence) -> list[int]:
    """Positions of all failing molecules that are drawn."""
    if not len(evidence.rows):
        return []
    return [p for _, _, found, _ in failure_groups(evidence) for f in found[:REASONS] for p in f.examples]


def ring_systems(evidence: Evidence) -> Markup:
    """Ring systems that the reference of the check does not have, each marked in a molecule that holds it."""
    parts: list[Markup] = [tag("h3", "Ring systems never seen in training")]
    if "new_ring_systems" not in evidence.rows:
        return join([*parts, missing("The check compared with no training set, so new ring systems are not known.")])
    counts: dict[str, list[int]] = {}
    distinct = evidence.distinct_valid()
    values = evidence.rows["new_ring_systems"].tolist()
    if not any(isinstance(value, str) for value in values):
        return join([*parts, missing("The check compared with no training set, so new ring systems are not known.")])
    for position in distinct.tolist():
        value = values[position]
        for ring in {part.strip() for part in value.split(";")} - {""} if isinstance(value, str) else ():
            counts.setdefault(ring, []).append(position)
    holding = len({position for places in counts.values() for position in places})
    share = percent(holding / len(distinct)) if len(distinct) else "–"
    parts.append(
        note(f"{plain(holding)} of {plain(len(distinct))} distinct valid molecules ({share}) hold a ring system that "
             f"the training set does not have; {plain(len(counts))} such systems. New is not wrong, but odd rings "
             "are where generators go astray.")
    )  # fmt: skip
    ranked = sorted(counts.items(), key=lambda item: (-len(item[1]), item[0]))[:12]
    cards = []
    for ring, places in ranked:
        mol = from_smiles(_text(evidence, places[0], "smiles"))
        if mol is None:
            continue
        drawn = picture(mol, f"molecule with the ring system {short(ring)}", _ring_atoms(mol, ring))
        told = f"{plain(len(places))} of {plain(len(distinct))}"
        cards.append(tag("li", tag("figure", drawn, tag("figcaption", tag("span", short(ring, 48), class_="smiles"),
                                                            tag("span", told, class_="small")))))  # fmt: skip
    return join([*parts, tag("ul", cards, class_="grid small")])


def _ring_atoms(mol: Chem.Mol, ring: str) -> tuple[int, ...]:
    """Atoms of the ring system of that SMILES (a fragment of this molecule), found by writing each system anew."""
    systems: list[set[int]] = []
    for atoms in mol.GetRingInfo().AtomRings():
        joined = set(atoms)
        for system in [s for s in systems if s & joined]:
            joined |= system
            systems.remove(system)
        systems.append(joined)
    for system in systems:
        outer = {
            b.GetOtherAtomIdx(i)
            for i in system
            for b in mol.GetAtomWithIdx(i).GetBonds()
            if b.GetBondType() == Chem.BondType.DOUBLE
        }
        if Chem.MolFragmentToSmiles(mol, sorted(system | outer), isomericSmiles=False) == ring:
            return tuple(sorted(system))
    return ()


def _molecule_card(evidence: Evidence, position: int, near: Neighbour | None) -> Markup:
    smiles, name = _text(evidence, position, "smiles"), _name(evidence, position)
    mol = from_smiles(smiles) if smiles else None
    drawn = picture(mol, f"{name}: {short(smiles, 120)}") if mol is not None else missing("not drawn")
    figures = [(label, _figure(evidence, position, column)) for column, label in FIGURES]
    badges = [
        tag("span", label, class_="badge good" if good else "badge")
        for column, label, other in (("novel", "novel", "known"), ("pb_valid", "PB-valid", "PB fails"))
        if evidence.known(column)
        for good in (bool(evidence.truth(column)[position]),)
        for label in (label if good else other,)
    ]
    caption = [
        tag("span", name, class_="name"),
        tag("span", badges, class_="badges"),
        tag("span", short(smiles, 90), class_="smiles"),
        tag("span", " · ".join(f"{label} {value}" for label, value in figures if value != "–"), class_="small"),
    ]
    parts = [tag("figure", drawn, tag("figcaption", caption))]
    if near is not None:
        other = from_smiles(near.smiles)
        if other is not None:
            told = f"nearest in training: {near.similarity:.2f}"
            parts.append(tag("figure", picture(other, f"nearest training molecule {short(near.smiles, 120)}"),
                             tag("figcaption", tag("span", told, class_="small")), class_="near"))  # fmt: skip
    return tag("li", parts)


def _failure_card(evidence: Evidence, position: int, reason: str, record: Record | None) -> Markup:
    name = _name(evidence, position)
    smiles = _text(evidence, position, "smiles")
    mol = molecule(record)
    if mol is not None:
        drawn = picture(without_hydrogens(mol), f"{name}: {reason}")
    elif smiles and (written := from_smiles(smiles)) is not None:
        drawn = picture(written, f"{name}: {reason}")
    elif record is not None:
        drawn = tag("pre", "\n".join(short(line, 34) for line in record.text[:600].splitlines()[:7]))
    else:
        drawn = missing("no picture: the record is not at hand")
    told = _text(evidence, position, "reasons") or _text(evidence, position, "pb_failed") or reason
    caption = [tag("span", name, class_="name"), tag("span", short(told, 120), class_="small")]
    return tag("li", tag("figure", drawn, tag("figcaption", caption)))


def _name(evidence: Evidence, position: int) -> str:
    return name_of(_text(evidence, position, "name"), f"record {position + 1}")


def _text(evidence: Evidence, position: int, column: str) -> str:
    value = evidence.rows[column].iloc[position] if column in evidence.rows else ""
    return value if isinstance(value, str) else ""


def _figure(evidence: Evidence, position: int, column: str) -> str:
    value = number(evidence.rows[column].iloc[position]) if column in evidence.rows else None
    if value is None:
        return "–"
    digits = 0 if column == "mw" else 2
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")  # + 0.0 makes a zero of a negative zero
