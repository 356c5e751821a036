"""What training lowers: losses of a network on noised molecules."""

from collections.abc import Callable
from dataclasses import fields
from typing import Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from moldiff.diffusion.process import Process
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.denoiser import Denoiser
from moldiff.molecules.levels import Given, Levels

Pattern = Callable[[MoleculeBatch, Generator], tuple[MoleculeBatch, Given]]
"""(clean molecules, random numbers) → the molecules to learn in this step, and what is given of them."""
Fields = tuple[Tensor, ...]
"""The fields of a batch in their order: plain tensors, as Fabric and DDP pass them."""


@runtime_checkable
class Objective(Protocol):
    """What the loop asks of an objective, which is a `torch.nn.Module` that holds what is to be learned."""

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each loss."""

    def __call__(self, clean: Fields, random: Generator, part: slice) -> dict[str, Tensor]:
        """Named losses of each molecule of a part of the batch; all of the batch is noised, whatever the part.

        Args:
            clean: the fields of the whole batch, on the CPU.
            random: of all random numbers of the step, on the CPU.
            part: the molecules whose losses are wanted.
        """


class DenoisingObjective(nn.Module):
    """The error of the predicted clean molecules (see `moldiff.diffusion.process.Process.loss`); an `Objective`.

    Args:
        network: the denoiser, a module.
        process: the diffusion process.
        noise: distribution of noise levels.
        self_conditioning: share of calls in which the network also sees its own first prediction.
        pattern: says what is given; by default nothing.
    """

    def __init__(
        self,
        network: nn.Module,
        process: Process,
        noise: NoiseDistribution,
        self_conditioning: float = 0.0,
        pattern: Pattern | None = None,
    ) -> None:
        super().__init__()
        self.network, self.process, self.noise = network, process, noise
        self.self_conditioning, self.pattern = self_conditioning, pattern

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each modality's loss."""
        return self.process.weights

    def forward(self, clean: Fields, random: Generator, part: slice) -> dict[str, Tensor]:
        """The loss of each modality and molecule of the part, on the free places; see `Objective`."""
        batch = MoleculeBatch(*clean)
        sigma = self.noise.draw(len(batch), random)
        batch, given = patterned(batch, self.pattern, random)
        levels = Levels.of(sigma, batch, given)
        noisy = self.process.corrupt(batch, levels, random)
        self_condition = bool(torch.rand((), generator=random) < self.self_conditioning)
        like = next(self.network.parameters())
        batch, noisy = (each.map(lambda tensor: tensor[part]).to(like.device, like.dtype) for each in (batch, noisy))
        levels = levels.map(lambda tensor: tensor[part]).to(like.device, like.dtype)
        return self.process.loss(predicted(self.network, noisy, levels, twice=self_condition), batch, levels)


def patterned(batch: MoleculeBatch, pattern: Pattern | None, random: Generator) -> tuple[MoleculeBatch, Given | None]:
    """The molecules to learn in this step, in the frame of what is given of them; without a pattern nothing is."""
    if pattern is None:
        return batch, None
    batch, given = pattern(batch, random)
    return given.framed(batch), given


def predicted(denoiser: Denoiser, noisy: MoleculeBatch, levels: Levels, *, twice: bool) -> Prediction:
    """What the molecules are predicted to be; ``twice``: with the network's own first prediction before it."""
    previous = None
    if twice:
        with torch.no_grad():
            previous = denoiser(noisy, levels, None).detach()
        # older torch keeps autocast's casts of this pass, which have no gradient, and reuses them in the next one
        torch.clear_autocast_cache()
    return denoiser(noisy, levels, previous)


def tensors(batch: MoleculeBatch) -> Fields:
    """The fields of a batch in their order."""
    return tuple(getattr(batch, field.name) for field in fields(batch))


def weighted(weights: dict[str, float], losses: dict[str, Tensor]) -> Tensor:
    """The sum of the losses, each multiplied by its weight: what training lowers."""
    return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum(0)
