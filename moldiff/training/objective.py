"""What training lowers: losses of a network on noised molecules."""

from collections.abc import Callable
from dataclasses import dataclass
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


class Drawn:
    """What one step learns from, with all that is random in it; a plain class, since Fabric copies a dataclass.

    Attributes:
        molecules: how many the whole batch has.
        content: what the objective that drew it asks for, on the CPU.
    """

    def __init__(self, molecules: int, content: Any) -> None:
        self.molecules, self.content = molecules, content


@runtime_checkable
class Objective(Protocol):
    """What the loop asks of an objective, which is a `torch.nn.Module` that holds what is to be learned."""

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each loss."""

    def draw(self, clean: MoleculeBatch, random: Generator, part: slice) -> Drawn:
        """What is learned in a step: it asks no network, so other processes can do it ahead of time.

        All of the batch is noised, whatever the part.

        Args:
            clean: the whole batch, on the CPU.
            random: of all random numbers of the step, on the CPU.
            part: the molecules whose losses are wanted.
        """
        ...

    def __call__(self, drawn: Drawn) -> dict[str, Tensor]:
        """Named losses of each molecule of the part that was drawn."""
        ...


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

    def draw(self, clean: MoleculeBatch, random: Generator, part: slice) -> Drawn:
        """The noised molecules of the part, and whether the network sees its own prediction; see `Objective`."""
        sigma = self.noise.draw(len(clean), random)
        noised = Noised.of(clean, self.process, sigma, self.pattern, random, self.space)
        self_condition = bool(torch.rand((), generator=random) < self.self_conditioning)
        return Drawn(len(clean), (noised.part(part), self_condition))

    def forward(self, drawn: Drawn) -> dict[str, Tensor]:
        """The loss of each modality and molecule of the part, on the free places; see `Objective`."""
        noised, self_condition = drawn.content
        noised = noised.to(next(self.network.parameters()))
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

    def part(self, part: slice) -> "Noised":
        """Some of the molecules."""
        return Noised(*(each.map(lambda tensor: tensor[part]) for each in (self.clean, self.noisy, self.levels)))

    def to(self, like: Tensor) -> "Noised":
        """A copy where a tensor is and in its precision."""
        return Noised(*(each.to(like.device, like.dtype) for each in (self.clean, self.noisy, self.levels)))

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


def weighted(weights: dict[str, float], losses: dict[str, Tensor]) -> Tensor:
    """The sum of the losses, each multiplied by its weight: what training lowers."""
    return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum(0)
