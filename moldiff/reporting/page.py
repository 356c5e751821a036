"""The whole page: evidence in, one HTML document out."""

import base64
import hashlib
from collections.abc import Sequence

from moldiff.config.report import ReportOptions
from moldiff.reporting import viewer
from moldiff.reporting.layout import name_of
from moldiff.reporting.markup import Markup, tag
from moldiff.reporting.reference import Neighbour, Reference, neighbours, take_reference
from moldiff.reporting.sections import gallery, outcome, properties, run
from moldiff.reporting.selection import best, find_records, first_records, molecule, structure
from moldiff.reporting.sources import Evidence, train_smiles

LINKS = (
    ("structures", "3D"), ("rates", "Quality"), ("molecules", "Molecules"), ("properties", "Properties"),
    ("failures", "Failures"), ("training", "Training"), ("run", "Run"), ("files", "Files"),
)  # fmt: skip


def page(options: ReportOptions, evidence: Evidence) -> str:
    """The report as one HTML document that loads nothing.

    The content security policy forbids every request and every script but the one that stands in the page.

    Raises:
        UserError: a file of the evidence cannot be read.
    """
    train = train_smiles(evidence.dataset) if evidence.dataset else []
    reference = take_reference(train, len(evidence.distinct_valid())) if train else None
    structures, molecules = _pictures(options, evidence, train)
    content = [
        _header(options, evidence),
        outcome.headline(evidence),
        structures,
        outcome.rates(evidence),
        molecules,
        _properties(evidence, reference),
        gallery.failing(evidence, find_records(evidence, gallery.shown_failures(evidence))),
        run.training(evidence),
        run.what_was_run(evidence),
        run.files(evidence),
    ]
    navigation = tag("nav", [tag("a", label, href=f"#{name}") for name, label in LINKS], aria_label="Sections")
    footer = tag("footer", "Written by moldiff. This page is complete in itself: it loads nothing from a network.")
    script = Markup(viewer.script())
    body = tag("body", navigation, tag("main", content), footer, tag("script", script))
    return f"<!DOCTYPE html>\n{tag('html', _head(options, script), body, lang='en')}\n"


def _header(options: ReportOptions, evidence: Evidence) -> Markup:
    """Title, and one sentence that says what the page is about."""
    name = (evidence.config or {}).get("name")
    told = []
    if evidence.dataset_info:
        told.append("a dataset")
    if evidence.training:
        told.append("a training")
    if evidence.samples:
        told.append("generated molecules")
    if evidence.check:
        told.append("their check" if evidence.samples else "checked molecules")
    words = (
        f"Report on {', '.join(told[:-1])}{' and ' if len(told) > 1 else ''}{told[-1]}."
        if told
        else "Nothing was given."
    )
    run_name = tag("p", f"Run {name}", class_="run") if name else Markup("")
    return tag("header", run_name, tag("h1", options.title), tag("p", words, class_="lead"))


def _pictures(options: ReportOptions, evidence: Evidence, train: Sequence[str]) -> tuple[Markup, Markup]:
    if not len(evidence.rows) and evidence.samples:
        return _unchecked(options, evidence)
    # a few more than are wanted in 3D, for records without coordinates
    shown = best(evidence, max(options.pictures, 2 * options.viewers))
    records = find_records(evidence, shown[: 2 * options.viewers])
    pictured = shown[: options.pictures]
    smiles = [str(evidence.rows["smiles"].iloc[position]) for position in pictured]
    found, searched = neighbours(smiles, train) if train and pictured else ([None] * len(pictured), 0)
    nearest = {position: near for position, near in zip(pictured, found, strict=True) if near is not None}
    if not train:
        nearest = _checked_neighbours(evidence, pictured)
    return (
        gallery.structures(evidence, shown, records, options.viewers),
        gallery.molecules(evidence, pictured, nearest, searched),
    )


def _checked_neighbours(evidence: Evidence, pictured: Sequence[int]) -> dict[int, Neighbour]:
    """The neighbours that the check noted, for a report without the training set."""
    if not evidence.known("nearest_train_smiles") or not evidence.known("nearest_train"):
        return {}
    similarity = evidence.numbers("nearest_train")
    written = evidence.rows["nearest_train_smiles"].tolist()
    return {p: Neighbour(written[p], float(similarity[p])) for p in pictured if isinstance(written[p], str)}


def _unchecked(options: ReportOptions, evidence: Evidence) -> tuple[Markup, Markup]:
    records = first_records(evidence.samples, max(options.pictures, options.viewers))
    entries = []
    for record in records[: options.viewers]:
        mol = structure(molecule(record))
        if mol is not None:
            figures = [("atoms", str(mol.GetNumAtoms()))]
            entries.append(viewer.Shown(mol, name_of(record.name, f"record {record.index}"), "", figures))
    return gallery.structures_of(entries, options.viewers), gallery.unchecked(records, options.pictures)


def _properties(evidence: Evidence, reference: Reference | None) -> Markup:
    more: list[Markup] = []
    if len(evidence.rows):
        more = [properties.strain(evidence), gallery.ring_systems(evidence), properties.alerts(evidence, reference),
                outcome.distances(evidence)]  # fmt: skip
    return properties.properties(evidence, reference, *more)


def _head(options: ReportOptions, script: str) -> Markup:
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", options.title),
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup(viewer.style())),
    )
