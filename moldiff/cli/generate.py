"""`moldiff generate`: from weights and conditions to a list of molecules in one command."""

import inspect
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from moldiff.cli.options import collect, option_parameters
from moldiff.config.generate import GenerateOptions
from moldiff.config.rank import RankOptions
from moldiff.config.sample import SampleOptions
from moldiff.models.abilities import default_weights

PANEL = "Molecules in one command"
EXIT_TOO_FEW = 3
GROUPS = (GenerateOptions, SampleOptions, RankOptions)
_SET_BY_GENERATE = ("shards", "tables")

app = typer.Typer()


def generate(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="WEIGHTS", help="Name of shipped weights, or a file that `moldiff train` made; by default leads."
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="File of the molecules: .sdf, .smi or .csv.")] = Path(
        "molecules.sdf"
    ),
    train: Annotated[
        Path | None,
        typer.Option(help="Training set, for --novel: dataset folder or molecule file.", show_default=False),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Also write an HTML page of all molecules made.")] = None,
    refused: Annotated[
        Path | None,
        typer.Option(
            help="Also write the molecules that conditions refused, as SDF, for `moldiff train` to learn from."
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that check; 0 takes all cores.")] = 0,
    **values: Any,
) -> None:
    """Generate molecules that meet conditions: sampled, checked and ranked in rounds until there are n.

    Exit status 3 if the budget is spent before there are n of them; those that there are have been written.
    """
    from moldiff.stages import generate as stages

    options = collect(GenerateOptions, values, "moldiff generate")
    sampling = collect(SampleOptions, values, "moldiff generate")
    ranking = collect(RankOptions, values, "moldiff generate")
    weights = model or default_weights("new")
    made = stages.generate(
        options, sampling, ranking, weights, out, train=train, report=report, refused=refused, workers=workers
    )
    if made["written"] < options.n:
        sys.exit(EXIT_TOO_FEW)


def _register() -> None:
    """Make the command of the function's own parameters and the options of all groups; of one name the first counts."""
    own = dict(inspect.signature(generate).parameters)
    own.pop("values")
    parameters = {name: one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for name, one in own.items()}
    for group in GROUPS:
        for parameter in option_parameters(group):
            if parameter.name not in _SET_BY_GENERATE:
                parameters.setdefault(parameter.name, parameter)

    def command(**values: Any) -> None:
        generate(**values)

    command.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
    app.command(name="generate", help=generate.__doc__, rich_help_panel=PANEL)(command)


_register()
