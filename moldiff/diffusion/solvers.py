"""Solvers: from the prior to clean states along a grid of noise levels. A step is a call of the denoiser or two."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from moldiff.diffusion.modality import Move
from moldiff.diffusion.process import Process, S, column

Denoise = Callable[[Any, Any, Any], Any]
"""(noisy state, its levels, previous prediction or None) → prediction; see `moldiff.molecules.denoiser.Denoiser`."""
LevelsAt = Callable[[float], Any]
"""The level of every place when the grid is at σ, Å."""


@runtime_checkable
class Solver(Protocol):
    """One step along the grid; what differs from step to step is in the move."""

    def __call__(
        self, process: Process, denoiser: Denoise, noisy: S, move: Move, previous: Any, random: Generator
    ) -> tuple[S, Any]:
        """The state at the lower levels, and the prediction that led there.

        Args:
            process: the noise.
            denoiser: the network, or any other answer to what the clean state is.
            noisy: the state at the levels of the move.
            move: levels of all modalities before and after, and the numbers of the step.
            previous: the prediction of the step before, None in the first.
            random: the generator of all random numbers.
        """


def euler(process: Process, denoiser: Denoise, noisy: S, move: Move, previous: Any, random: Generator) -> tuple[S, Any]:
    """Euler's step of the probability flow (Karras et al. 2022, algorithm 2, not corrected); see `Solver`.

    With ``move.eta`` it is DDIM's family (Song et al. 2021, arXiv:2010.02502): 0 is deterministic DDIM, which is
    Euler's step; 1 is ancestral sampling, DDPM.
    """
    predicted = denoiser(noisy, move.level, previous)
    return process.step(noisy, predicted, move, random), predicted


def heun(process: Process, denoiser: Denoise, noisy: S, move: Move, previous: Any, random: Generator) -> tuple[S, Any]:
    """Heun's second-order step (Karras et al. 2022, algorithm 2): two evaluations, one in the last step; see `Solver`.

    Fields of real numbers are corrected; classes step once, by the first prediction's posterior: a jump has no slope to
    average. ``move.eta`` has to be 0.
    """
    # the slope is taken at the level itself; only the step that follows from both slopes is lengthened
    predicted = denoiser(noisy, move.level, previous)
    stepped = process.step(noisy, predicted, move._replace(scale=1.0), random)
    if not any(bool((getattr(move.lower, name) > 0).any()) for name in process.modalities):
        return stepped, predicted
    again = denoiser(stepped, move.lower, predicted)
    smooth = {name: one for name, one in process.modalities.items() if getattr(noisy, name).is_floating_point()}
    means = {}
    for name in smooth:
        value, first, there, second = (getattr(one, name) for one in (noisy, predicted, stepped, again))
        level, lower = (column(getattr(levels, name), value) for levels in (move.level, move.lower))
        # the prediction to which a plain step would take the mean of both slopes
        mean = (first + value - level / lower * (there - second)) / 2
        means[name] = torch.where(lower > 0, mean, first)
    corrected = Process(smooth).step(noisy, SimpleNamespace(**means), move, random)
    return stepped.replace(**{name: getattr(corrected, name) for name in smooth}), again


@dataclass(frozen=True)
class Numbers:
    """The numbers of the steps; injected noise and longer steps hold between two levels only.

    Attributes:
        churn: relative rise of σ by fresh noise before a step (γ of Karras et al. 2022, algorithm 2).
        scale: length of a step, see `moldiff.diffusion.modality.Move`.
        low, high: σ, Å, between which noise is injected and steps are lengthened. Noise at large σ, where shape and
            composition are decided, adds up the denoiser's errors: aromatic rings get lost.
        eta: fresh noise within a step: 0 none, 1 as in DDPM.
        temperature: divides the logits of categories.
    """

    churn: float = 0.0
    scale: float = 1.0
    low: float = 0.03
    high: float = 0.5
    eta: float = 0.0
    temperature: float = 1.0

    def raised(self, sigma: float) -> float:
        """The level to which σ is raised before a step."""
        return sigma * (1 + self.churn) if self.low <= sigma <= self.high else sigma

    def length(self, sigma: float) -> float:
        """The scale of the step from σ, before it is raised."""
        return self.scale if self.low <= sigma <= self.high else 1.0


def generate(
    process: Process,
    denoiser: Denoise,
    solver: Solver,
    grid: Float[Tensor, " level"],
    state: S,
    random: Generator,
    levels: LevelsAt,
    numbers: Numbers | None = None,
    *,
    from_clean: bool = False,
) -> Iterator[S]:
    """The states after each step of the grid; the last one is the result.

    Args:
        process: the noise.
        denoiser: the network, or any other answer to what the clean state is.
        solver: `euler` or `heun`.
        grid: descending noise levels, Å, that end in 0.
        state: how many places there are, and the values of those that are given.
        random: of all random numbers.
        levels: the level of every place when the grid is at σ.
        numbers: of the steps.
        from_clean: begin with the state's values, raised to the first level of the grid, instead of the prior.
    """
    begin = process.corrupt if from_clean else process.prior
    state = begin(state, levels(float(grid[0])), random)
    for made, _ in follow(process, denoiser, solver, grid, state, random, levels, numbers or Numbers()):
        yield made


def follow(
    process: Process,
    denoiser: Denoise,
    solver: Solver,
    grid: Float[Tensor, " level"],
    state: S,
    random: Generator,
    levels: LevelsAt,
    numbers: Numbers,
    previous: Any = None,
) -> Iterator[tuple[S, Any]]:
    """From a state at the first level of the grid, the states after each step and the predictions that led there.

    Args: see `generate`; the state is noisy already, and ``previous`` the prediction that the first step sees.
    """
    for sigma, lower in pairwise(grid.tolist()):
        level, raised = levels(sigma), numbers.raised(sigma)
        if raised > sigma:
            higher = levels(raised)
            state, level = process.renoise(state, level, higher, random), higher
        move = Move(level, levels(lower), numbers.eta, numbers.temperature, numbers.length(sigma))
        state, previous = solver(process, denoiser, state, move, previous, random)
        yield state, previous
