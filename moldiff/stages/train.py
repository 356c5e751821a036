"""The train stage: a featurized dataset in, weights and metrics out."""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

import torch

from moldiff.config.train import TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import INFO_FILE, FeaturizedDataset, open_dataset
from moldiff.dataset.validation import STATISTICS
from moldiff.errors import UserError
from moldiff.files.atomic import only_writer, sha256, write_text
from moldiff.files.manifest import write_record
from moldiff.models.checkpoint import Model, save_model
from moldiff.models.start import start_model
from moldiff.molecules.grouping import grouped, nodes
from moldiff.network.build import Network
from moldiff.network.latent import LatentNetwork
from moldiff.sampling.following import sampled_rates
from moldiff.scoring.molecule.portrait import all_ring_systems
from moldiff.stages.objectives import NOTHING_GIVEN, Sources, objective, taught
from moldiff.stages.properties import steered
from moldiff.stages.suited import describe_unknown
from moldiff.training.devices import is_first_process, torch_threads
from moldiff.training.learner import Learner
from moldiff.training.log import MetricsLog
from moldiff.training.malloc import keep_large_buffers
from moldiff.training.session import Followers, Session
from moldiff.training.validation import validation_loss
from moldiff.version import version


def train(
    options: TrainOptions, dataset: Path, output: Path, *, state: Path | None = None, overwrite: bool = False
) -> Path:
    """Train and write ``model.safetensors``, ``metrics.csv`` and ``train.json`` into the folder ``output``.

    Args:
        options: of the training.
        dataset: folder of a featurized set.
        output: folder of the results.
        state: folder of the state from which a killed training resumes; by default ``output``/state.
        overwrite: start again even if there is a saved state or a finished model.

    Returns:
        The path of the weights.

    Raises:
        UserError: the dataset or the weights to start from cannot be used, the state is of another training, or
            another process trains into one of the folders.
        Interrupted: the training was asked to stop; the same command continues it.
    """
    state = state or output / "state"
    with ExitStack() as held:
        if is_first_process(options):
            held.enter_context(only_writer(output / "model.safetensors"))
            if overwrite:
                shutil.rmtree(state, ignore_errors=True)
            held.enter_context(only_writer(state / "state.pt"))
        return _train(options, dataset, output, state)


def _train(options: TrainOptions, dataset: Path, output: Path, state: Path) -> Path:
    keep_large_buffers()
    featurized = open_dataset(dataset, verify=True)
    if missing := [name for name in STATISTICS if getattr(featurized.info, name) is None]:
        raise UserError(f"{dataset / INFO_FILE}: does not say {missing[0]}; featurize the molecules again")
    torch.manual_seed(options.seed)
    refused = None if options.refused is None else open_dataset(Path(options.refused), verify=True)
    claim_state(state, *(one for one in (featurized, refused) if one is not None))
    model, properties = steered(options, start_model(options, featurized.info), featurized, state)
    sources = Sources.of(options, model, refused, state)
    if sources.before is not None or options.learn != "all":
        options = options.model_copy(update={"tasks": taught(options.tasks, sources.before or model)})
    elif model.kind != "denoiser":
        options = options.model_copy(update={"tasks": NOTHING_GIVEN})
    vocabulary = model.network.vocabulary
    tuned = options.begins_with is not None
    learning, held_out = (
        MoleculeLoader.of(featurized, split, vocabulary, properties, known_only=tuned) for split in ("train", "valid")
    )
    left_out = describe_unknown(featurized.molecules, vocabulary) if tuned else ""
    if left_out and not len(learning):
        raise UserError(f"{dataset}: no molecule to train on: {left_out}; featurize with --for {options.begins_with}")
    if left_out and options.objective != "prefer" and options.learn == "all":
        counts = Counter(learning.sizes.tolist())
        model = replace(model, statistics=replace(model.statistics, sizes=dict(sorted(counts.items()))))
    if isinstance(model.network, LatentNetwork):
        model = replace(model, statistics=replace(model.statistics, nodes=node_counts(learning, model.network)))
    if not len(learning):
        raise UserError(
            f"{dataset}: no molecule is in the train split; featurize more molecules or lower valid_fraction"
        )
    rings = cache(lambda: all_ring_systems(featurized.smiles("train")))
    with torch_threads(options.threads) as threads:
        learner = Learner(options, model.network, objective(options, model, model.network, sources))
        averaged = cast(Network, learner.average.module)
        if learner.rank == 0:
            print(
                f"training on {len(learning)} molecules, following {len(held_out)}; "
                f"{sum(p.numel() for p in model.network.parameters()):,} parameters",
                file=sys.stderr,
            )
            if left_out:
                print(left_out, file=sys.stderr)
        # beside the state, with which it is continued: a workflow deletes the outputs of a killed job
        log = MetricsLog(state / "metrics.csv", learner.weights, writes=learner.rank == 0)
        followers = Followers(
            validation=follower(options, model, averaged, held_out, sources),
            sampled=lambda: sampled_rates(replace(model, network=averaged), options, rings()),
        )
        progress = Session(learner, learning, state, log, followers).run()
    history = {
        "steps": progress.step,
        "molecules_seen": progress.molecules,
        "processes": learner.world,
        "threads": threads,
        "device": str(learner.fabric.device.type),
        "options": options.model_dump(mode="json"),
        **({"left_out": left_out} if left_out else {}),
        "dataset": featurized.info.model_dump(include={"molecules", "records_read", "sha256", "hydrogens"}),
        "versions": {"moldiff": version(), "torch": torch.__version__},
    }
    trained = replace(model, network=averaged, history=history)
    if learner.rank == 0:
        save_model(trained, output / "model.safetensors")
        # the time is not in the weights: the same training gives the same file, and so the same name of its molecules
        minutes, finished = round(progress.seconds / 60, 2), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        record = {**history, "minutes": minutes, "finished": finished}
        write_text(output / "metrics.csv", log.path.read_text(encoding="utf-8"))
        write_record(output / "train.json", record, [output / "model.safetensors", output / "metrics.csv"])
    learner.fabric.barrier()
    return output / "model.safetensors"


def node_counts(learning: MoleculeLoader, network: LatentNetwork) -> dict[int, int]:
    """How many molecules have each number of nodes in the network's latent space; empty where a node is an atom."""
    group = network.space.group
    if group == 1:
        return {}
    counts: Counter[int] = Counter()
    for chosen in learning.sizes.argsort(stable=True).split(1024):
        counts.update(nodes(grouped(learning.gather(chosen), group), group).tolist())
    return dict(sorted(counts.items()))


def follower(
    options: TrainOptions,
    model: Model,
    network: Network,
    held_out: MoleculeLoader,
    sources: Sources,
) -> Callable[[], float] | None:
    """The validation loss of a network as a function without arguments; None where no molecule is held out."""
    if not len(held_out):
        return None
    followed = objective(options.model_copy(update={"self_conditioning": 0.0}), model, network, sources)
    return lambda: validation_loss(followed, held_out, options.batch_size, options.seed)


def claim_state(state: Path, *datasets: FeaturizedDataset) -> None:
    """Note beside the saved state which datasets it was trained on.

    Raises:
        UserError: it was another one.
    """
    note, checksums = state / "dataset.sha256", " ".join(sha256(one.folder / INFO_FILE) for one in datasets)
    if (state / "state.pt").exists() and note.exists() and note.read_text(encoding="utf-8") != checksums:
        raise UserError(f"{state}: saved by a training on another dataset; give another --state, or --overwrite")
    write_text(note, checksums)
