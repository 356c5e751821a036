"""Molecules that a training takes a second on the device there is, by precision, batch size and number of workers.

    python -m benchmarks.devices DATASET --start-from drugs tensorfloat32,512,15 float32,512,15

Each case is a precision, molecules of a batch, and workers that draw ahead (`moldiff train --workers`). The same steps
are taken in each, so the losses tell whether a precision is good enough. *Waited*: share of the time in which no step
was drawn yet.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from moldiff.config.train import TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import FeaturizedDataset, open_dataset
from moldiff.models.start import start_model
from moldiff.stages.objectives import objective
from moldiff.training.ahead import drawn_steps
from moldiff.training.devices import chosen_device, torch_threads
from moldiff.training.learner import Learner

TASKS = {"new": 0.65, "fragment": 0.17, "fragments": 0.06, "conformer": 0.06, "bonds": 0.06}
"""Shares of the tasks with which the shipped weights were trained."""


def main() -> None:
    """Write a table to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("cases", nargs="+", help="PRECISION,BATCH,WORKERS")
    parser.add_argument("--start-from", help="weights; by default a new network")
    parser.add_argument("--warm-up", type=int, default=10, help="steps that are not timed")
    parser.add_argument("--steps", type=int, default=60, help="steps that are timed")
    arguments = parser.parse_args()
    device = chosen_device("auto")
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name() if device == 'cuda' else 'CPU'}\n")
    print("| precision | batch | workers | molecules/s | steps/s | waited | memory, GiB | losses |", flush=True)
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for case in arguments.cases:
        precision, batch, workers = case.split(",")
        options = TrainOptions(
            start_from=arguments.start_from, precision=precision, batch_size=batch, workers=workers, threads=1,
            tasks=TASKS, learning_rate=1e-4,
        )  # fmt: skip
        with torch_threads(1):
            found = measured(options, open_dataset(arguments.dataset), arguments.warm_up, arguments.steps)
        print(f"| {precision} | {batch} | {workers} | {found.row()} |", flush=True)


@dataclass(frozen=True)
class Measured:
    """What the timed steps took and came to."""

    seconds: float
    waited: float
    steps: int
    molecules: int
    memory: float
    losses: dict[str, float]

    def row(self) -> str:
        """Cells of a table."""
        losses = ", ".join(f"{name} {loss:.4f}" for name, loss in self.losses.items())
        return (
            f"{self.molecules / self.seconds:,.0f} | {self.steps / self.seconds:.1f} | "
            f"{100 * self.waited / self.seconds:.0f} % | {self.memory:.1f} | {losses}"
        )


def measured(options: TrainOptions, dataset: FeaturizedDataset, warm_up: int, count: int) -> Measured:
    """Take the first steps of a training, and time those after the warm-up."""
    model = start_model(options, dataset.info)
    nothing = torch.full((len(dataset), len(model.statistics.properties)), torch.nan)
    loader = MoleculeLoader.of(dataset, "train", model.network.vocabulary, nothing, known_only=True)
    learner = Learner(options, model.network, objective(options, model, model.network))
    start = waited = 0.0
    molecules, losses = 0, dict.fromkeys(learner.weights, 0.0)
    steps = drawn_steps(loader, learner, 0)
    for number in range(warm_up + count):
        if number == warm_up:
            start = time.monotonic()
            waited = molecules = 0
        before = time.monotonic()
        drawn = next(steps)
        waited += time.monotonic() - before
        for name, loss in learner.step(drawn, number, 0.0).items():
            losses[name] += loss / (warm_up + count)
        molecules += drawn.molecules
    seconds = time.monotonic() - start
    steps.close()
    memory = torch.cuda.max_memory_allocated() / 2**30 if learner.fabric.device.type == "cuda" else 0.0
    return Measured(seconds, waited, count, molecules, memory, losses)


if __name__ == "__main__":
    main()
