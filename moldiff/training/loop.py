"""The training loop, on Lightning Fabric: one process or many, CPU or GPU, the same numbers.

A step is a function of (seed, step): its molecules, its noise and whether it conditions on itself follow from them
alone. So a resumed run continues exactly, and several processes see together the batch that one would see alone.
"""

import math
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from types import FrameType
from typing import Any, cast

import torch
from torch import Generator, Tensor, nn
from torch.optim.swa_utils import AveragedModel

from moldiff.config.train import TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.diffusion.process import NoiseDistribution, Process
from moldiff.errors import UserError
from moldiff.molecules.batch import MoleculeBatch
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.seeds import hash_seed
from moldiff.training.devices import new_fabric
from moldiff.training.log import MetricsLog
from moldiff.training.optimizer import parameter_groups
from moldiff.training.state import load_state, save_state

VALIDATION_MOLECULES = 512
"""Held-out molecules of which the validation loss is the mean; the same ones with the same noise each time."""


class Interrupted(Exception):
    """The training was asked to stop (SIGTERM) and has saved its state; the same command continues it."""


@dataclass(frozen=True)
class Data:
    """What a training learns from and is followed by."""

    train: MoleculeLoader
    valid: MoleculeLoader


@dataclass
class Progress:
    """Where a training stands; saved with its state."""

    step: int = 0
    molecules: int = 0
    seconds: float = 0.0

    def fraction(self, options: TrainOptions) -> float:
        """Share of the training that is done, by steps or by the limit on time, whichever is further."""
        timed = self.seconds / 60 / options.minutes if options.minutes else 0.0
        return min(1.0, max(self.step / options.steps, timed))


class LossModule(nn.Module):
    """The network with the loss around it, in plain tensors, as Fabric and DDP pass them."""

    def __init__(self, network: DenoisingNetwork, process: Process) -> None:
        super().__init__()
        self.network, self.process = network, process

    def forward(
        self, clean: tuple[Tensor, ...], noisy: tuple[Tensor, ...], sigma: Tensor, self_condition: bool
    ) -> dict[str, Tensor]:
        """The loss of each modality and molecule."""
        batch, previous = MoleculeBatch(*noisy), None
        if self_condition:
            with torch.no_grad():
                previous = self.network(batch, sigma, None).detach()
            # older torch keeps autocast's casts of this pass, which have no gradient, and reuses them in the next one
            torch.clear_autocast_cache()
        return self.process.loss(self.network(batch, sigma, previous), MoleculeBatch(*clean), sigma)


