"""Diffusion of positions: x = x₀ + σ ε with the centre of ε removed (Karras et al. 2022, arXiv:2206.00364)."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from moldiff.diffusion.gaussian import even_loss, stepped
from moldiff.diffusion.modality import Move
from moldiff.molecules.batch import centred
from moldiff.molecules.levels import frame_of

Positions = Float[Tensor, "molecule atom 3"]
Atoms = Bool[Tensor, "molecule atom"]
Level = Float[Tensor, "molecule atom"]


@dataclass(frozen=True)
class PositionDiffusion:
    """The modality of positions (`moldiff.diffusion.modality.Modality`).

    Positions are relative to the frame: the mean of the given atoms, where there are some, else of all atoms. Noise is
    centred on the frame, and given atoms have none; so it is centred only where no atom is given.

    Attributes:
        sigma_data: standard deviation of the data's centred coordinates, Å.
        weight: of the loss.
    """

    sigma_data: float
    weight: float = 1.0

    def prior(self, places: Atoms, level: Level, random: Generator) -> Positions:
        """Positions of which nothing is left: normal, with the variance that `corrupt` gives, σ² + σ_d²."""
        spread = (level**2 + self.sigma_data**2).sqrt() * (level > 0)
        return noise(spread, places, _frame(places, level), random)

    def corrupt(self, clean: Positions, places: Atoms, level: Level, random: Generator) -> Positions:
        """x₀ + σ ε."""
        return clean + noise(level, places, _frame(places, level), random)

    def renoise(self, noisy: Positions, places: Atoms, level: Level, higher: Level, random: Generator) -> Positions:
        """From σ to a higher level: x + √(higher² − σ²) ε."""
        extra = (higher**2 - level**2).clamp_min(0).sqrt()
        return noisy + noise(extra, places, _frame(places, level), random)

    def loss(self, predicted: Positions, clean: Positions, places: Atoms, level: Level) -> Float[Tensor, " molecule"]:
        """Squared error over c_out², mean over components, so that every σ weighs alike (Karras et al., table 1).

        A mean over the free atoms; 0 for a molecule without one.
        """
        return even_loss(predicted, clean, places & (level > 0), level, self.sigma_data)

    def step(self, noisy: Positions, predicted: Positions, places: Atoms, move: Move, random: Generator) -> Positions:
        """From σ to a lower level, given the predicted clean positions; see `moldiff.diffusion.gaussian.stepped`."""
        result, injected = stepped(noisy, predicted, move)
        if move.eta == 0:
            return result
        return result + noise(injected, places, _frame(places, move.level), random)

    def prior_divergence(self, clean: Positions, places: Atoms, level: Level) -> Float[Tensor, " molecule"]:
        """KL(N(x₀, σ²) ‖ N(0, σ² + σ_d²)) in nats, over the directions that are free; see `moldiff.diffusion.bound`."""
        free = places & (level > 0)
        sigma = level.amax(1)
        kept, spread = sigma**2, sigma**2 + self.sigma_data**2
        shape = ((spread / kept).log() + kept / spread - 1) * _directions(places, free) / 2
        offset = (clean**2).sum(2).masked_fill(~free, 0).sum(1) / (2 * spread)
        return torch.where(free.any(1), shape + offset, 0)

    def step_divergence(
        self, noisy: Positions, predicted: Positions, clean: Positions, places: Atoms, move: Move
    ) -> Float[Tensor, " molecule"]:
        """½ (1/σ_s² − 1/σ_t²) ‖x₀ − x̂₀‖² in nats (Kingma et al. 2021, arXiv:2107.00630, eq. 13)."""
        free = places & (move.level > 0)
        factor = (1 / move.lower**2 - 1 / move.level**2) / 2
        return (((clean - predicted) ** 2).sum(2) * factor).masked_fill(~free, 0).sum(1)

    def remainder(
        self, predicted: Positions, clean: Positions, places: Atoms, level: Level
    ) -> Float[Tensor, " molecule"]:
        """−log N(x₀; x_σ, σ²) in nats, its mean over x_σ; positions are in Å, so are the units of the density."""
        free = places & (level > 0)
        each = (1 + math.log(2 * math.pi) + 2 * level.amax(1).log()) / 2
        return torch.where(free.any(1), each * _directions(places, free), 0)


def _directions(places: Atoms, free: Atoms) -> Int[Tensor, " molecule"]:
    """Directions in which free atoms can move: three each, less three where none is given, as the centre is fixed."""
    return 3 * (free.sum(1) - (free == places).all(1).long())


def noise(spread: Level, places: Atoms, frame: Atoms, random: Generator) -> Positions:
    """Normal positions of this standard deviation, Å, mean zero over each frame; drawn on the generator's device."""
    normal = torch.randn((*places.shape, 3), generator=random, dtype=spread.dtype, device=random.device)
    return centred(normal.to(spread.device) * spread[:, :, None], frame, places)


def _frame(places: Atoms, level: Level) -> Atoms:
    return frame_of(places & (level == 0), places)
