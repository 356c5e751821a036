"""Diffusion of positions: x = x₀ + σ ε with the centre of ε removed (Karras et al. 2022, arXiv:2206.00364)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from moldiff.molecules.batch import centred

Positions = Float[Tensor, "molecule atom 3"]
Mask = Bool[Tensor, "molecule atom"]
Sigma = Float[Tensor, " molecule"]


@dataclass(frozen=True)
class PositionDiffusion:
    """The four verbs of the positions: prior, corrupt, loss, step.

    Attributes:
        sigma_data: standard deviation of the data's centred coordinates, Å.
    """

    sigma_data: float

    def prior(self, mask: Mask, sigma: Sigma, generator: Generator) -> Positions:
        """Positions of which nothing is left: normal, with the variance that `corrupt` gives, σ² + σ_d²."""
        return _column((sigma**2 + self.sigma_data**2).sqrt()) * noise(mask, sigma, generator)

    def corrupt(self, clean: Positions, mask: Mask, sigma: Sigma, generator: Generator) -> Positions:
        """x₀ + σ ε."""
        return clean + _column(sigma) * noise(mask, sigma, generator)

    def loss(self, predicted: Positions, clean: Positions, mask: Mask, sigma: Sigma) -> Float[Tensor, " molecule"]:
        """Squared error over c_out², mean over components, so that every σ weighs alike (Karras et al., table 1)."""
        c_out = sigma * self.sigma_data / (sigma**2 + self.sigma_data**2).sqrt()
        error = ((predicted - clean) ** 2).mean(2) * mask
        return error.sum(1) / mask.sum(1) / c_out**2

    def step(
        self,
        noisy: Positions,
        predicted: Positions,
        mask: Mask,
        sigma: Sigma,
        lower: Sigma,
        eta: float,
        generator: Generator,
        scale: float = 1.0,
    ) -> Positions:
        """From σ to a lower level, given the predicted clean positions.

        x_s = x̂₀ + √(σ_s² − τ²)/σ (x − x̂₀) + τ ε with τ = η σ_s √(1 − σ_s²/σ²). η = 0 is DDIM (Song et al. 2021,
        arXiv:2010.02502, eq. 12), which in these coordinates is Euler's step of the probability flow; η = 1 is the
        ancestral sampler of DDPM (Ho et al. 2020).

        ``scale`` lengthens the way towards x̂₀ (the step scale of Abramson et al. 2024, algorithm 18), at most to x̂₀:
        above 1, less of the noise is left than the level says, which draws from the denser part of the distribution.
        """
        injected = eta * lower * (1 - (lower / sigma) ** 2).clamp_min(0).sqrt()
        kept = (lower**2 - injected**2).clamp_min(0).sqrt() / sigma
        kept = (1 - scale * (1 - kept)).clamp_min(0)
        result = predicted + _column(kept) * (noisy - predicted)
        return result if eta == 0 else result + _column(injected) * noise(mask, sigma, generator)


def noise(mask: Mask, like: Tensor, generator: Generator) -> Positions:
    """Normal positions, mean zero over each molecule's real atoms; drawn on the generator's device."""
    shape = (*mask.shape, 3)
    drawn = torch.randn(shape, generator=generator, dtype=like.dtype, device=generator.device)
    return centred(drawn.to(like.device), mask)


def _column(sigma: Sigma) -> Float[Tensor, "molecule 1 1"]:
    return sigma[:, None, None]
