"""Commands over what `moldiff check` wrote: gate and compare."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from moldiff.scoring.records import CheckSummary

EXIT_BELOW_GATE = 3

app = typer.Typer()

Folder = Annotated[Path, typer.Argument(help="Folder made by `moldiff check`.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the result.", show_default=False)]


@app.command()
def gate(
    folder: Folder,
    min_valid: Annotated[float, typer.Option(min=0, max=1, help="Smallest share of valid records.")],
) -> None:
    """Exit with status 3 if the checked records' share of valid ones is below --min-valid."""
    from moldiff.scoring.records import CheckSummary

    stop_below(CheckSummary.read(folder), min_valid)


@app.command()
def compare(
    folders: Annotated[list[Path], typer.Argument(help="Folders made by `moldiff check`.", show_default=False)],
    out: Out,
    name: Annotated[list[str] | None, typer.Option(help="Names of the sets, in the order of the folders.")] = None,
) -> None:
    """Compare checked sets in one table: Markdown, CSV and JSON."""
    from moldiff.stages import compare as stages

    stages.compare(folders, out, names=name or None)
    typer.echo((out / "comparison.md").read_text(encoding="utf-8"), nl=False)


def stop_below(summary: "CheckSummary", min_valid: float) -> None:
    """Exit with status 3 if the share of valid records is below ``min_valid``."""
    valid = summary.metrics["valid"].value
    if min_valid > 0 and (valid is None or valid < min_valid):
        share = "no record" if valid is None else f"{valid:.1%} of the records"
        print(f"{share} valid: below the wanted {min_valid:.1%}", file=sys.stderr)
        sys.exit(EXIT_BELOW_GATE)


def table(summary: "CheckSummary") -> str:
    """The summary of a check for the terminal."""
    from moldiff.scoring.table import missing_notes, summary_table

    return "\n".join([summary_table(summary), "", *missing_notes(summary)]).rstrip()
