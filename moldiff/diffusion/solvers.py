"""Solvers: from the prior to molecules along a grid of noise levels. Each step is a call of the denoiser or two."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from moldiff.diffusion.process import Process
from moldiff.molecules.batch import Denoiser, MoleculeBatch, Prediction

Step = Callable[..., tuple[MoleculeBatch, Prediction]]


@dataclass(frozen=True)
class Churn:
    """Noise injected before a step (Karras et al. 2022, algorithm 2), and the length of the step that follows.

    Attributes:
        gamma: relative rise of σ in every step between ``low`` and ``high``.
        low, high: σ, Å, between which noise is injected and steps are lengthened. Noise at large σ, where shape and
            composition are decided, adds up the denoiser's errors: aromatic rings get lost.
        step_scale: length of these steps, see `PositionDiffusion.step`.
    """

    gamma: float = 0.0
    low: float = 0.03
    high: float = 0.5
    step_scale: float = 1.0

    def holds(self, sigma: float) -> bool:
        """Whether a step from σ is one of those that are changed."""
        return self.low <= sigma <= self.high

    def raised(self, sigma: float) -> float:
        """The level to which σ is raised."""
        return sigma * (1 + self.gamma) if self.holds(sigma) else sigma

    def length(self, sigma: float) -> float:
        """The scale of the step from σ, before it is raised."""
        return self.step_scale if self.holds(sigma) else 1.0


@dataclass(frozen=True)
class Euler:
    """Euler's step of the probability flow, after injected noise (Karras et al. 2022, algorithm 2, not corrected)."""

    process: Process
    churn: Churn = Churn()
    temperature: float = 1.0

    def __call__(
        self,
        denoiser: Denoiser,
        noisy: MoleculeBatch,
        sigma: Float[Tensor, " molecule"],
        lower: Float[Tensor, " molecule"],
        previous: Prediction | None,
        generator: Generator,
    ) -> tuple[MoleculeBatch, Prediction]:
        """The molecules at the level ``lower``, and the prediction that led there."""
        noisy, sigma, scale = _churned(self.process, self.churn, noisy, sigma, generator)
        predicted = denoiser(noisy, sigma, previous)
        stepped = self.process.step(
            noisy, predicted, sigma, lower, generator, temperature=self.temperature, step_scale=scale
        )
        return stepped, predicted


@dataclass(frozen=True)
class Heun:
    """Heun's second-order step for positions (Karras et al. 2022, algorithm 2): two evaluations, one in the last step.

    Categories step once, by the first prediction's posterior: a jump has no slope to average.
    """

    process: Process
    churn: Churn = Churn()
    temperature: float = 1.0

    def __call__(
        self,
        denoiser: Denoiser,
        noisy: MoleculeBatch,
        sigma: Float[Tensor, " molecule"],
        lower: Float[Tensor, " molecule"],
        previous: Prediction | None,
        generator: Generator,
    ) -> tuple[MoleculeBatch, Prediction]:
        """The molecules at the level ``lower``, and the prediction that led there."""
        noisy, sigma, scale = _churned(self.process, self.churn, noisy, sigma, generator)
        predicted = denoiser(noisy, sigma, previous)
        # the slope is taken at the level itself; only the step that follows from both slopes is lengthened
        stepped = self.process.step(noisy, predicted, sigma, lower, generator, temperature=self.temperature)
        if bool((lower == 0).all()):
            return stepped, predicted
        again = denoiser(stepped, lower, predicted)
        slope = (noisy.pos - predicted.pos) / sigma[:, None, None] / 2
        slope = slope + (stepped.pos - again.pos) / lower[:, None, None] / 2
        way = (scale * (sigma - lower)).clamp_max(sigma)
        return stepped.replace(pos=noisy.pos - way[:, None, None] * slope), again


@dataclass(frozen=True)
class Ancestral:
    """DDIM's family (Song et al. 2021, arXiv:2010.02502): eta = 0 is deterministic DDIM, eta = 1 ancestral DDPM."""

    process: Process
    eta: float = 1.0
    temperature: float = 1.0

    def __call__(
        self,
        denoiser: Denoiser,
        noisy: MoleculeBatch,
        sigma: Float[Tensor, " molecule"],
        lower: Float[Tensor, " molecule"],
        previous: Prediction | None,
        generator: Generator,
    ) -> tuple[MoleculeBatch, Prediction]:
        """The molecules at the level ``lower``, and the prediction that led there."""
        predicted = denoiser(noisy, sigma, previous)
        return self.process.step(noisy, predicted, sigma, lower, generator, self.eta, self.temperature), predicted


def generate(
    process: Process,
    denoiser: Denoiser,
    step: Step,
    grid: Float[Tensor, " level"],
    mask: Bool[Tensor, "molecule atom"],
    generator: Generator,
    dtype: torch.dtype = torch.float32,
    *,
    begin: MoleculeBatch | None = None,
) -> Iterator[MoleculeBatch]:
    """The molecules after each step of the grid; the last ones are the result.

    Args:
        process: the noise.
        denoiser: the network, or any other answer to what the clean molecule is.
        step: a solver of this module.
        grid: descending noise levels, Å, that end in 0.
        mask: sizes of the molecules to make.
        generator: of all random numbers.
        dtype: of positions and levels.
        begin: clean molecules to begin with, raised to the first level of the grid, instead of the prior.
    """
    levels = grid.to(dtype)
    sigmas = [level.expand(len(mask)).to(mask.device) for level in levels]
    batch = process.prior(mask, sigmas[0], generator) if begin is None else process.corrupt(begin, sigmas[0], generator)
    previous = None
    for sigma, lower in pairwise(sigmas):
        batch, previous = step(denoiser, batch, sigma, lower, previous, generator)
        yield batch


def _churned(
    process: Process, churn: Churn, noisy: MoleculeBatch, sigma: Float[Tensor, " molecule"], generator: Generator
) -> tuple[MoleculeBatch, Float[Tensor, " molecule"], float]:
    """The molecules and their level after injected noise, and the length of the step that follows."""
    level = float(sigma[0])
    higher, scale = churn.raised(level), churn.length(level)
    if higher == level:
        return noisy, sigma, scale
    raised = torch.full_like(sigma, higher)
    return process.raise_noise(noisy, sigma, raised, generator), raised, scale
