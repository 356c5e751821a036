"""The train stage: a featurized dataset in, weights and metrics out."""

import shutil
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import torch

from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import open_dataset
from moldiff.errors import UserError
from moldiff.files.atomic import sha256, write_text
from moldiff.files.manifest import write_record
from moldiff.models.checkpoint import Model, load_model, new_model, save_model
from moldiff.models.shipped import weights_path
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.sampling.sampler import Generator, planned, torch_threads
from moldiff.scoring.molecule.keys import flat_smiles, without_hydrogens
from moldiff.scoring.molecule.portrait import all_ring_systems, realism_of
from moldiff.scoring.molecule.validity import fragments, sanitize
from moldiff.training.log import MetricsLog
from moldiff.training.loop import Data, Trainer
from moldiff.training.malloc import keep_large_buffers
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
        overwrite: begin anew even if there is a state or a finished model.

    Returns:
        The path of the weights.

    Raises:
        UserError: the dataset or the weights to start from cannot be used, or the state is of another training.
        Interrupted: the training was asked to stop; the same command continues it.
    """
    keep_large_buffers()
    state = state or output / "state"
    if overwrite:
        shutil.rmtree(state, ignore_errors=True)
    featurized = open_dataset(dataset, verify=True)
    torch.manual_seed(options.seed)
    model = start_model(options, dict(featurized.info))
    vocabulary = model.network.vocabulary
    data = Data(*(MoleculeLoader.of(featurized, split, vocabulary) for split in ("train", "valid")))
    if not len(data.train):
        raise UserError(
            f"{dataset}: no molecule is in the train split; featurize more molecules or lower valid_fraction"
        )
    claim_state(state, dataset)
    rings = cache(lambda: all_ring_systems(featurized.smiles("train")))
    weights = vars(model.process.weights)
    with torch_threads(options.threads):
        # beside the state, with which it is continued: a workflow deletes the outputs of a killed job
        log = MetricsLog(state / "metrics.csv", weights)
        trainer = Trainer(
            options, model.network, model.process, data, state, log,
            sampled=lambda network: sampled_rates(replace(model, network=network), options, rings()),
        )  # fmt: skip
        log.writes = trainer.rank == 0
        if log.writes:
            print(
                f"training on {len(data.train)} molecules, following {len(data.valid)}; "
                f"{sum(p.numel() for p in model.network.parameters()):,} parameters",
                file=sys.stderr,
            )
        progress = trainer.run()
    history = {
        "steps": progress.step,
        "molecules_seen": progress.molecules,
        "processes": trainer.world,
        "threads": torch_threads(options.threads).threads,
        "device": str(trainer.fabric.device.type),
        "options": options.model_dump(mode="json"),
        "dataset": {key: featurized.info.get(key) for key in ("molecules", "records_read", "sha256", "hydrogens")},
        "versions": {"moldiff": version(), "torch": torch.__version__},
    }
    trained = replace(model, network=cast(DenoisingNetwork, trainer.average.module), history=history)
    if trainer.rank == 0:
        save_model(trained, output / "model.safetensors")
        # the time is not in the weights: the same training gives the same file, and so the same name of its molecules
        minutes, finished = round(progress.seconds / 60, 2), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        record = {**history, "minutes": minutes, "finished": finished}
        write_text(output / "metrics.csv", log.path.read_text(encoding="utf-8"))
        write_record(output / "train.json", record, [output / "model.safetensors", output / "metrics.csv"])
    trainer.fabric.barrier()
    return output / "model.safetensors"


def claim_state(state: Path, dataset: Path) -> None:
    """Note beside the saved state which dataset it was trained on.

    Raises:
        UserError: it was another one.
    """
    note, checksum = state / "dataset.sha256", sha256(dataset / "dataset.json")
    if (state / "state.pt").exists() and note.exists() and note.read_text(encoding="utf-8") != checksum:
        raise UserError(f"{state}: saved by a training on another dataset; give another --state, or --overwrite")
    write_text(note, checksum)


def start_model(options: TrainOptions, info: dict[str, Any]) -> Model:
    """An untrained model for the dataset, or the given weights with the dataset's statistics.

    Raises:
        UserError: the dataset holds an element or charge that the weights do not know, or other hydrogens.
    """
    fresh = new_model(options.network, info)
    if options.start_from is None:
        return fresh
    path = options.start_from
    start = load_model(weights_path(path))
    vocabulary, wanted = start.network.vocabulary, fresh.network.vocabulary
    for name, known, needed in (
        ("elements (atomic numbers)", vocabulary.elements, wanted.elements),
        ("charges", vocabulary.charges, wanted.charges),
    ):
        if missing := sorted(set(needed) - set(known)):
            raise UserError(
                f"{path}: does not know the {name} {missing} of the dataset (it knows {list(known)}); "
                "featurize with only those, or train from scratch"
            )
    if start.statistics.hydrogens != fresh.statistics.hydrogens:
        raise UserError(
            f"{path}: trained with {start.statistics.hydrogens} hydrogens, the dataset has "
            f"{fresh.statistics.hydrogens}; featurize with hydrogens: {start.statistics.hydrogens}"
        )
    # the noise stays that of the weights: its marginals and σ_d are what the network was trained on
    return replace(start, statistics=replace(start.statistics, sizes=fresh.statistics.sizes))


def sampled_rates(model: Model, options: TrainOptions, known: frozenset[str]) -> dict[str, float]:
    """Rates of a few molecules of a model in training.

    Args:
        model: the model.
        options: of the training.
        known: ring systems of the training set.

    Returns:
        Valid molecules of all; of the valid ones the shares that are distinct, reasonable, and that hold a ring system
        that is not known.
    """
    network: DenoisingNetwork = model.network
    training = network.training
    network.eval()
    drawn = SampleOptions(
        n=options.sample_count,
        steps=50,
        restarts=0,  # what the network makes by itself
        seed=options.seed,
        threads=torch.get_num_threads(),
        accelerator=options.accelerator,
    )
    generator = Generator(model)
    made = [one for batch in planned(drawn, model.statistics.sizes) for one in generator.batch(drawn, batch)]
    network.train(training)
    written = [generator.to_rdkit(one) for one in made if one.finite]
    valid = [mol for mol in (sanitize(one).mol for one in written if fragments(one) == 1) if mol is not None]
    keys = [flat_smiles(without_hydrogens(mol)) for mol in valid]
    rows = [realism_of(key) for key in keys]
    unknown = sum(not known.issuperset(systems) for systems, _ in rows)

    def share(count: int) -> float:
        return count / len(valid) if valid else float("nan")

    return {
        "sampled_valid": len(valid) / len(made),
        "sampled_unique": share(len(set(keys))),
        "sampled_reasonable": share(sum(bool(values["reasonable"]) for _, values in rows)),
        "sampled_unknown_rings": share(unknown),
    }
