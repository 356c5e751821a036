"""What each part of a training is worth beside more of the same: `python -m benchmarks.parts DATASET --start-from W`.

The weights W are fine-tuned once for each part, on the same molecules with the same seed and budget of computing: what
a step with a part costs is measured in turns with a plain one, and it takes as many steps fewer. Then the same number
of molecules is sampled without restarts, written to OUT/PART.sdf and scored by `moldiff check` into OUT/PART.check; a
row of a Markdown table is printed for each. The row `start` is W as it is, at the sizes of the dataset.

`docs/log/2026-11-26-worth-of-the-parts.md` has what came out.
"""

import argparse
import copy
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Generator, Tensor

from benchmarks.variants import Variant, cost_beside, wrapped
from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.config.check import CheckOptions
from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import open_dataset
from moldiff.diffusion.positions import PositionDiffusion, noise
from moldiff.files.atomic import write_text
from moldiff.models.checkpoint import Model, load_model
from moldiff.models.growth import with_placeholder
from moldiff.models.shipped import weights_path
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.scoring.records import CheckSummary
from moldiff.stages.check import check
from moldiff.stages.objectives import NOTHING_GIVEN, denoising
from moldiff.training.ahead import drawn_steps
from moldiff.training.learner import Learner
from moldiff.training.loop import Progress, steps
from moldiff.training.malloc import keep_large_buffers
from moldiff.training.objective import Drawn

RATES = ("valid_strict", "reasonable", "new_ring_system", "ring_of_seven", "ring_of_eight")
MEANS = ("rings", "rotatable_bonds", "sa")
DISTANCES = ("bond_lengths", "bond_orders", "functional_groups")


@dataclass(frozen=True)
class Shaken:
    """Positions that are wrong beyond what σ says: the geometry distortion of FlowMol3 (arXiv:2508.12629).

    In half of the molecules with σ of 0.1 to 0.5 Å some atoms are moved. Below, the network's output is in units of
    about σ and would have to be many of them.

    Attributes:
        positions: the modality as it is.
        share: chance of each atom to be moved.
        distance: standard deviation of a move along each axis, Å.
    """

    positions: PositionDiffusion
    share: float = 0.6
    distance: float = 0.4

    def __getattr__(self, name: str) -> Any:
        return getattr(self.positions, name)

    def corrupt(self, clean: Tensor, places: Tensor, level: Tensor, random: Generator) -> Tensor:
        """As usual, then the moves."""
        noisy = self.positions.corrupt(clean, places, level, random)
        chosen = torch.rand(len(level), 1, generator=random) < 0.5
        moved = (torch.rand(level.shape, generator=random) < self.share) & chosen & (level > 0.1) & (level < 0.5)
        return noisy + noise(self.distance * moved.to(level.dtype), places, places, random)


PARTS: dict[str, Variant] = {
    "control": Variant(),
    "placeholders": Variant({"placeholders": 0.3}),
    "distortion": Variant(process=wrapped(Shaken)),
    "bonds half kept at 0.3 Å": Variant(process=lambda process: process.changed(bond={"scale": 0.3})),
    "bonds half kept at 2.5 Å": Variant(process=lambda process: process.changed(bond={"scale": 2.5})),
}


@dataclass(frozen=True)
class Prepared:
    """Weights before they are fine-tuned with a part, what takes the steps, and the molecules of each."""

    model: Model
    learner: Learner
    batches: Iterator[Drawn]


