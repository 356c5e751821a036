"""Commands that start from molecules: conformers, hydrogens, optimize."""

from pathlib import Path
from typing import Annotated

import typer

from moldiff.cli.options import Shard, register, shard_of
from moldiff.config.conformers import ConformersOptions, HydrogensOptions
from moldiff.config.optimize import OptimizeOptions
from moldiff.errors import UserError
from moldiff.models.abilities import default_weights

app = typer.Typer()

Inputs = Annotated[list[str], typer.Argument(help="Files or globs of molecules.", show_default=False)]
Sdf = Annotated[Path, typer.Option("--out", "-o", help="SDF file of the result.", show_default=False)]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="WEIGHTS",
        help="A file that `moldiff train` made, or the name of shipped weights; by default such as can do it.",
    ),
]


@register(ConformersOptions, app)
def conformers(
    options: ConformersOptions, inputs: Inputs, out: Sdf, weights: Weights = None, shard: Shard = None
) -> None:
    """Make conformers of molecules; their bonds and stereochemistry stay what they are."""
    from moldiff.stages import conformers as stages

    stages.conformers(
        options, inputs, weights or default_weights("conformer"), out, shard=shard_of(shard) if shard else (0, 1)
    )


@register(HydrogensOptions, app)
def hydrogens(
    options: HydrogensOptions, inputs: Inputs, out: Sdf, weights: Weights = None, shard: Shard = None
) -> None:
    """Place hydrogens on molecules with poses, whose heavy atoms stay where they are."""
    from moldiff.stages import conformers as stages

    stages.hydrogens(
        options, inputs, weights or default_weights("hydrogens"), out, shard=shard_of(shard) if shard else (0, 1)
    )


@register(OptimizeOptions, app)
def optimize(
    options: OptimizeOptions,
    start: Annotated[Path, typer.Argument(help="SDF file of molecules to start from.", show_default=False)],
    out: Sdf,
    weights: Weights = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=SPEC", help="Own column for the score: FILE.py:FUNCTION or 'command: LINE'."),
    ] = None,
) -> None:
    """Increase any score of molecules by Metropolis moves, without training."""
    from moldiff.stages import optimize as stages

    columns: dict[str, str] = {}
    for text in column or []:
        name, equals, source = (part.strip() for part in text.partition("="))
        if not (name and equals and source):
            raise UserError(f"--column {text}: expected NAME=SPEC, such as docked=dock.py:score")
        columns[name] = source
    stages.optimize(options, start, weights or default_weights("fragment"), out, columns=columns)


def merge_posed(
    parts: Annotated[list[Path], typer.Argument(help="The parts, in any order.", show_default=False)], out: Sdf
) -> None:
    """Join parts of conformers or hydrogens into one SDF file."""
    from moldiff.stages import conformers as stages

    stages.merge(parts, out)
