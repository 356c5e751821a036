"""Noise levels: their distribution in training, and their grids in sampling.

Any Gaussian schedule is a map from time to σ = noise/signal, so each is a few lines.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

Grid = Float[Tensor, " level"]


@dataclass(frozen=True)
class NoiseDistribution:
    """Log-normal distribution of σ in training, Å (Karras et al. 2022, arXiv:2206.00364, table 1)."""

    mean: float = -1.0
    std: float = 1.4

    def draw(self, molecules: int, random: Generator) -> Float[Tensor, " molecule"]:
        """σ of each molecule."""
        return (torch.randn(molecules, generator=random, device=random.device) * self.std + self.mean).exp()


def karras(steps: int, sigma_max: float, sigma_min: float, rho: float = 7.0) -> Grid:
    """[steps + 1] levels, Å, from sigma_max to sigma_min, then 0 (Karras et al. 2022, arXiv:2206.00364, eq. 5)."""
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    grid = (sigma_max ** (1 / rho) + ramp * (sigma_min ** (1 / rho) - sigma_max ** (1 / rho))) ** rho
    return _ended(grid)


def linear(steps: int, sigma_max: float, sigma_min: float) -> Grid:
    """[steps + 1] levels whose log(1 + σ²) is a quadratic of time: β linear in time (Ho et al. 2020, Song et al. 2021).

    With β(t) = β_min + t (β_max − β_min), signal² = exp(−∫β) and σ² = 1/signal² − 1; the ends fix β_min = 0.1, β_max.
    """
    high, low = math.log1p(sigma_max**2), math.log1p(sigma_min**2)
    beta_min = min(0.1, high)
    beta_max = 2 * high - beta_min
    # ∫₀ᵗ β = β_min t + (β_max − β_min) t²/2; start where it equals log(1 + σ_min²)
    start = 2 * low / (beta_min + math.sqrt(beta_min**2 + 2 * (beta_max - beta_min) * low))
    time = torch.linspace(1, start, steps, dtype=torch.float64)
    return _ended(torch.expm1(beta_min * time + (beta_max - beta_min) * time**2 / 2).sqrt())


def cosine(steps: int, sigma_max: float, sigma_min: float) -> Grid:
    """[steps + 1] levels σ = tan(angle) on even angles (Nichol and Dhariwal 2021: signal = cos, noise = sin)."""
    angle = torch.linspace(math.atan(sigma_max), math.atan(sigma_min), steps, dtype=torch.float64)
    return _ended(torch.tan(angle))


def _ended(grid: Float[Tensor, " step"]) -> Grid:
    return torch.cat([grid, torch.zeros(1, dtype=grid.dtype)])
