"""Options of likelihood."""

from typing import Literal, Self

from pydantic import Field, model_validator

from moldiff.config.options import Options


class LikelihoodOptions(Options):
    """How likely weights take molecules to be: a variational bound, in nats."""

    levels: Literal[1, 2, 4, 8, 16, 32, 64, 128, 256] = 16
    """Noise levels at which a molecule is looked at in one estimate; each costs an evaluation or two."""
    repeats: int = Field(2, ge=2, le=1000)
    """Independent estimates of each molecule, whose spread gives the standard error."""
    self_conditioning: bool = True
    """Show the network its own first prediction at each level, as in sampling: twice the cost, a tighter bound."""
    sigma_max: float = Field(5.0, gt=0, le=1000)
    """Largest noise level, Å."""
    sigma_min: float = Field(0.03, ge=1e-4)
    """Smallest noise level, Å."""
    quantile: float = Field(0.99, gt=0.5, lt=1)
    """Share of the known molecules below which a molecule is not called unusual."""
    seed: int = Field(0, ge=0)
    """Seed of the noise."""
    batch_pairs: int = Field(50_000, ge=100, le=100_000_000)
    """Most pairs of atoms in a batch, which bounds memory."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute."""
    threads: int = Field(0, ge=0, le=1024)
    """Threads; 0 takes two, or one where there is one core."""

    @model_validator(mode="after")
    def _sigmas(self) -> Self:
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min {self.sigma_min} is not below sigma_max {self.sigma_max}")
        return self

    @property
    def evaluations(self) -> int:
        """Network evaluations that a molecule costs."""
        return self.repeats * (self.levels + 1) * (2 if self.self_conditioning else 1)
