"""Are the molecules like those learnt from? Histograms against the training set, and structural alerts."""

from collections import Counter

import numpy as np

from moldiff.reporting.charts import histogram, share_bar
from moldiff.reporting.figures import interval, percent, plain, wilson
from moldiff.reporting.layout import missing, note, section, table
from moldiff.reporting.markup import Markup, join, short, tag
from moldiff.reporting.reference import PROPERTIES, Property, Reference, compare
from moldiff.reporting.sources import Evidence


def properties(evidence: Evidence, reference: Reference | None, *more: Markup) -> Markup:
    """Property histograms of the distinct valid molecules against a sample of the training molecules."""
    chosen = evidence.distinct_valid()
    present = [p for p in PROPERTIES if np.isfinite(evidence.numbers(p.column)[chosen]).any()] if len(chosen) else []
    if not present:
        told = "No checked rows with properties were given, so there is nothing to draw."
        return section("properties", "Properties", missing(told), *more)
    if reference is None:
        told = missing(
            "No dataset was given: the generated molecules stand alone, without the training set beside them."
        )
    else:
        told = note(
            f"Shares of {plain(len(chosen))} distinct valid molecules and of {plain(len(reference.smiles))} training "
            "molecules drawn with seed 0; values beyond the outermost 0.2\u202f% stand in the last bins. W1 is the "
            "Wasserstein distance, in the unit of the axis: how far values must move on average to turn one "
            "distribution into the other. Its noise floor is the same distance between two halves of the training "
            "sample at the same N: near the floor, the two cannot be told apart."
        )
    drawn = [_property(evidence, p, reference) for p in present]
    return section(
        "properties", "Properties", told, _legend(reference is not None), tag("div", drawn, class_="plots"), *more
    )


def alerts(evidence: Evidence, reference: Reference | None) -> Markup:
    """Structural alerts among the distinct valid molecules, beside their share among training molecules."""
    parts: list[Markup] = [tag("h3", "Structural alerts")]
    chosen = evidence.distinct_valid()
    if "alerts" not in evidence.rows or not len(chosen):
        return join([*parts, missing("No checked rows with alerts were given.")])
    counts: Counter[str] = Counter()
    flagged = 0
    for value in evidence.rows["alerts"].iloc[chosen].tolist():
        names = {part.strip() for part in value.split(";")} - {""} if isinstance(value, str) else set()
        flagged += bool(names)
        counts.update(names)
    rate = wilson(flagged, len(chosen))
    if rate is None:
        return join(parts)
    told = (
        f"{plain(flagged)} of {plain(len(chosen))} distinct valid molecules ({percent(rate.value)}, interval "
        f"{interval(rate)}) match a pattern of PAINS, Brenk or Glaxo. "
    )
    if reference is not None and len(reference.smiles):
        share = percent(reference.flagged / len(reference.smiles))
        told += f"Of {plain(len(reference.smiles))} training molecules {plain(reference.flagged)} do ({share})."
    parts.append(note(told, " An alert is a reason to look twice, not a verdict."))
    body = []
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:12]:
        row: list[object] = [
            short(name.replace("_", " "), 60),
            f"{plain(count)} / {plain(len(chosen))}",
            percent(count / len(chosen)),
        ]
        if reference is not None and len(reference.smiles):
            row.append(percent(reference.alerts[name] / len(reference.smiles)))
        row.append(share_bar(count / len(chosen)))
        body.append(row)
    if body:
        head = ["Alert", "Molecules", "Generated", *(["Training"] if len(body[0]) == 5 else []), "0 to 100\u202f%"]
        parts.append(table("Most frequent alerts", head, body, numeric=range(1, len(head) - 1)))
    return join(parts)


def strain(evidence: Evidence) -> Markup:
    """Histogram of the strain energies, where the check computed some."""
    values = evidence.numbers("strain_energy")
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return Markup("")
    shown = Property("strain", "strain, kcal/mol", "")
    told = (
        f"MMFF94s energy above the nearest local minimum of {plain(len(values))} molecules: median "
        f"{plain(float(np.median(values)))}, 90th percentile {plain(float(np.percentile(values, 90)))} kcal/mol. "
        "Low strain means that bond lengths, angles and contacts are relaxed."
    )
    plot = histogram(values, None, label=shown.label, whole=False, description=f"Histogram of {shown.label}")
    return join([tag("h3", "Strain"), note(told), tag("div", tag("figure", plot), class_="plots")])


def _property(evidence: Evidence, shown: Property, reference: Reference | None) -> Markup:
    values = evidence.numbers(shown.column)[evidence.distinct_valid()]
    values = values[np.isfinite(values)]
    known = reference.values[shown.column] if reference is not None and len(reference.smiles) else None
    figures = f"median {plain(float(np.median(values)))}"
    if known is not None and len(known):
        figures += f" against {plain(float(np.median(known)))}"
        compared = compare(values, known)
        if compared is not None:
            found, floor, count = compared
            figures += f"; W1 {plain(found, 2)}, noise floor {plain(floor, 2)} (N {plain(count)} each)"
    description = f"Histogram of {shown.label}: {figures}"
    plot = histogram(values, known, label=shown.label, whole=shown.whole, description=description)
    caption = tag("figcaption", tag("strong", shown.label), ": ", shown.meaning, tag("span", figures, class_="small"))
    return tag("figure", plot, caption)


def _legend(both: bool) -> Markup:
    entries = [("generated", "generated"), *([("training", "reference")] if both else [])]
    return tag(
        "ul", [tag("li", tag("span", class_=f"swatch {style}"), label) for label, style in entries], class_="legend"
    )
