"""How many of the molecules are any good: headline, rates with intervals, distances."""

from collections.abc import Mapping
from typing import Any

from moldiff.reporting.charts import rate_bar
from moldiff.reporting.figures import Rate, interval, number, percent, plain, rate_of
from moldiff.reporting.layout import details, missing, note, section, table
from moldiff.reporting.markup import Markup, join, short, tag
from moldiff.reporting.sources import Evidence

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
    "new_scaffolds": ("New scaffolds", "distinct Murcko scaffolds that the reference does not have"),
    "strain_coverage": ("Strain, coverage", "drawn strict molecules for which MMFF94s gives a strain energy"),
    "xtb_coverage": ("GFN2-xTB, coverage", "drawn strict molecules that GFN2-xTB could relax"),
    "etkdg_coverage": ("ETKDG, coverage", "drawn strict molecules that could be compared with conformers"),
    "posebusters": ("PoseBusters", "the package itself, configuration mol, on a drawn sample"),
    "internal_diversity": ("Internal diversity", "mean Tanimoto distance of pairs; 0 all alike, 1 nothing shared"),
    "circles": ("#Circles", "molecules that are pairwise less than 0.65 alike"),
    "snn": ("Nearest training neighbour", "mean Tanimoto similarity to it; 1 is a copy"),
    "scaffolds": ("Scaffolds", "distinct Murcko scaffolds"),
    "strain_energy": ("Strain, kcal/mol", "median MMFF94s energy above the nearest minimum"),
    "strain_rmsd": ("Strain, RMSD in Å", "median way of the heavy atoms to that minimum"),
    "xtb_energy": ("GFN2-xTB relaxation, kcal/mol", "median energy lowered by the relaxation"),
    "xtb_rmsd": ("GFN2-xTB relaxation, RMSD in Å", "median way of the heavy atoms"),
    "etkdg_rmsd": ("ETKDG, RMSD in Å", "median distance to the nearest of 10 ETKDGv3 conformers"),
}
DENOMINATORS = {
    "uniqueness": "valid", "uniqueness_isomeric": "valid", "uniqueness_inchikey": "valid", "novelty": "distinct valid",
    "pb_valid": "valid with coordinates", "sane": "valid with coordinates", "lipinski": "distinct valid",
    "pains": "distinct valid", "brenk": "distinct valid", "glaxo": "distinct valid",
    "new_ring_system": "distinct valid", "new_scaffolds": "distinct scaffolds", "atom_stability": "atoms",
    "strain_coverage": "drawn, strict", "xtb_coverage": "drawn, strict", "etkdg_coverage": "drawn, strict",
}  # fmt: skip
HEADLINE = ("valid", "uniqueness", "novelty", "pb_valid_of_all", "molecule_stability")


def headline(evidence: Evidence) -> Markup:
    """The few numbers that people look for first."""
    summary = evidence.summary or {}
    cards = []
    total = number(summary.get("n_total"))
    if total is not None:
        distinct = number(summary.get("n_distinct"))
        told = "records checked" + (f", {plain(distinct)} distinct valid molecules" if distinct is not None else "")
        cards.append(_card("Records", plain(total), told))
    for name in HEADLINE:
        metric = _metrics(summary).get(name)
        rate = rate_of(metric) if metric else None
        if rate:
            of = DENOMINATORS.get(name, "records")
            told = f"{plain(rate.numerator)} of {plain(rate.denominator)} {of}; 95\u202f% interval {interval(rate)}"
            cards.append(_card(MEANINGS[name][0], percent(rate.value), told))
    return tag("div", cards, class_="cards") if cards else Markup("")


def rates(evidence: Evidence) -> Markup:
    """Every rate of the check with numerator, denominator and Wilson interval, and the numbers that are no rates."""
    summary = evidence.summary
    if summary is None:
        told = "No check was given, so nothing is known of the molecules' quality. Run `moldiff check`."
        return section("rates", "Quality", missing(told))
    metrics = _metrics(summary)
    body, others = [], []
    for name, metric in metrics.items():
        rate = rate_of(metric)
        if rate is None:
            others.append(_other(name, metric))
        else:
            body.append(_rate_row(name, rate))
    values = summary.get("values")
    others += [_other(name, value) for name, value in (values.items() if isinstance(values, dict) else ())]
    hydrogens = summary.get("hydrogens")
    told = {
        "explicit": "Hydrogens: explicit, so a missing one is an error.",
        "implicit": "Hydrogens: implicit, so RDKit fills them; strict validity is then a weaker statement.",
    }.get(str(hydrogens), "")
    parts = [
        note(
            "Each rate stands with what was counted and what it was divided by. The interval is Wilson's at 95\u202f%: "
            "two runs whose intervals overlap may differ by chance alone. ", told,
            f" Definitions version {short(summary.get('definitions', 'unknown'))}.",
        )
    ]  # fmt: skip
    if body:
        head = ("Rate", "Value", "95\u202f% interval", "Counted", "Of", "0 to 100\u202f%")
        parts.append(table("Rates", head, body, numeric=(1, 2, 3)))
    else:
        parts.append(missing("The check's summary holds no rates."))
    if others:
        parts.append(table("Further numbers", ("Number", "Taken from", "Value"), others, numeric=(1, 2)))
    return section("rates", "Quality", *parts)


def distances(evidence: Evidence) -> Markup:
    """Distances of distributions to the reference as the check states them, each beside its noise floor."""
    found = (evidence.summary or {}).get("distances")
    if not isinstance(found, dict) or not found:
        return Markup("")
    body = []
    for name, entry in found.items():
        if not isinstance(entry, dict) or number(entry.get("value")) is None:
            continue
        value, floor = number(entry.get("value")), number(entry.get("noise_floor"))
        ratio = f"{value / floor:.1f}×" if value is not None and floor else "–"
        body.append((short(name.replace("_", " ")), short(entry.get("kind", "")), plain(value), plain(floor), ratio,
                     f"{plain(entry.get('n'))} / {plain(entry.get('reference_n'))}"))  # fmt: skip
    return details(
        f"All {len(body)} distances of the check to its reference",
        note("The noise floor is the same distance between two halves of the reference: no generator can be expected "
             "to come below it. W1 is the Wasserstein distance in the quantity's unit, JS the Jensen-Shannon "
             "divergence (base 2), TV the total variation."),
        table("Distances to the reference", ("Quantity", "Kind", "Distance", "Noise floor", "Ratio", "N / reference N"),
              body, numeric=(2, 3, 4, 5)),
    )  # fmt: skip


def _metrics(summary: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = summary.get("metrics")
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def _card(title: str, value: str, told: str) -> Markup:
    return tag("div", tag("h3", title), tag("p", value, class_="big"), tag("p", told, class_="small"), class_="card")


def _label(name: str) -> Markup:
    title, meaning = MEANINGS.get(name, (name.replace("_", " "), ""))
    return join([short(title), tag("span", meaning, class_="meaning")] if meaning else [short(title)])


def _rate_row(name: str, rate: Rate) -> tuple[object, ...]:
    counted = f"{plain(rate.numerator)} / {plain(rate.denominator)}"
    of = DENOMINATORS.get(name, "all records" if name in MEANINGS else "")
    return (_label(name), percent(rate.value), interval(rate), counted, of, rate_bar(rate))


def _other(name: str, entry: object) -> tuple[object, ...]:
    if not isinstance(entry, dict):
        return (_label(name), "–", plain(entry))
    taken = next((f"{plain(entry[k])} {k if k != 'n' else 'molecules'}" for k in ("pairs", "n") if k in entry), "–")
    return (_label(name), taken, plain(entry.get("value")))
