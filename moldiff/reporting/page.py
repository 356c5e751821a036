"""The whole page: evidence in, one HTML document out."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from moldiff.config.report import ReportOptions
from moldiff.reporting import viewer
from moldiff.reporting.evidence import Evidence, train_smiles
from moldiff.reporting.figures import name_of
from moldiff.reporting.rendering import render, source
from moldiff.reporting.sections import failures, gallery, outcome, properties, run, training
from moldiff.reporting.selection import best, find_records, first_records

LINKS = (
    ("structures", "3D"), ("rates", "Quality"), ("best", "Molecules"), ("properties", "Properties"),
    ("failures", "Failures"), ("training", "Training"), ("run", "Run"), ("files", "Files"),
)  # fmt: skip


def page(options: ReportOptions, evidence: Evidence) -> str:
    """The report as one HTML document that loads nothing.

    The content security policy forbids every request and every script but the one that stands in the page.

    Raises:
        UserError: a file of the evidence cannot be read.
    """
    checked = len(evidence.rows) > 0
    script = source("viewer.js")
    return render(
        "report.html",
        title=options.title,
        name=(evidence.config or {}).get("name"),
        lead=_lead(evidence),
        links=LINKS,
        options=options,
        checked=checked,
        outcome=outcome.outcome(evidence),
        **_molecules(options, evidence),
        properties=properties.properties(evidence, train_smiles(evidence.dataset) if evidence.dataset else []),
        rings=failures.ring_systems(evidence) if checked else None,
        failures=failures.failure_groups(evidence) if checked else [],
        training=training.training(evidence),
        run=run.what_was_run(evidence),
        files=run.files(evidence),
        style=source("style.css"),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )


def _lead(evidence: Evidence) -> str:
    """One sentence that says what the page is about."""
    parts = []
    if evidence.dataset_info:
        parts.append("a dataset")
    if evidence.training:
        parts.append("a training")
    if evidence.samples:
        parts.append("generated molecules")
    if evidence.check:
        parts.append("their check" if evidence.samples else "checked molecules")
    if not parts:
        return "Nothing was given."
    return f"Report on {', '.join(parts[:-1])}{' and ' if len(parts) > 1 else ''}{parts[-1]}."


def _molecules(options: ReportOptions, evidence: Evidence) -> Mapping[str, Any]:
    """The gallery and the structures, of checked rows or of the first records."""
    if not len(evidence.rows):
        records = first_records(evidence.samples, max(options.pictures, options.viewers))
        names = [name_of(record.name, f"record {record.index}") for record in records]
        found = viewer.structures(records[: options.viewers])
        return {
            "gallery": None,
            "unchecked": gallery.unchecked(records[: options.pictures]),
            "structures": [viewer.described(data, names[place], "", []) for place, data in sorted(found.items())],
        }
    # a few more than are wanted in 3D, for records without coordinates
    shown = best(evidence, max(options.pictures, 2 * options.viewers))
    records_of = find_records(evidence, shown)
    drawn = shown[: options.pictures]
    return {
        "gallery": gallery.gallery(evidence, drawn, records_of),
        "unchecked": [],
        "structures": _structures(options, evidence, [p for p in shown if p in records_of], records_of),
    }


def _structures(
    options: ReportOptions, evidence: Evidence, positions: Sequence[int], records: Mapping[int, Any]
) -> list[dict[str, Any]]:
    found = viewer.structures([records[p] for p in positions[: 2 * options.viewers]])
    return [
        viewer.described(
            data,
            evidence.name(positions[place]),
            evidence.text(positions[place], "smiles"),
            gallery.main_figures(evidence, positions[place]),
        )
        for place, data in sorted(found.items())
    ][: options.viewers]
