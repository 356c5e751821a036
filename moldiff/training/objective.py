"""What training lowers: losses of a network on noised molecules."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from moldiff.diffusion.process import Process
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.levels import Given
from moldiff.molecules.space import MOLECULES, Space

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
        space: what is noised; by default molecules themselves.
    """

    def __init__(
        self,
        network: nn.Module,
        process: Process,
        noise: NoiseDistribution,
        self_conditioning: float = 0.0,
        pattern: Pattern | None = None,
        space: Space = MOLECULES,
    ) -> None:
        super().__init__()
        self.network, self.process, self.noise = network, process, noise
        self.self_conditioning, self.pattern, self.space = self_conditioning, pattern, space

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each modality's loss."""
        return self.process.weights

    def forward(self, clean: Fields, random: Generator, part: slice) -> dict[str, Tensor]:
        """The loss of each modality and molecule of the part, on the free places; see `Objective`."""
        batch = MoleculeBatch(*clean)
        sigma = self.noise.draw(len(batch), random)
        noised = Noised.of(batch, self.process, sigma, self.pattern, random, self.space)
        self_condition = bool(torch.rand((), generator=random) < self.self_conditioning)
        noised = noised.part(part, next(self.network.parameters()))
        return noised.losses(self.network, self.process, twice=self_condition)


@dataclass(frozen=True)
class Noised:
    """Molecules, or their latents, as a network sees them.

    Attributes:
        clean: what they are.
        noisy: what is shown of them.
        levels: noise level of each place.
    """

    clean: Any
    noisy: Any
    levels: Any

    @classmethod
    def of(
        cls,
        batch: MoleculeBatch,
        process: Process,
        sigma: Float[Tensor, " molecule"],
        pattern: Pattern | None,
        random: Generator,
        space: Space = MOLECULES,
    ) -> "Noised":
        """Clean molecules at these noise levels, Å; of what the pattern gives nothing is noised."""
        molecules, given = patterned(batch, pattern, random)
        clean = space.enter(molecules)
        levels = space.levels(sigma, clean, given)
        return cls(clean, process.corrupt(clean, levels, random), levels)

    def part(self, part: slice, like: Tensor) -> "Noised":
        """Some of the molecules, where a tensor is and in its precision."""
        clean, noisy = (
            each.map(lambda tensor: tensor[part]).to(like.device, like.dtype) for each in (self.clean, self.noisy)
        )
        return Noised(clean, noisy, self.levels.map(lambda tensor: tensor[part]).to(like.device, like.dtype))

    def losses(self, network: Callable[..., Any], process: Process, *, twice: bool) -> dict[str, Tensor]:
        """The loss of each modality and molecule; ``twice``: the network also sees its own first prediction."""
        return process.loss(predicted(network, self.noisy, self.levels, twice=twice), self.clean, self.levels)


def patterned(batch: MoleculeBatch, pattern: Pattern | None, random: Generator) -> tuple[MoleculeBatch, Given | None]:
    """The molecules to learn in this step, in the frame of what is given of them; without a pattern nothing is."""
    if pattern is None:
        return batch, None
    batch, given = pattern(batch, random)
    return given.framed(batch), given


def predicted(denoiser: Callable[..., Any], noisy: Any, levels: Any, *, twice: bool) -> Any:
    """What the clean states are predicted to be; ``twice``: with the network's own first prediction before it."""
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