class Trainer:
    """One training: call `run`; what it learned is in ``average``.

    Args:
        options: of the training.
        network: the network, with the weights to start from.
        process: the diffusion process.
        data: molecules to learn from.
        state: folder of the state from which a killed training resumes.
        log: where metrics go.
        sampled: makes molecules with the averaged network and returns their rates, for the log.
    """

    def __init__(
        self,
        options: TrainOptions,
        network: DenoisingNetwork,
        process: Process,
        data: Data,
        state: Path,
        log: MetricsLog,
        sampled: Callable[[DenoisingNetwork], dict[str, float]],
    ) -> None:
        self.options, self.process, self.data, self.state, self.log, self.sampled = (
            options, process, data, state, log, sampled
        )  # fmt: skip
        self.fabric = new_fabric(options)
        self.fabric.launch()
        self.rank, self.world = self.fabric.global_rank, self.fabric.world_size
        self.progress = Progress()
        self.noise = NoiseDistribution(options.log_sigma_mean, options.log_sigma_deviation)
        self.network = network
        module = LossModule(network, process)
        self.average: AveragedModel = AveragedModel(network, multi_avg_fn=self._lerp)
        groups = parameter_groups(network, options.weight_decay)
        # fused: one call for all parameters, which a small step on CPU feels
        optimizer = torch.optim.AdamW(groups, options.learning_rate, (0.9, 0.99), fused=True)
        self.module, self.optimizer = self.fabric.setup(module, optimizer)
        self.average.to(self.fabric.device, next(network.parameters()).dtype)
        self._fraction = 0.0
        self._signalled = self._stop = False

    def run(self) -> Progress:
        """Train to the end, from the saved state if there is one.

        Raises:
            Interrupted: SIGTERM came; the state is saved.
            UserError: the loss is not finite, or the saved state is of another training.
        """
        self._resume()
        previous = signal.signal(signal.SIGTERM, self._on_signal) if _in_main_thread() else None
        try:
            self._loop()
        finally:
            if previous is not None:
                signal.signal(signal.SIGTERM, previous)
        return self.progress

    def _loop(self) -> None:
        options, progress = self.options, self.progress
        start, before = time.monotonic(), progress.seconds
        batches = self.data.train.endless(options.batch_size, options.seed, progress.step)
        with self.log.progress_bar(options.steps, progress.step, enabled=self.rank == 0) as bar:
            done = self._agreed(progress.fraction(options)) >= 1
            while not done:
                losses, molecules = self.step(next(batches))
                progress.step += 1
                progress.molecules += molecules
                progress.seconds = before + time.monotonic() - start
                self.log.add(losses)
                done = self._agreed(progress.fraction(options)) >= 1
                if done or progress.step % self.log.every == 0:
                    extra = self._evaluated(done)
                    row = self.log.close_row(progress, self._learning_rate(), extra)
                    bar(progress.step, row)
                if done or progress.step % options.checkpoint_every == 0 or self._stop:
                    self._save()
                if self._stop and not done:
                    raise Interrupted(
                        f"stopped at step {progress.step} of {options.steps}; the state is in {self.state}"
                    )

    def step(self, batch: MoleculeBatch) -> tuple[dict[str, float], int]:
        """One optimiser step: the mean of each loss, unweighted, and the number of molecules.

        Raises:
            UserError: the gradient is not finite.
        """
        options, step = self.options, self.progress.step
        generator = Generator().manual_seed(hash_seed(options.seed, 1, step))
        sigma = self.noise.draw(len(batch.mask), generator)
        noisy = self.process.corrupt(batch, sigma, generator)
        self_condition = bool(torch.rand((), generator=generator) < options.self_conditioning)
        # every process draws the noise of the whole batch and takes its own molecules: together they do one's work
        mine = slice(self.rank, None, self.world)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        self.optimizer.zero_grad(set_to_none=True)
        losses = self._losses(batch, noisy, sigma, self_condition, mine)
        share = self.world / len(batch.mask)
        self.fabric.backward(self.process.total({name: value.sum()[None] * share for name, value in losses.items()}))
        norm = self.fabric.clip_gradients(self.module, self.optimizer, max_norm=options.clip, error_if_nonfinite=False)
        if not math.isfinite(float(norm)):
            raise UserError(
                f"the loss is not finite at step {step}; lower train.learning_rate or use precision float32 "
                "(what was learned until the last saved state is kept)"
            )
        self.optimizer.step()
        self.average.update_parameters(self.network)
        means = {name: value.detach().sum() / len(batch.mask) for name, value in losses.items()}
        if self.world > 1:
            means = self.fabric.all_reduce(means, reduce_op="sum")
        return {name: float(value) for name, value in means.items()}, len(batch.mask)

    def _losses(
        self, clean: MoleculeBatch, noisy: MoleculeBatch, sigma: Tensor, self_condition: bool, mine: slice
    ) -> dict[str, Tensor]:
        dtype, device = next(self.network.parameters()).dtype, self.fabric.device
        parts = [batch.map(lambda tensor: tensor[mine]).to(device, dtype) for batch in (clean, noisy)]
        return self.module(*(_tensors(part) for part in parts), sigma[mine].to(device, dtype), self_condition)

    def _evaluated(self, done: bool) -> dict[str, float]:
        options, step, extra = self.options, self.progress.step, {}
        if (done or step % options.validate_every < self.log.every) and len(self.data.valid):
            extra["valid_loss"] = self._validation_loss()
        if self.rank == 0 and options.sample_every and (done or step % options.sample_every < self.log.every):
            extra |= self.sampled(cast(DenoisingNetwork, self.average.module))
        return extra

    @torch.no_grad()
    def _validation_loss(self) -> float:
        loader, generator = self.data.valid, Generator().manual_seed(hash_seed(self.options.seed, 2))
        chosen = torch.arange(len(loader))[:: max(1, len(loader) // VALIDATION_MOLECULES)]
        chosen = chosen[loader.sizes[chosen].argsort(stable=True)]
        dtype, device, total = next(self.network.parameters()).dtype, self.fabric.device, 0.0
        for indices in chosen.split(self.options.batch_size):
            clean = loader.gather(indices)
            sigma = self.noise.draw(len(indices), generator)
            noisy = self.process.corrupt(clean, sigma, generator).to(device, dtype)
            level = sigma.to(device, dtype)
            losses = self.process.loss(self.average(noisy, level, None), clean.to(device, dtype), level)
            total += float(self.process.total(losses)) * len(indices)
        return total / len(chosen)

    def _learning_rate(self) -> float:
        """Linear warm-up, then a cosine to zero."""
        options = self.options
        warm = min(1.0, (self.progress.step + 1) / max(1, options.warmup_steps))
        return options.learning_rate * warm * (1 + math.cos(math.pi * self._fraction)) / 2

    def _agreed(self, fraction: float) -> float:
        """The fraction of the first process: clocks differ, and all must stop at the same step, as after SIGTERM."""
        self._fraction, self._stop = fraction, self._signalled
        if self.world > 1:
            mine = torch.tensor([fraction if self.rank == 0 else 0.0, float(self._signalled)], dtype=torch.float64)
            fraction, signalled = self.fabric.all_reduce(mine.to(self.fabric.device), reduce_op="sum").tolist()
            self._fraction, self._stop = fraction, signalled > 0
        return self._fraction

    def _lerp(self, averages: Any, currents: Any, count: Any) -> None:
        # a shorter memory at the beginning, so that the first random weights do not stay in the average
        decay = min(self.options.ema, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averages, currents, 1 - decay)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True

    def _save(self) -> None:
        if self.rank == 0:
            content = {
                "options": self._identity(),
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "log": self.log.pending(),
                "progress": {field.name: getattr(self.progress, field.name) for field in fields(Progress)},
            }
            save_state(self.state / "state.pt", content)
        self.fabric.barrier()

    def _resume(self) -> None:
        path = self.state / "state.pt"
        if not path.exists():
            self.log.restart(0)
            return
        content = load_state(path)
        if content["options"] != self._identity():
            raise UserError(f"{path}: saved by a training with other options; give another --state, or --overwrite")
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.progress = Progress(**content["progress"])
        self.log.restart(self.progress.step, content["log"])

    def _identity(self) -> dict[str, Any]:
        """The options that decide what is learned: how often to save or how many processes to use is not among them."""
        free = {
            "devices",
            "nodes",
            "threads",
            "accelerator",
            "validate_every",
            "checkpoint_every",
            "sample_every",
            "sample_count",
        }
        return self.options.model_dump(exclude=free)


def _tensors(batch: MoleculeBatch) -> tuple[Tensor, ...]:
    return tuple(getattr(batch, field.name) for field in fields(batch))


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
