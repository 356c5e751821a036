"""Commands about what is installed: the weights that ship, and what works on this machine."""

import json
import sys
from typing import Annotated

import typer

from moldiff.models import shipped

PANEL = "Installation"
EXIT_INCOMPLETE = 1

app = typer.Typer()


@app.command("weights", rich_help_panel=PANEL)
def list_weights(
    name: Annotated[str | None, typer.Argument(help="Print the model card of these.", show_default=False)] = None,
) -> None:
    """List the weights that come with moldiff, or print the model card of one."""
    if name is not None:
        typer.echo(shipped.card(name), nl=False)
        return
    width = max(map(len, shipped.names()))
    for known in shipped.names():
        typer.echo(f"{known:{width}} {shipped.summary(known)}")


@app.command("limits", rich_help_panel=PANEL)
def show_limits() -> None:
    """Show what moldiff can and cannot do."""
    from moldiff.stages.project import limits

    typer.echo(limits(), nl=False)


@app.command(rich_help_panel=PANEL)
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for a bug report.")] = False,
) -> None:
    """Show what is installed, what this machine offers and what is missing; exit status 1 if something fails."""
    from moldiff.stages.doctor import examine

    findings = examine()
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        section = ""
        for finding in findings:
            if finding.section != section:
                section = finding.section
                typer.echo(f"{section}:")
            mark = "PROBLEM  " if finding.problem else ""
            typer.echo(f"  {finding.name:34s} {mark}{finding.text}")
    if any(finding.problem for finding in findings):
        sys.exit(EXIT_INCOMPLETE)
