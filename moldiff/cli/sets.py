"""Commands over what `moldiff check` wrote: gate, compare, rank."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from moldiff.cli.options import OPTIONS_FLAG, collect
from moldiff.config.rank import RankOptions
from moldiff.errors import UserError
from moldiff.files.manifest import read_record

DEFAULT_RANKED = 50
EXIT_BELOW_GATE = 3

app = typer.Typer()

Folder = Annotated[Path, typer.Argument(help="Folder made by `moldiff check`.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the result.", show_default=False)]


class Method(StrEnum):
    """How `rank` orders candidates."""

    weighted = "weighted"
    pareto = "pareto"


@app.command()
def gate(
    folder: Folder,
    min_valid: Annotated[float, typer.Option(min=0, max=1, help="Smallest share of valid records.")],
) -> None:
    """Exit with status 3 if the checked records' share of valid ones is below --min-valid."""
    stop_below(read_record(folder / "summary.json", "run `moldiff check` first", verify=False), min_valid)


@app.command()
def compare(
    folders: Annotated[list[Path], typer.Argument(help="Folders made by `moldiff check`.", show_default=False)],
    out: Out,
    name: Annotated[list[str] | None, typer.Option(help="What to call a set, in the order of the folders.")] = None,
) -> None:
    """Put checked sets side by side in one table: Markdown, CSV and JSON."""
    from moldiff.stages import compare as stages

    stages.compare(folders, out, names=name or None)
    typer.echo((out / "comparison.md").read_text(encoding="utf-8"), nl=False)


@app.command()
def rank(
    folder: Folder,
    out: Out,
    options: OPTIONS_FLAG = None,
    n: Annotated[int | None, typer.Option("-n", "--n", min=1, help="Molecules wanted.", show_default="50")] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="Condition that must hold, such as 'qed >= 0.5'; may be repeated."),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option("--weight", metavar="COLUMN=NUMBER", help="Column to score by; below zero where less is better."),
    ] = None,
    method: Annotated[
        Method | None, typer.Option(help="Weighted mean of percentiles, or Pareto fronts.", show_default="weighted")
    ] = None,
    diversity: Annotated[
        int | None, typer.Option(min=1, help="Pick among the best DIVERSITY * n; 1 takes the best.", show_default="10")
    ] = None,
    scores: Annotated[
        list[str] | None,
        typer.Option("--score", metavar="NAME=SPEC", help="Own column: FILE.py:FUNCTION or 'command: LINE'."),
    ] = None,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="The molecule file that was checked, if it has moved.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the picking.", show_default="0")] = None,
) -> None:
    """Make a short list of checked molecules, with a reason for each choice and each refusal."""
    from moldiff.stages import rank as stages

    given = {
        "options": options,
        "n": n,
        "filters": filters,
        "weights": {column: _number(text, column) for column, text in _pairs("--weight", weights)} or None,
        "method": method.value if method else None,
        "diversity": diversity,
        "scores": dict(_pairs("--score", scores)) or None,
        "seed": seed,
    }
    wanted = collect(RankOptions, given, "moldiff rank").model_dump()
    stages.rank(folder, out, **{**wanted, "n": wanted["n"] or DEFAULT_RANKED}, inputs=inputs or None)


def stop_below(summary: dict[str, Any], min_valid: float) -> None:
    """Exit with status 3 if the share of valid records is below ``min_valid``."""
    valid = summary["metrics"]["valid"]["value"]
    if min_valid > 0 and (valid is None or valid < min_valid):
        share = "no record" if valid is None else f"{valid:.1%} of the records"
        print(f"{share} valid: below the wanted {min_valid:.1%}", file=sys.stderr)
        sys.exit(EXIT_BELOW_GATE)


def table(summary: dict[str, Any]) -> str:
    """The summary of a check for the terminal."""
    from moldiff.scoring.table import summary_table

    return summary_table(summary)


def _pairs(flag: str, texts: list[str] | None) -> list[tuple[str, str]]:
    pairs = []
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise UserError(f"{flag} {text}: expected NAME=VALUE")
        pairs.append((name.strip(), value.strip()))
    return pairs


def _number(text: str, column: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"--weight {column}={text}: {text!r} is not a number") from None
