"""Diffusion of the invariant numbers of a latent space: z = z₀ + σ ε (Karras et al. 2022, arXiv:2206.00364)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from moldiff.diffusion.gaussian import even_loss, stepped
from moldiff.diffusion.modality import Level, Move, Places

Features = Float[Tensor, "molecule place channel"]


@dataclass(frozen=True)
class LatentDiffusion:
    """The modality of the invariant numbers of a node (`moldiff.diffusion.modality.Modality`).

    They have no unit of their own; one that is spread by 1 counts as spread by 1 Å, so that one σ noises both.

    Attributes:
        channels: numbers of a node.
        sigma_data: their root mean square.
        weight: of the loss.
    """

    channels: int
    sigma_data: float = 1.0
    weight: float = 1.0

    def prior(self, places: Places, level: Level, random: Generator) -> Features:
        """Numbers of which nothing is left: normal, with the variance that `corrupt` gives, σ² + σ_d²."""
        return self._noise((level**2 + self.sigma_data**2).sqrt() * (level > 0), places, random)

    def corrupt(self, clean: Features, places: Places, level: Level, random: Generator) -> Features:
        """z₀ + σ ε."""
        return clean + self._noise(level, places, random)

    def renoise(self, noisy: Features, places: Places, level: Level, higher: Level, random: Generator) -> Features:
        """From σ to a higher level: z + √(higher² − σ²) ε."""
        return noisy + self._noise((higher**2 - level**2).clamp_min(0).sqrt(), places, random)

    def loss(self, predicted: Features, clean: Features, places: Places, level: Level) -> Float[Tensor, " molecule"]:
        """See `moldiff.diffusion.gaussian.even_loss`."""
        return even_loss(predicted, clean, places & (level > 0), level, self.sigma_data)

    def step(self, noisy: Features, predicted: Features, places: Places, move: Move, random: Generator) -> Features:
        """From σ to a lower level, given the predicted clean numbers; see `moldiff.diffusion.gaussian.stepped`."""
        result, injected = stepped(noisy, predicted, move)
        return result if move.eta == 0 else result + self._noise(injected, places, random)

    def _noise(self, spread: Level, places: Places, random: Generator) -> Features:
        shape = (*places.shape, self.channels)
        normal = torch.randn(shape, generator=random, dtype=spread.dtype, device=random.device).to(spread.device)
        return normal * (spread * places)[:, :, None]
