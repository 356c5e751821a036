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
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Generator, Tensor

from benchmarks import sweep
from moldiff import training
from moldiff.checkpoint import Model, new_model
from moldiff.config import SampleOptions, TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import open_dataset
from moldiff.diffusion.process import LossWeights, NoiseDistribution, Process
from moldiff.memory import keep_large_buffers
from moldiff.metrics import MetricsLog
from moldiff.molecules import MoleculeBatch, Prediction
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.stages import generation

SHOWN = ("valid_strict", "pb_valid_of_all", "uniqueness")
MASKED_ELEMENT, MASKED_CHARGE = 118, 9
"""Classes that no molecule has, which stand for "masked"."""


@dataclass(frozen=True)
class Variant:
    """One change of the recipe.

    Attributes:
        options: of the training, that differ.
        process: the diffusion process in place of the usual one.
        noise: distribution of σ in training.
        trainer: the loop.
        info: the dataset's description in place of the true one.
    """

    options: dict[str, Any] = field(default_factory=dict)
    process: Callable[[Process], Process] = lambda process: process
    noise: NoiseDistribution = NoiseDistribution()
    trainer: type[training.Trainer] = training.Trainer
    info: Callable[[dict[str, Any]], dict[str, Any]] = lambda info: info


@dataclass(frozen=True)
class DistanceWeights(LossWeights):
    """Weights with one for the distances of near atoms."""

    distance: float = 1.0


@dataclass(frozen=True)
class DistanceProcess(Process):
    """A loss on distances between atoms that are nearer than 3 Å, in units of c_out as positions are."""

    def loss(self, predicted: Prediction, clean: MoleculeBatch, sigma: Tensor) -> dict[str, Tensor]:
        """The usual losses and that of distances."""
        true, made = (_distances(pos) for pos in (clean.pos, predicted.pos))
        near = clean.pair_mask & (true < 3)
        c_out = sigma * self.pos.sigma_data / (sigma**2 + self.pos.sigma_data**2).sqrt()
        error = ((made - true) ** 2 * near).sum((1, 2)) / near.sum((1, 2)).clamp_min(1) / c_out**2
        return {**super().loss(predicted, clean, sigma), "distance": error}


@dataclass(frozen=True)
class DistortedProcess(Process):
    """Half of the molecules get positions a little noisier than σ says, as a sampler's own errors make them."""

    share: float = 0.2

    def corrupt(self, clean: MoleculeBatch, sigma: Tensor, generator: Generator) -> MoleculeBatch:
        """As usual, then the distortion."""
        noisy = super().corrupt(clean, sigma, generator)
        chosen = torch.rand(sigma.shape, generator=generator) < 0.5
        return noisy.replace(pos=self.pos.corrupt(noisy.pos, noisy.mask, sigma * self.share * chosen, generator))


