"""Are the molecules like those learnt from? Histograms against the reference, strain and structural alerts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from moldiff.parallel import Lost, default_workers, run_all
from moldiff.reporting.charts import Plot, histogram
from moldiff.reporting.evidence import Evidence
from moldiff.reporting.figures import plain, short
from moldiff.reporting.histograms import Histogram, join, of_integers, of_numbers, stated
from moldiff.reporting.pictures import SECONDS, from_smiles
from moldiff.scoring.declared import Descriptor
from moldiff.scoring.metrics import DESCRIPTORS, HEAVY_ATOMS
from moldiff.scoring.molecule.alerts import alerts as match_alerts
from moldiff.scoring.records import CheckSummary
from moldiff.scoring.sets.statistics import Rate, rate

ALERTS_SAMPLE = 1_000
"""Training molecules of which alerts are looked for."""
_ALERTS_SHOWN = 12


_HIDDEN = frozenset({"joined_rings", "bridgeheads", "spiro_atoms", "chembl_unknown", "chembl_unknown_exact"})
"""Nearly always 0 or 1: the table of rates says more of them than a histogram."""
PROPERTIES = tuple(one for one in (HEAVY_ATOMS, *DESCRIPTORS) if one.name not in _HIDDEN)


@dataclass(frozen=True)
class Shown:
    """A property's chart and what is written below it."""

    label: str
    meaning: str
    figures: str
    plot: Plot


@dataclass(frozen=True)
class AlertRow:
    """An alert, in how many generated molecules it was found, and its share of the training molecules."""

    name: str
    rate: Rate
    training: float | None


@dataclass(frozen=True)
class Alerts:
    """Alerts of the distinct valid molecules, and of a sample of training molecules where a dataset was given."""

    flagged: Rate
    training: Rate | None
    rows: Sequence[AlertRow]


@dataclass(frozen=True)
class Properties:
    """The section's content; ``reference`` names what the molecules are compared with, or is empty."""

    distinct: int
    reference: str
    profiled: int
    shown: Sequence[Shown]
    strain: Shown | None
    alerts: Alerts | None


def properties(evidence: Evidence, train: Sequence[str]) -> Properties:
    """Property histograms of the distinct valid molecules against the check's reference, and what else is known.

    Args:
        evidence: what the stages left.
        train: SMILES of training molecules, for their alerts; may be empty.
    """
    summary = evidence.summary
    reference = summary.reference if summary else None
    shown = [entry for p in PROPERTIES if (entry := _property(evidence, p)) is not None]
    return Properties(
        distinct=len(evidence.distinct_valid()),
        reference=_reference_name(summary) if summary and reference else "",
        profiled=reference.profiled if reference else 0,
        shown=shown,
        strain=_strain(evidence),
        alerts=_alerts(evidence, train),
    )


def _reference_name(summary: CheckSummary) -> str:
    train, reference = summary.train, summary.reference
    same = train is not None and reference is not None and train.checksum == reference.checksum
    return "training" if same else "reference"


def _property(evidence: Evidence, shown: Descriptor) -> Shown | None:
    summary = evidence.summary
    entry = summary.reference_descriptors.get(shown.name) if summary else None
    distance = summary.distances.get(shown.name) if summary else None
    generated = stated(summary.descriptors.get(shown.name)) if summary else None
    reference = stated(entry)
    values = evidence.numbers(shown.name)[evidence.distinct_valid()]
    values = values[np.isfinite(values)]
    if generated is None and shown.name == "heavy_atoms":  # a count of the rows that the check makes no histogram of
        generated = of_integers(values)
    if generated is None:
        return None
    figures = f"median {plain(float(np.median(values)))}" if len(values) else ""
    if reference is not None and entry is not None:
        figures += f" against {plain(entry.p50)}"
    if distance is not None and distance.value is not None:
        figures += f"; W1 {plain(distance.value, 2)}, noise floor {plain(distance.noise_floor, 2)}"
    return Shown(shown.label, shown.meaning, figures, _plot(shown.label, figures, generated, reference))


def _plot(label: str, figures: str, generated: Histogram, reference: Histogram | None) -> Plot:
    comparable = reference is not None and reference.bins == generated.bins
    both = [reference, generated] if reference is not None and comparable else [generated]
    styles = ["reference", "generated"][-len(both) :]
    return histogram(join(both), styles, label=label, description=f"Histogram of {label}: {figures}")


def _strain(evidence: Evidence) -> Shown | None:
    values = evidence.numbers("strain_energy")
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return None
    median, high = (float(value) for value in np.percentile(values, [50, 90]))
    width = max((float(np.percentile(values, 99)) - float(values.min())) / 200, 1e-3)
    counted = of_numbers(np.minimum(values, values.min() + 1000 * width), width)
    assert counted is not None
    meaning = (
        f"MMFF94s energy above the nearest local minimum of {plain(len(values))} molecules: median {plain(median)}, "
        f"90th percentile {plain(high)} kcal/mol. Low strain means that bond lengths, angles and contacts are relaxed."
    )
    return Shown("strain, kcal/mol", meaning, "", _plot("strain, kcal/mol", "", counted, None))


def _alerts(evidence: Evidence, train: Sequence[str]) -> Alerts | None:
    chosen = evidence.distinct_valid()
    if "alerts" not in evidence.rows or not len(chosen):
        return None
    named = [_names(value) for value in evidence.rows["alerts"].iloc[chosen].tolist()]
    counts = Counter(name for names in named for name in names)
    reference = _training_alerts(train)
    trained = Counter(name for names in reference for name in names)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_ALERTS_SHOWN]
    return Alerts(
        rate(sum(map(bool, named)), len(named)),
        rate(sum(map(bool, reference)), len(reference)) if reference else None,
        [
            AlertRow(
                short(name.replace("_", " "), 60),
                rate(count, len(named)),
                trained[name] / len(reference) if reference else None,
            )
            for name, count in ranked
        ],
    )


def _names(value: object) -> frozenset[str]:
    parts = value.split(";") if isinstance(value, str) else []
    return frozenset(part.strip() for part in parts) - {""}


def _training_alerts(train: Sequence[str]) -> list[frozenset[str]]:
    """Alerts of a seeded sample of training molecules."""
    chosen = np.random.default_rng(0).permutation(len(train))[:ALERTS_SAMPLE].tolist()
    names_of_each: list[frozenset[str]] = []
    queries: Iterator[str] = (train[place] for place in chosen)
    for piece in run_all(_alert_names, list, queries, workers=default_workers(), chunk=64, timeout=SECONDS):
        if not isinstance(piece, Lost):
            names_of_each += [names for names in piece if names is not None]
    return names_of_each


def _alert_names(smiles: str) -> frozenset[str] | None:
    mol = from_smiles(smiles)
    if mol is None:
        return None
    return frozenset(f"{kind} {name}" for kind, names in match_alerts(mol).items() for name in names)
