"""What real numbers share whose noise is normal, x = x₀ + σ ε: positions and latents."""

import torch
from jaxtyping import Float
from torch import Tensor

from moldiff.diffusion.modality import Level, Move, Places

Numbers = Float[Tensor, "molecule place component"]


def even_loss(
    predicted: Numbers, clean: Numbers, free: Places, level: Level, sigma_data: float
) -> Float[Tensor, " molecule"]:
    """Squared error over c_out², mean over components, so that every σ weighs alike (Karras et al. 2022, table 1).

    A mean over the free places; 0 for a molecule without one.
    """
    squared = ((level**2 + sigma_data**2) / (level * sigma_data) ** 2).masked_fill(~free, 0)
    error = ((predicted - clean) ** 2).mean(2) * squared
    return error.sum(1) / free.sum(1).clamp_min(1)


def stepped(noisy: Numbers, predicted: Numbers, move: Move) -> tuple[Numbers, Level]:
    """From σ to a lower level, given the predicted clean values, and the spread τ of the noise that is still to come.

    x_s = x̂₀ + √(σ_s² − τ²)/σ (x − x̂₀) + τ ε with τ = η σ_s √(1 − σ_s²/σ²). η = 0 is DDIM (Song et al. 2021,
    arXiv:2010.02502, eq. 12), which in these coordinates is Euler's step of the probability flow; η = 1 is the
    ancestral sampler of DDPM (Ho et al. 2020).

    ``move.scale`` lengthens the way towards x̂₀ (the step scale of Abramson et al. 2024, algorithm 18), at most to
    x̂₀: above 1, less of the noise is left than the level says, which draws from the denser part of the
    distribution.
    """
    ratio = torch.where(move.level > 0, move.lower / move.level, 0)
    injected = move.eta * move.lower * (1 - ratio**2).clamp_min(0).sqrt()
    kept = torch.where(move.level > 0, (move.lower**2 - injected**2).clamp_min(0).sqrt() / move.level, 0)
    kept = (1 - move.scale * (1 - kept)).clamp_min(0)
    return predicted + kept[:, :, None] * (noisy - predicted), injected
