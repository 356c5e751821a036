"""Preconditioning of positions and latents (Karras et al. 2022, arXiv:2206.00364, table 1), by each atom's level."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

Numbers = Float[Tensor, "molecule atom component"]
Level = Float[Tensor, "molecule atom"]


@dataclass(frozen=True)
class Preconditioning:
    """x̂₀ = c_skip x + c_out F(c_in x), where F is how far a body moves the atoms.

    Numbers enter as σ_d c_in x, so that distances are true Å once the noise is small, and between given atoms always.

    Attributes:
        sigma_data: σ_d, standard deviation of the data's centred coordinates, Å.
    """

    sigma_data: float

    def enter(self, pos: Numbers, level: Level) -> Numbers:
        """σ_d c_in x with c_in = 1/√(σ² + σ_d²)."""
        return pos * (self.sigma_data * self._variance(level).rsqrt())

    def leave(self, pos: Numbers, move: Numbers, level: Level) -> Numbers:
        """c_skip x + c_out F with c_skip = σ_d²/(σ² + σ_d²) and c_out = σ σ_d/√(σ² + σ_d²); x itself at level 0."""
        variance = self._variance(level)
        c_skip = self.sigma_data**2 / variance
        c_out = level[:, :, None] * self.sigma_data * variance.rsqrt()
        return c_skip * pos + c_out * move

    def _variance(self, level: Level) -> Float[Tensor, "molecule atom 1"]:
        return level[:, :, None] ** 2 + self.sigma_data**2
