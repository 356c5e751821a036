"""Commands of the workflow: a folder to begin in, a run of it, and its configuration file."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from moldiff.config.options import read_options
from moldiff.config.run import Config
from moldiff.errors import UserError

CONFIG = "moldiff.yaml"
PANEL = "The whole workflow"

app = typer.Typer()
settings = typer.Typer(help="The configuration file of a workflow run.", no_args_is_help=True)


@app.command(rich_help_panel=PANEL)
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the run; it is made if it does not exist.")] = Path(),
    molecules: Annotated[
        list[str] | None, typer.Option(help="Your molecules to learn from, file or glob, instead of the library.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Also copy this Snakemake profile, to be edited: slurm or local.")
    ] = None,
) -> None:
    """Make moldiff.yaml, with the library that ships or your molecules to learn from; then `moldiff run`."""
    from moldiff.stages import project

    for path in project.init(folder, molecules=molecules or [], profile=profile):
        typer.echo(f"wrote {path}")
    here = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    typer.echo(f"next: {here}moldiff run")


@app.command(rich_help_panel=PANEL, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="Configuration file; `moldiff init` makes one.")] = Path(CONFIG),
    profile: Annotated[
        str, typer.Option(help="Snakemake profile: a folder, profiles/NAME of this folder, or local or slurm.")
    ] = "local",
    cores: Annotated[int | None, typer.Option(min=1, help="Processor cores; by default all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be run, and stop.")] = False,
) -> None:
    """Run the workflow of a configuration file; any other flags are passed to Snakemake."""
    from moldiff.stages import project

    passed = list(context.args)
    if str(config).startswith("-"):  # a flag of Snakemake where the file name may be
        config, passed = Path(CONFIG), [str(config), *passed]
    if not config.is_file():
        raise UserError(f"{config}: no such file; `moldiff init` makes {CONFIG} in this folder")
    read_options(Config, config)
    command = project.snakemake_command(config, profile, cores=cores, dry_run=dry_run) + passed
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)  # a signal then reaches Snakemake itself


@app.command(rich_help_panel=PANEL)
def snakefile() -> None:
    """Print the path of the workflow, for `snakemake --snakefile`."""
    from moldiff.stages import project

    typer.echo(project.workflow_folder() / "Snakefile")


@settings.command("schema")
def _schema() -> None:
    """Print the JSON schema of a configuration file."""
    from moldiff.config.reference import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@settings.command("docs")
def _docs() -> None:
    """Print the reference of all options in Markdown."""
    from moldiff.config.reference import markdown

    typer.echo(markdown(), nl=False)


@settings.command("check")
def _check_config(file: Annotated[Path, typer.Argument(help="YAML or JSON file.", show_default=False)]) -> None:
    """Check a configuration file and name what is wrong with it."""
    read_options(Config, file)
    typer.echo(f"{file}: ok")
