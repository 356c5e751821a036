"""What each choice of the recipe is worth: `python -m benchmarks.ablations DATASET --updates 1000`.

Every variant is trained from scratch, on one thread, on the same molecules with the same seed, changed in one thing;
then the same number of molecules is sampled and scored. All have the same budget of computing: what a step of a variant
costs is measured against a step of the recipe as it is, in turns, and it takes as many steps fewer or more. (A clock
would be no fair budget on a machine that others use: it gave the same recipe between 880 and 1,110 steps.) A row of a
Markdown table is printed for each; docs/recipe.md discusses them.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch

from benchmarks import sweep
from benchmarks.variants import EXTRA_ELEMENT, VARIANTS, Variant, cost_beside
from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import open_dataset
from moldiff.diffusion.process import Process
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.models.checkpoint import Model, new_model
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.sampling.decode import Sampled
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.stages.objectives import denoising
from moldiff.training.learner import Learner
from moldiff.training.loop import Progress, steps
from moldiff.training.malloc import keep_large_buffers
from moldiff.training.objective import DenoisingObjective, Drawn
from moldiff.training.validation import validation_loss

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
        sampler, progress, loss = trained(VARIANTS[row], arguments.dataset, round(arguments.updates / cost))
        plans = [Plan.of(_sampling(arguments.n, steps)) for steps in arguments.steps]
        cells = [sweep.rates(sampler, plan, SHOWN, kept=without_placeholders) for plan in plans]
        print(
            f"| {row} | {cost:.2f} | {progress.step} | {progress.molecules} | {loss:.3f} | {' | '.join(cells)} |",
            flush=True,
        )


@dataclass(frozen=True)
class Prepared:
    """An untrained variant.

    Attributes:
        model: the network and its statistics.
        process: the noise it is trained on.
        learner: takes the steps.
        batches: what is learned in each step.
        held_out: the molecules of the validation loss.
    """

    model: Model
    process: Process
    learner: Learner
    batches: Iterator[Drawn]
    held_out: MoleculeLoader


def relative_cost(variant: Variant, dataset: Path) -> float:
    """Processor time of a step in steps of the recipe as it is."""
    both = [prepared(one, dataset, 1_000) for one in (variant, Variant())]
    cost = cost_beside(*both)
    return cost if variant != Variant() else 1.0


def trained(variant: Variant, dataset: Path, updates: int) -> tuple[Sampler, Progress, float]:
    """A sampler of the averaged network with the process it was trained on, where it ended, its validation loss."""
    made, progress = prepared(variant, dataset, updates), Progress()
    for _ in steps(made.learner, progress, made.batches):
        pass
    network = cast(DenoisingNetwork, made.learner.average.module).eval()
    # one distribution of σ and one loss for all variants, or their values could not be compared
    usual = DenoisingObjective(network, made.model.process, NoiseDistribution())
    loss = validation_loss(usual, made.held_out, 24, 0)
    return Sampler(replace(made.model, network=network, process=made.process)), progress, loss


def prepared(variant: Variant, dataset: Path, updates: int) -> Prepared:
    """A variant before its first step."""
    featurized = open_dataset(dataset)
    options = TrainOptions(**{"steps": updates, "batch_size": 24, "threads": 1, "accelerator": "cpu"} | variant.options)
    torch.manual_seed(options.seed)
    model = new_model(options.network, variant.info(featurized.info))
    variant.change(model.network)
    process, vocabulary = variant.process(model.process), model.network.vocabulary
    objective = denoising(options, replace(model, process=process), model.network)
    learner = Learner(options, model.network, objective, variant.optimizers, variant.rate)
    learning, held_out = (MoleculeLoader.of(featurized, split, vocabulary) for split in ("train", "valid"))
    order = learning.order(options.batch_size, options.seed, 0)
    molecules = (variant.molecules(learning.gather(indices), vocabulary) for indices in order)
    batches = (learner.draw(batch, number) for number, batch in enumerate(molecules))
    return Prepared(model, process, learner, batches, held_out)


def without_placeholders(molecule: Sampled) -> Sampled:
    """The molecule without atoms that are none."""
    return replace(molecule, arrays=_real(molecule.arrays))


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


def _sampling(n: int, steps: int) -> SampleOptions:
    return SampleOptions(n=n, steps=steps, restarts=0, threads=1, accelerator="cpu")


if __name__ == "__main__":
    main()
