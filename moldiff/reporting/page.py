"""The page: evidence in, one HTML document out."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from moldiff.config.report import ReportOptions
from moldiff.reporting.evidence import Evidence, train_smiles
from moldiff.reporting.rendering import program, render, source
from moldiff.reporting.sections import failures, gallery, outcome, properties, run, training
from moldiff.reporting.selection import as_rows, by_quality, find_records, first_records, iterate_records
from moldiff.reporting.structures import structures
from moldiff.reporting.viewer import Table, columns_of, queries, table

LINKS = (
    ("molecules", "Molecules"), ("rates", "Quality"), ("best", "Best"), ("properties", "Properties"),
    ("failures", "Failures"), ("training", "Training"), ("run", "Run"), ("files", "Files"),
)  # fmt: skip
PROGRAMS = ("molecules.js", "sketch.js", "solid.js", "export.js", "table.js")
"""The page's programs, in their order."""


def page(options: ReportOptions, evidence: Evidence) -> str:
    """The report as one HTML document that loads nothing.

    The content security policy forbids every request and every script but the one in the page.

    Raises:
        UserError: a file of the evidence cannot be read.
    """
    checked = len(evidence.rows) > 0
    script = program(*PROGRAMS)
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
    """The table of all molecules and the gallery of the best, of checked rows or else of the first records."""
    if len(evidence.rows):
        order = by_quality(evidence)
        shown = order[: min(options.pictures, len(evidence.distinct_valid()))]  # which come first
        cards = gallery.gallery(evidence, shown, find_records(evidence, shown))
        return {"table": _table(options, evidence, order), "gallery": cards, "unchecked": []}
    records = first_records(evidence.samples, max(options.pictures, options.molecules))
    known = replace(evidence, rows=as_rows(records))
    return {
        "table": _table(options, known, list(range(len(records)))) if records else None,
        "gallery": None,
        "unchecked": gallery.unchecked(records[: options.pictures]),
    }


def _table(options: ReportOptions, evidence: Evidence, order: Sequence[int]) -> Table:
    positions = order[: options.molecules]
    wanted = queries(evidence, positions, iterate_records(evidence, positions))
    return table(columns_of(evidence, positions), structures(wanted, len(positions)), len(order))
