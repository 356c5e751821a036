"""How likely a model takes a clean state to be: a variational bound, in nats, apart for each modality.

The model is the ancestral chain over levels σ_T > ... > σ_0 > 0: from the prior at σ_T, by posteriors of the predicted
clean state down to σ_0, and from there to the clean state (Sohl-Dickstein et al. 2015; Kingma et al. 2021,
arXiv:2107.00630; for categories Austin et al. 2021, arXiv:2107.03006):

    −log p(x₀) ≤ KL(q(z_T|x₀) ‖ prior) + Σ_t E KL(q(z_s|z_t, x₀) ‖ q(z_s|z_t, x̂₀)) + E −log p(x₀|z_0)

The levels are even in log σ and close together; of the sum a few terms are drawn, one from each of as many equal parts
of the range.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from moldiff.diffusion.guidance import Denoise
from moldiff.diffusion.modality import Move
from moldiff.diffusion.process import Process, S

Places = Bool[Tensor, "molecule place"]
Level = Float[Tensor, "molecule place"]
Nats = Float[Tensor, " molecule"]


@runtime_checkable
class Bounded(Protocol):
    """A modality whose likelihood can be bounded; all sums are over the free places of a molecule, in nats."""

    def prior_divergence(self, clean: Tensor, places: Places, level: Level) -> Nats:
        """KL of the clean values at the largest level from the prior."""

    def step_divergence(self, noisy: Tensor, predicted: Tensor, clean: Tensor, places: Places, move: Move) -> Nats:
        """KL of a step with the clean values known from one with the predicted ones."""

    def remainder(self, predicted: Tensor, clean: Tensor, places: Places, level: Level) -> Nats:
        """−log p of the clean values, given those at the smallest level."""


@dataclass(frozen=True)
class BoundGrid:
    """The chain whose bound is taken, and how its sum is estimated.

    Attributes:
        sigma_max, sigma_min: largest and smallest level, Å.
        intervals: steps of the chain.
        drawn: terms that are drawn of the sum, a divisor of ``intervals``.
    """

    sigma_max: float
    sigma_min: float
    intervals: int = 4096
    drawn: int = 16

    def __post_init__(self) -> None:
        if self.intervals % self.drawn:
            raise ValueError(f"{self.drawn} drawn terms do not divide {self.intervals} intervals")

    def level(self, number: Int[Tensor, " molecule"]) -> Float[Tensor, " molecule"]:
        """σ_t, Å, of numbers t from 0 to ``intervals``."""
        return self.sigma_min * (self.sigma_max / self.sigma_min) ** (number.double() / self.intervals)

    def terms(self, molecules: int, random: Generator) -> Iterator[tuple[Nats, Nats]]:
        """(σ_t, σ_s) of the drawn terms of each molecule, one from each part of the range."""
        part = self.intervals // self.drawn
        for number in range(self.drawn):
            upper = number * part + 1 + torch.randint(part, (molecules,), generator=random)
            yield self.level(upper), self.level(upper - 1)


@torch.no_grad()
def bound(
    process: Process,
    denoiser: Denoise,
    clean: S,
    levels: Callable[[Float[Tensor, " molecule"]], Any],
    grid: BoundGrid,
    random: Generator,
    repeats: int,
) -> dict[str, Float[Tensor, "repeat molecule"]]:
    """Independent estimates of each modality's part of the bound, nats; their mean is without bias.

    Args:
        process: its modalities are `Bounded`.
        denoiser: the model; what it predicts may depend on the noisy state and its levels alone.
        clean: the states, each of which has terms of its own.
        levels: the level of every place for a σ of each state, Å.
        grid: of the chain.
        random: of all random numbers.
        repeats: estimates; each costs ``grid.drawn`` + 1 calls of the denoiser.
    """
    bounded: dict[str, Any] = dict(process.modalities)
    assert all(isinstance(one, Bounded) for one in bounded.values())

    def parts(verb: str, at: Any, *values: Any, **more: Any) -> dict[str, Nats]:
        result = {}
        for name, modality in bounded.items():
            arguments = [getattr(value, name) for value in (*values, clean)]
            place = {key: move._replace(level=getattr(move.level, name), lower=getattr(move.lower, name))
                     for key, move in more.items()} or {"level": getattr(at, name)}  # fmt: skip
            result[name] = getattr(modality, verb)(*arguments, clean.places(name), **place)
        return result

    states = len(next(iter(clean.places(name) for name in bounded)))
    numbers = torch.zeros(states, dtype=torch.long)
    lowest, highest = levels(grid.level(numbers)), levels(grid.level(numbers + grid.intervals))
    ends = parts("prior_divergence", highest)
    estimates: dict[str, list[Nats]] = {name: [] for name in bounded}
    for _ in range(repeats):
        noisy = process.corrupt(clean, lowest, random)
        last = parts("remainder", lowest, denoiser(noisy, lowest, None))
        total = {name: ends[name] + last[name] for name in bounded}
        for sigma, lower in grid.terms(states, random):
            level = levels(sigma)
            noisy = process.corrupt(clean, level, random)
            move = Move(level, levels(lower))
            step = parts("step_divergence", level, noisy, denoiser(noisy, level, None), move=move)
            total = {name: total[name] + step[name] * (grid.intervals // grid.drawn) for name in bounded}
        for name, value in total.items():
            estimates[name].append(value)
    return {name: torch.stack(values) for name, values in estimates.items()}


def standard_error(estimates: Float[Tensor, "repeat molecule"]) -> Float[Tensor, " molecule"]:
    """Of the mean over the repeats; not a number for a single one."""
    if len(estimates) < 2:
        return torch.full_like(estimates[0], math.nan)
    return estimates.std(0) / math.sqrt(len(estimates))
