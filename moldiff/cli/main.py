"""The command line: `moldiff STAGE`, its flags made from `moldiff.config`.

The stages are imported inside the commands, so that `moldiff --help` loads neither torch nor RDKit.
"""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from moldiff.cli import generate, installation, likelihood, steer, workflow
from moldiff.cli import sets as command_sets
from moldiff.cli.log import Tee, open_log
from moldiff.cli.options import Shard, collect, register, shard_of
from moldiff.cli.streams import guard_streams
from moldiff.config.check import CheckOptions
from moldiff.config.featurize import FeaturizeOptions
from moldiff.config.options import Options
from moldiff.config.rank import RankOptions
from moldiff.config.report import ReportOptions
from moldiff.config.run import Config
from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions
from moldiff.errors import UserError
from moldiff.models import shipped
from moldiff.models.abilities import default_weights
from moldiff.version import version

EXIT_USER_ERROR = 2

app = typer.Typer(
    name="moldiff",
    help="3D molecules from an E(3)-equivariant graph diffusion model, from raw files to a checked report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
merge = typer.Typer(help="Join parts that were made with --shard.", no_args_is_help=True)
app.add_typer(generate.app)
app.add_typer(command_sets.app)
app.add_typer(steer.app)
app.add_typer(likelihood.app)
app.add_typer(installation.app)
app.add_typer(workflow.app)
app.add_typer(merge, name="merge")
app.add_typer(workflow.settings, name="config")

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the result.", show_default=False)]
Parts = Annotated[list[Path], typer.Argument(help="The parts, in any order.", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Start again even if there is a result or state.")]
TrainingSet = Annotated[
    Path | None, typer.Option(help="Training set: dataset folder, molecule file, or the name of shipped weights.")
]
LikelihoodTable = Annotated[
    Path | None,
    typer.Option(help="Table of `moldiff likelihood` for the same molecules: says which are unusual to weights."),
]
Workers = Annotated[int, typer.Option("--workers", min=0, max=1024, help="Processes; 0 uses all available cores.")]


def stage(
    options_type: type[Options], group: typer.Typer = app
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """See `moldiff.cli.options.register`."""
    return register(options_type, group)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"moldiff {version()}")
        raise typer.Exit


@app.callback()
def _moldiff(
    log: Annotated[Path | None, typer.Option("--log", help="Repeat messages and errors in this file.")] = None,
    _: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    if log is not None:
        sys.stderr = Tee(sys.stderr, open_log(log))


@stage(FeaturizeOptions)
def featurize(
    options: FeaturizeOptions,
    out: Out,
    inputs: Annotated[list[str] | None, typer.Argument(help="Files or globs; - reads standard input.")] = None,
    shard: Shard = None,
    workers: Workers = 0,
) -> None:
    """Make a dataset folder of raw molecules: SDF, SMILES, CSV, TSV or XYZ, plain or .gz."""
    from moldiff.stages import featurize as stages

    if shard is None:
        stages.featurize(options, out, workers=workers)
    else:
        stages.featurize_shard(options, *shard_of(shard), out, workers=workers)


@stage(FeaturizeOptions, merge)
def merge_featurize(options: FeaturizeOptions, parts: Parts, out: Out) -> None:
    """Join featurized parts into one dataset folder."""
    from moldiff.stages import featurize as stages

    stages.merge(options, parts, out)


@stage(TrainOptions)
def train(
    options: TrainOptions,
    dataset: Annotated[Path, typer.Argument(help="Dataset folder made by `moldiff featurize`.", show_default=False)],
    out: Out,
    state: Annotated[Path | None, typer.Option(help="Folder of the training state a killed run resumes from.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Train a denoiser on a dataset folder; the weights go to OUT/model.safetensors."""
    from moldiff.stages import train as stages
    from moldiff.training.session import Interrupted

    try:
        stages.train(options, dataset, out, state=state, overwrite=overwrite)
    except Interrupted as interrupted:
        print(f"{interrupted}; the same command continues it", file=sys.stderr)
        sys.exit(128 + signal.SIGTERM)


@stage(SampleOptions)
def sample(
    options: SampleOptions,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="WEIGHTS",
            help="A file that `moldiff train` made, or the name of shipped weights; by default leads.",
        ),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="The same as the argument.", metavar="WEIGHTS")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="File: .sdf, .smi or .csv, or that and .gz.")] = Path(
        "samples.sdf"
    ),
    shard: Shard = None,
    overwrite: Overwrite = False,
) -> None:
    """Generate molecules, with your own weights or those that come with moldiff, into SDF, SMILES or CSV."""
    from moldiff.stages import sample as stages

    if model is not None and weights is not None:
        raise UserError(f"moldiff sample: name the weights once: a file, or one of {', '.join(shipped.names())}")
    chosen = model or weights or default_weights("new")
    if shard is None and not out.name.endswith((".sdf", ".sdf.gz")):
        from moldiff.stages.convert import sample_as

        sample_as(options, chosen, out, overwrite=overwrite)
        return
    stages.sample(options, chosen, out, shard=shard_of(shard) if shard else None, overwrite=overwrite)


merge.command("posed")(steer.merge_posed)


@merge.command("sample")
def merge_sample(parts: Parts, out: Out) -> None:
    """Join sampled parts into one SDF file."""
    from moldiff.stages import sample as stages

    stages.merge_samples(parts, out)


@stage(CheckOptions)
def check(
    options: CheckOptions,
    files: Annotated[list[str], typer.Argument(help="Files or globs of molecules of any source.", show_default=False)],
    out: Out,
    train: TrainingSet = None,
    reference: Annotated[Path | None, typer.Option(help="The same, for distances and ring systems.")] = None,
    likelihood: LikelihoodTable = None,
    shard: Shard = None,
) -> None:
    """Score molecules: a row for each record and a summary; exit status 3 below --min-valid."""
    from moldiff.stages import check as stages

    if shard is not None:
        stages.check_shard(options, files, *shard_of(shard), out)
        return
    summary = stages.check(options, files, out, train=train, reference=reference, likelihood=likelihood)
    typer.echo(command_sets.table(summary))
    command_sets.stop_below(summary, options.min_valid)


@stage(CheckOptions, merge)
def merge_check(
    options: CheckOptions,
    parts: Parts,
    out: Out,
    train: TrainingSet = None,
    reference: Annotated[Path | None, typer.Option(help="The same, for distances and ring systems.")] = None,
    likelihood: LikelihoodTable = None,
) -> None:
    """Join checked parts into one folder of rows and a summary."""
    from moldiff.stages import check as stages

    summary = stages.merge_checks(options, parts, out, train=train, reference=reference, likelihood=likelihood)
    typer.echo(command_sets.table(summary))


@stage(ReportOptions)
def report(
    options: ReportOptions,
    out: Out,
    dataset: Annotated[Path | None, typer.Option(help="Dataset folder.")] = None,
    training: Annotated[Path | None, typer.Option(help="Folder made by `moldiff train`.")] = None,
    samples: Annotated[
        list[Path] | None, typer.Option(help="SDF file of generated molecules; may be repeated.")
    ] = None,
    check: Annotated[Path | None, typer.Option(help="Folder made by `moldiff check`.")] = None,
    benchmarks: Annotated[Path | None, typer.Option(help="Folder of the workflow's benchmark files.")] = None,
    run_config: Annotated[
        str | None, typer.Option("--config", metavar="FILE|JSON", help="Configuration of the run, to be shown.")
    ] = None,
) -> None:
    """Write one HTML file, readable offline, about a run and its molecules."""
    from moldiff.stages import report as stages

    shown = collect(Config, {"options": run_config}, "--config").model_dump(mode="json") if run_config else None
    stages.report(options, out, dataset=dataset, training=training, samples=samples or [], check=check, config=shown,
                  benchmarks=benchmarks)  # fmt: skip


@stage(RankOptions)
def rank(
    options: RankOptions,
    folder: Annotated[Path, typer.Argument(help="Folder made by `moldiff check`.", show_default=False)],
    out: Out,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="The molecule file that was checked, if it has moved.")
    ] = None,
) -> None:
    """Make a short list of checked molecules, with a reason for each choice and each refusal."""
    from moldiff.stages import rank as stages

    stages.rank(folder, out, options, inputs=inputs or None)


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit status 2."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    guard_streams()
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)


def _stop(number: int, frame: FrameType | None) -> None:
    """Leave by way of every `finally`, so that no temporary file stays behind."""
    sys.exit(128 + number)
