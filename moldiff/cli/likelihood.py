"""`moldiff likelihood`: how likely weights take molecules to be."""

from pathlib import Path
from typing import Annotated

import typer

from moldiff.cli.options import register
from moldiff.config.likelihood import LikelihoodOptions

app = typer.Typer()


@register(LikelihoodOptions, app)
def likelihood(
    options: LikelihoodOptions,
    inputs: Annotated[list[str], typer.Argument(help="Files or globs of molecules with coordinates.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV file of the result.", show_default=False)],
    weights: Annotated[
        str, typer.Option(metavar="WEIGHTS", help="A file that `moldiff train` made, or the name of shipped weights.")
    ] = "drugs",
    known: Annotated[
        list[str] | None,
        typer.Option(help="Usual molecules, such as held-out ones; each row then says whether it is unusual."),
    ] = None,
) -> None:
    """Bound how likely molecules are to weights, in nats, by positions, elements, charges and bonds."""
    from moldiff.stages import likelihood as stages

    stages.likelihood(options, inputs, weights, out, known or [])
