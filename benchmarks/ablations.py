"""What each choice of the recipe is worth: `python -m benchmarks.ablations DATASET --updates 1000`.

Every variant is trained from scratch, on one thread, on the same molecules with the same seed, changed in one thing;
then the same number of molecules is sampled and scored. All have the same budget of computing: what a step of a variant
costs is measured against a step of the recipe as it is, in turns, and it takes as many steps fewer or more. (A clock
would be no fair budget on a machine that others use: it gave the same recipe between 880 and 1,110 steps.) A row of a
Markdown table is printed for each; docs/recipe.md discusses them.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch

from benchmarks import sweep
from benchmarks.variants import EXTRA_ELEMENT, VARIANTS, Variant
from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions
from moldiff.dataset.storage import open_dataset
from moldiff.diffusion.process import NoiseDistribution, Process
from moldiff.models.checkpoint import Model, new_model
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.sampling import sampler as generation
from moldiff.training import loop as training
from moldiff.training.log import MetricsLog
from moldiff.training.malloc import keep_large_buffers

SHOWN = ("valid_strict", "pb_valid_of_all", "uniqueness")


def main() -> None:
    """Train, sample, score and print, variant by variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="a featurized dataset")
    parser.add_argument("--updates", type=int, default=1000, help="optimiser steps of the recipe as it is")
    parser.add_argument("-n", type=int, default=500, help="molecules sampled for each row")
    parser.add_argument("--steps", type=int, nargs="+", default=[20, 50], help="network evaluations in sampling")
    parser.add_argument("--rows", nargs="+", default=list(VARIANTS), metavar="ROW", help="some of the rows, by name")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_large_buffers()
    shown = [f"{name}, {steps}" for steps in arguments.steps for name in SHOWN]
    print(f"| variant | cost of a step | steps | molecules | validation loss | {' | '.join(shown)} |")
    print("| --- " * (5 + len(shown)) + "|", flush=True)
    for row in arguments.rows:
        cost = relative_cost(VARIANTS[row], arguments.dataset)
        model, progress, loss = trained(VARIANTS[row], arguments.dataset, round(arguments.updates / cost))
        cells = [sweep.rates(_Sampler(model), _sampling(arguments.n, steps), SHOWN) for steps in arguments.steps]
        print(
            f"| {row} | {cost:.2f} | {progress.step} | {progress.molecules} | {loss:.3f} | {' | '.join(cells)} |",
            flush=True,
        )


def relative_cost(variant: Variant, dataset: Path, rounds: int = 24) -> float:
    """Processor time of a step in steps of the recipe as it is, both taken in turns."""
    spent = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        trainers = [
            prepared(one, dataset, 1_000, Path(folder) / name)[1] for one, name in ((variant, "a"), (Variant(), "b"))
        ]
        batches = [one.data.train.endless(one.options.batch_size, 0, 0) for one in trainers]
        for number in range(rounds):
            for which, (trainer, stream) in enumerate(zip(trainers, batches, strict=True)):
                batch, start = next(stream), time.process_time()
                trainer.step(batch)
                trainer.progress.step += 1
                if number >= rounds // 6:  # the first steps warm the caches up
                    spent[which] += time.process_time() - start
    return spent[0] / spent[1] if variant != Variant() else 1.0


def trained(variant: Variant, dataset: Path, updates: int) -> tuple[Model, training.Progress, float]:
    """The averaged model, where its training ended, and its validation loss."""
    with tempfile.TemporaryDirectory() as folder:
        model, trainer, process = prepared(variant, dataset, updates, Path(folder))
        progress = trainer.run()
        # one distribution of σ and one loss for all variants, or their values could not be compared
        trainer.noise, trainer.process = NoiseDistribution(), replace_loss(process)
        loss = trainer._validation_loss()
    return _Trained.of(model, trainer, process), progress, loss


def prepared(variant: Variant, dataset: Path, updates: int, folder: Path) -> tuple[Model, training.Trainer, Process]:
    """The untrained model of a variant, its trainer, and its process."""
    featurized = open_dataset(dataset)
    options = TrainOptions(
        **{"steps": updates, "batch_size": 24, "threads": 1, "accelerator": "cpu"}
        | {"validate_every": 1_000_000, "sample_every": 0, "checkpoint_every": 1_000_000}
        | variant.options
    )
    torch.manual_seed(options.seed)
    model = new_model(options.network, variant.info(dict(featurized.info)))
    variant.change(model.network)
    process = variant.process(model.process)
    data = training.Data(
        *(variant.loader.of(featurized, split, model.network.vocabulary) for split in ("train", "valid"))
    )
    log = MetricsLog(folder / "metrics.csv", vars(process.weights))
    trainer = variant.trainer(options, model.network, process, data, folder, log, lambda network: {})
    return model, trainer, process


@dataclass(frozen=True)
class _Trained(Model):
    """A model that is sampled with the process it was trained on, not with that of its statistics."""

    own: Process | None = None

    @classmethod
    def of(cls, model: Model, trainer: training.Trainer, process: Process) -> "_Trained":
        network = cast(DenoisingNetwork, trainer.average.module).eval()
        return cls(network, model.statistics, own=process)

    @property
    def process(self) -> Process:
        assert self.own is not None
        return self.own


class _Sampler(generation.Generator):
    """Leaves placeholder atoms out of what was made."""

    def batch(self, options: SampleOptions, batch: generation.PlannedBatch) -> list[generation.Generated]:
        return [replace(one, arrays=_real(one.arrays)) for one in super().batch(options, batch)]


def _real(arrays: MoleculeArrays) -> MoleculeArrays:
    real = arrays.atomic_numbers != EXTRA_ELEMENT
    if real.all():
        return arrays
    kept = real[arrays.bonds].all(1)
    return MoleculeArrays(
        positions=arrays.positions[real],
        atomic_numbers=arrays.atomic_numbers[real],
        formal_charges=arrays.formal_charges[real],
        bonds=(np.cumsum(real) - 1)[arrays.bonds[kept]].astype(np.uint16),
        bond_orders=arrays.bond_orders[kept],
    )


def replace_loss(process: Process) -> Process:
    """The process with the usual loss and corruption, its own categories."""
    return Process(process.pos, process.element, process.charge, process.bond)


def _sampling(n: int, steps: int) -> SampleOptions:
    return SampleOptions(n=n, steps=steps, restarts=0, threads=1, accelerator="cpu")


if __name__ == "__main__":
    main()
