"""The summary of a check as lines for a terminal."""

from moldiff.scoring.records import CheckSummary, DistanceRecord, RateRecord


def summary_table(summary: CheckSummary) -> str:
    """Policy and sizes, every rate with its interval, every distance beside its noise floor, further numbers."""
    lines = [
        f"{summary.n_total} records, {summary.n_valid} valid, {summary.n_distinct} distinct; hydrogens "
        f"{summary.hydrogens} (asked for: {summary.hydrogens_option}); definitions {summary.definitions}, "
        f"{summary.valence_table}",
        "",
    ]
    lines += [_rate_line(name, metric) for name, metric in summary.metrics.items() if metric.value is not None]
    values = [f"{name:26s} {value.value:9.4g} {value.unit}  (n = {value.n})" for name, value in summary.values.items()]
    distances = [
        f"{name:26s} {distance.value:9.4g} {distance.unit}  ({distance.kind}; noise floor {_floor(distance)})"
        for name, distance in summary.distances.items()
        if distance.value is not None
    ]
    for title, part in (("", values), ("distances from the reference", distances)):
        lines += ["", *([title] if title else []), *part] if part else []
    return "\n".join(lines)


def _rate_line(name: str, metric: RateRecord) -> str:
    beside = "" if metric.reference is None else f" (reference {metric.reference:.2%})"
    interval = f"[{metric.low:.2%}, {metric.high:.2%}]"
    return f"{name:26s} {metric.value:7.2%}  {interval}  {metric.numerator} of {metric.denominator}{beside}"


def missing_notes(summary: CheckSummary) -> list[str]:
    """What the summary does not hold for want of a set to compare with, and the remedy; [] where nothing is missing."""
    notes = []
    if summary.train is None:
        notes.append(
            "not computed, since no training set was named (--train FILE, or --train drugs for weights that ship): "
            "novelty, vun, snn"
        )
    elif "snn" not in summary.values and summary.n_distinct:
        notes.append("not computed, since the set that ships with weights holds no structures: snn, nearest_train")
    if summary.reference is None:
        notes.append(
            "not computed, since no reference was named (--reference; by default the training set): "
            "new ring systems and scaffolds, distances"
        )
    return notes


def _floor(distance: DistanceRecord) -> str:
    return "unknown" if distance.noise_floor is None else f"{distance.noise_floor:.3g}"