class MuonTrainer(training.Trainer):
    """Muon (Jordan et al. 2024) of torch for the layers' matrices, AdamW for all else."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        decay = self.options.weight_decay
        matrices = {one for layer in self.network.layers for one in layer.parameters() if one.dim() == 2}
        others = [one for one in self.network.parameters() if one not in matrices]
        self.optimizer = cast(
            Any,
            _Both(
                torch.optim.Muon(list(matrices), weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
                torch.optim.AdamW(others, betas=(0.9, 0.99), weight_decay=decay, fused=True),
            ),
        )


class _Both:
    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        self.optimizers = optimizers
        self.param_groups = [group for one in optimizers for group in one.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        for one in self.optimizers:
            one.zero_grad(set_to_none)

    def step(self) -> None:
        for one in self.optimizers:
            one.step()

    def state_dict(self) -> dict[str, Any]:
        return {}


class ConstantRateTrainer(training.Trainer):
    """The learning rate stays where the warm-up ends; only the average of the weights settles."""

    def _learning_rate(self) -> float:
        return self.options.learning_rate * min(1.0, (self.progress.step + 1) / self.options.warmup_steps)


class LinearRateTrainer(training.Trainer):
    """The learning rate falls linearly to zero."""

    def _learning_rate(self) -> float:
        warm = min(1.0, (self.progress.step + 1) / self.options.warmup_steps)
        return self.options.learning_rate * warm * (1 - self._fraction)


def masked_atoms(info: dict[str, Any]) -> dict[str, Any]:
    """Elements and charges have one class more, and noise turns each of them into that one."""
    vocabulary = {
        **info["vocabulary"],
        "elements": [*info["vocabulary"]["elements"], MASKED_ELEMENT],
        "charges": [*info["vocabulary"]["charges"], MASKED_CHARGE],
    }
    marginals = {name: [0.0] * len(info["marginals"][name]) + [1.0] for name in ("element", "charge")}
    return {**info, "vocabulary": vocabulary, "marginals": {**info["marginals"], **marginals}}


def scaled(scale: float) -> Callable[[Process], Process]:
    """Half of the categories are kept at σ = scale."""
    return lambda process: replace(
        process,
        **{name: replace(getattr(process, name), scale=scale) for name in ("element", "charge", "bond")},
    )


def weighted(**weights: float) -> Callable[[Process], Process]:
    """Other weights of the loss."""
    return lambda process: replace(process, weights=LossWeights(**weights))


def remade(process_type: type[Process], **fields: Any) -> Callable[[Process], Process]:
    """The same process as another class."""
    return lambda process: process_type(
        process.pos, process.element, process.charge, process.bond, **{"weights": process.weights, **fields}
    )


def network(**options: int) -> dict[str, Any]:
    """Options of the network that differ."""
    return {"network": options}


VARIANTS: dict[str, Variant] = {
    "as it is": Variant(),
    "as it is, seed 1": Variant({"seed": 1}),
    "degree l ≤ 2": Variant(network(degree=2)),
    "degree l ≤ 3": Variant(network(degree=3)),
    "pairs 24 wide": Variant(network(pairs=24, hidden=64)),
    "pairs 96 wide": Variant(network(pairs=96, hidden=160)),
    "4 layers": Variant(network(layers=4)),
    "8 layers": Variant(network(layers=8)),
    "4 layers, 160 scalars": Variant(network(layers=4, scalars=160)),
    "8 layers, 96 scalars": Variant(network(layers=8, scalars=96)),
    "no self-conditioning": Variant({"self_conditioning": 0.0}),
    "self-conditioning always": Variant({"self_conditioning": 1.0}),
    "elements and charges masked": Variant(info=masked_atoms),
    "categories half kept at σ = 0.5 Å": Variant(process=scaled(0.5)),
    "categories half kept at σ = 2 Å": Variant(process=scaled(2.0)),
    "ln σ of mean -1.5": Variant(noise=NoiseDistribution(-1.5, 1.4)),
    "ln σ of mean -0.5": Variant(noise=NoiseDistribution(-0.5, 1.4)),
    "ln σ of deviation 1.0": Variant(noise=NoiseDistribution(-1.0, 1.0)),
    "ln σ of deviation 1.8": Variant(noise=NoiseDistribution(-1.0, 1.8)),
    "bonds weigh 1": Variant(process=weighted(bond=1.0)),
    "bonds weigh 4": Variant(process=weighted(bond=4.0)),
    "positions weigh 3": Variant(process=weighted(pos=3.0)),
    "loss on near distances": Variant(process=remade(DistanceProcess, weights=DistanceWeights())),
    "distorted positions": Variant(process=remade(DistortedProcess)),
    "average over 100 steps": Variant({"ema": 0.99}),
    "average over 10,000 steps": Variant({"ema": 0.9999}),
    "Muon": Variant(trainer=MuonTrainer),
    "learning rate 5e-4": Variant({"learning_rate": 5e-4}),
    "learning rate 2e-3": Variant({"learning_rate": 2e-3}),
    "learning rate constant": Variant(trainer=ConstantRateTrainer),
    "learning rate falls linearly": Variant(trainer=LinearRateTrainer),
    "batches of 12": Variant({"batch_size": 12}),
    "batches of 48": Variant({"batch_size": 48}),
    "no weight decay": Variant({"weight_decay": 0.0}),
}


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
        cells = [
            sweep.rates(generation.Generator(model), _sampling(arguments.n, steps), SHOWN) for steps in arguments.steps
        ]
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
    process = variant.process(model.process)
    data = training.Data(
        *(MoleculeLoader.of(featurized, split, model.network.vocabulary) for split in ("train", "valid"))
    )
    log = MetricsLog(folder / "metrics.csv", vars(process.weights))
    trainer = variant.trainer(options, model.network, process, data, folder, log, lambda network: {})
    trainer.noise = variant.noise
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


def replace_loss(process: Process) -> Process:
    """The process with the usual loss and corruption, its own categories."""
    return Process(process.pos, process.element, process.charge, process.bond)


def _sampling(n: int, steps: int) -> SampleOptions:
    return SampleOptions(n=n, steps=steps, threads=1, accelerator="cpu")


def _distances(pos: Tensor) -> Tensor:
    between = pos[:, :, None] - pos[:, None]
    return ((between * between).sum(-1) + 1e-6).sqrt()


if __name__ == "__main__":
    main()
