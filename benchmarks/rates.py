"""Molecules a second for loading, training and sampling, on one thread: `python benchmarks/rates.py DATASET`.

Prints a Markdown table. Training and sampling use an untrained network of the default size: the arithmetic is the same.
Times are processor time of this process, which on a shared machine is steadier than the clock.
"""

import argparse
import time
from pathlib import Path

import torch

from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import open_dataset
from moldiff.models.checkpoint import Model, new_model
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.stages.objectives import denoising
from moldiff.training.ahead import drawn_steps
from moldiff.training.learner import Learner
from moldiff.training.malloc import keep_large_buffers


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="a featurized dataset")
    parser.add_argument("--steps", type=int, default=60, help="training steps to time")
    parser.add_argument("--batch-size", type=int, nargs="+", default=[24, 48, 128])
    parser.add_argument("--molecules", type=int, default=64, help="molecules to sample")
    arguments = parser.parse_args()
    model, loader = untrained(arguments.dataset)
    atoms = float(loader.sizes.double().mean())
    print(f"| what | settings | molecules a second of one core ({len(loader)} molecules, {atoms:.1f} atoms) |")
    print("| --- | --- | --- |")
    for size in arguments.batch_size:
        print(f"| load | batches of {size} | {load_rate(loader, size):,.0f} |", flush=True)
    for size in arguments.batch_size:
        print(f"| train | batches of {size} | {train_rate(loader, model, size, arguments.steps):,.0f} |", flush=True)
    for steps in (50, 100):
        rate = sample_rate(Sampler(model), arguments.molecules, steps)
        print(f"| sample | {steps} evaluations | {rate:,.1f} |", flush=True)


def untrained(folder: Path) -> tuple[Model, MoleculeLoader]:
    """A network of the default size and the training molecules of a dataset, in a process of one thread."""
    torch.set_num_threads(1)
    keep_large_buffers()
    dataset = open_dataset(folder)
    model = new_model(TrainOptions().network, dataset.info)
    return model, MoleculeLoader.of(dataset, "train", model.network.vocabulary)


def load_rate(loader: MoleculeLoader, batch_size: int) -> float:
    """Molecules gathered into dense batches: a whole epoch, or five seconds of one."""
    start, molecules = time.process_time(), 0
    for indices in loader.batches(batch_size, 0, 0):
        molecules += len(loader.gather(indices).mask)
        if time.process_time() - start > 5:
            break
    return molecules / (time.process_time() - start)


def train_rate(loader: MoleculeLoader, model: Model, batch_size: int, steps: int) -> float:
    """Molecules trained on, warm-up steps left out."""
    options = TrainOptions(steps=steps, batch_size=batch_size, threads=1, accelerator="cpu")
    learner = Learner(options, model.network, denoising(options, model, model.network))
    batches = drawn_steps(loader, learner, 0)
    for number in range(5):
        learner.step(next(batches), number, 0.0)
    start, molecules = time.process_time(), 0
    for number in range(steps):
        drawn = next(batches)
        learner.step(drawn, number, 0.0)
        molecules += drawn.molecules
    return molecules / (time.process_time() - start)


def sample_rate(sampler: Sampler, molecules: int, steps: int) -> float:
    """Molecules sampled."""
    plan = Plan.of(SampleOptions(n=molecules, steps=steps, restarts=0, threads=1, accelerator="cpu"))
    start = time.process_time()
    for batch in plan.batches(sampler.model.statistics):
        sampler.batch(plan, batch)
    return molecules / (time.process_time() - start)


if __name__ == "__main__":
    main()