def main() -> None:
    """Fine-tune, sample, score and print, part by part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="a featurized dataset")
    parser.add_argument("--start-from", required=True, help="weights without placeholders")
    parser.add_argument("--out", type=Path, default=Path("results/parts"))
    parser.add_argument("--train", type=Path, help="what the molecules are compared with; by default the dataset")
    parser.add_argument("--updates", type=int, default=1000, help="optimiser steps of the control")
    parser.add_argument("-n", type=int, default=200, help="molecules sampled for each row")
    parser.add_argument("--rows", nargs="+", default=["start", *PARTS], choices=["start", *PARTS], metavar="ROW")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_large_buffers()
    info = open_dataset(arguments.dataset).info
    start = load_model(weights_path(arguments.start_from))
    start = replace(start, statistics=replace(start.statistics, sizes=dict(info.sizes or {})))
    shown = [*RATES, *MEANS, *(f"{name}, distance" for name in DISTANCES)]
    print(f"| part | cost of a step | steps | views | processor min | {' | '.join(shown)} |")
    print("| --- " * (5 + len(shown)) + "|", flush=True)
    for row in arguments.rows:
        if row == "start":
            sampler, told = Sampler(start), "| | |"
        else:
            cost = relative_cost(PARTS[row], start, arguments.dataset)
            began = time.process_time()
            sampler, progress = tuned(PARTS[row], start, arguments.dataset, round(arguments.updates / cost))
            minutes = (time.process_time() - began) / 60
            print(f"{row}: trained, {minutes:.1f} processor minutes", file=sys.stderr, flush=True)
            told = f"{cost:.2f} | {progress.step} | {progress.molecules} | {minutes:.1f}"
        file = arguments.out / f"{row.replace(' ', '-')}.sdf"
        summary = scored(sampler, arguments.n, arguments.train or arguments.dataset, file)
        print(f"| {row} | {told} | {' | '.join(cells(summary))} |", flush=True)


def prepared(part: Variant, start: Model, dataset: Path, updates: int) -> Prepared:
    """The weights before the first step."""
    featurized = open_dataset(dataset)
    usual = {"steps": updates, "batch_size": 16, "learning_rate": 1e-3, "warmup_steps": 60, "tasks": NOTHING_GIVEN}
    options = TrainOptions(**{**usual, "threads": 1, "accelerator": "cpu"} | part.options)
    model = replace(start, network=copy.deepcopy(start.network))
    if options.placeholders:
        model = with_placeholder(model, options.placeholders, model.statistics.sizes)
    network = cast(DenoisingNetwork, model.network)
    changed = replace(model, process=part.process(model.process))
    learner = Learner(options, network, denoising(options, changed, network), part.optimizers, part.rate)
    loader = MoleculeLoader.of(featurized, "train", network.vocabulary)
    return Prepared(changed, learner, drawn_steps(loader, learner, 0))


def relative_cost(part: Variant, start: Model, dataset: Path) -> float:
    """Processor time of a step in steps of the control; 1 where only the noise is another."""
    if not part.options:
        return 1.0
    both = [prepared(one, start, dataset, 1_000) for one in (part, Variant())]
    return cost_beside(*both)


def tuned(part: Variant, start: Model, dataset: Path, updates: int) -> tuple[Sampler, Progress]:
    """A sampler of the averaged weights, by the process that they were trained on, and where the training ended."""
    made, progress = prepared(part, start, dataset, updates), Progress()
    for _ in steps(made.learner, progress, made.batches):
        pass
    network = cast(DenoisingNetwork, made.learner.average.module).eval()
    return Sampler(replace(made.model, network=network)), progress


def scored(sampler: Sampler, n: int, train: Path, file: Path) -> CheckSummary:
    """What `moldiff check` says of new molecules."""
    plan = Plan.of(SampleOptions(n=n, seed=4242, restarts=0, threads=1, accelerator="cpu"))
    made = [one for batch in plan.batches(sampler.model.statistics) for one in sampler.batch(plan, batch)]
    write_text(file, "".join(write_sdf_block(sampler.to_rdkit(one)) for one in made if one.finite))
    return check(CheckOptions(), [str(file)], file.with_suffix(".check"), train=train, workers=1)


def cells(summary: CheckSummary) -> list[str]:
    """Rates and means with one standard error, distances as they are."""
    result = []
    for name in RATES:
        rate = summary.metrics[name]
        share, of = rate.numerator / rate.denominator, rate.denominator
        result.append(f"{100 * share:.1f} ± {100 * (share * (1 - share) / of) ** 0.5:.1f}")
    for name in MEANS:
        found = summary.descriptors[name]
        result.append(f"{found.mean:.2f} ± {found.std / found.n**0.5:.2f}")
    return result + [f"{summary.distances[name].value:.4f}" for name in DISTANCES]


if __name__ == "__main__":
    main()
