"""Options of sample."""

from typing import Literal, Self

from pydantic import Field, model_validator

from moldiff.config.options import Options


class SampleOptions(Options):
    """Generation of molecules."""

    n: int = Field(500, ge=1, le=100_000_000)
    """Molecules to generate."""
    seed: int = Field(0, ge=0)
    """Seed; the same seed, options, weights, device and threads (one and two alike) give the same molecules."""
    steps: int = Field(50, ge=1, le=10000)
    """Steps to each molecule, of one network evaluation each (Heun takes two a step)."""
    solver: Literal["euler", "heun", "ddpm", "ddim"] = "euler"
    """euler: Euler with injected noise, deterministic at noise 0; heun: second order; ddpm: ancestral; ddim."""
    schedule: Literal["karras", "linear", "cosine"] = "karras"
    """Grid of noise levels: Karras et al. 2022, linear in beta (Ho et al. 2020), cosine (Nichol and Dhariwal 2021)."""
    sigma_max: float = Field(5.0, gt=0, le=1000)
    """Largest noise level, Å."""
    sigma_min: float = Field(0.03, ge=1e-4)
    """Smallest noise level before zero, Å."""
    rho: float = Field(7.0, ge=1, le=100)
    """Curvature of the Karras grid."""
    noise: float = Field(0.8, ge=0, le=1)
    """Largest relative noise injected in a step of the solvers euler and heun (gamma of Karras et al.)."""
    noise_below: float = Field(0.5, gt=0, le=1000)
    """Largest noise level, Å, at which noise is injected and steps are lengthened; higher ones decide the shape."""
    step_scale: float = Field(1.75, ge=1, le=2)
    """How far these steps take positions (euler and heun), in steps of the grid; above 1 fewer atoms go astray."""
    temperature: float = Field(1.0, ge=0.01, le=100)
    """Of the predicted elements, charges and bonds that each step draws from; below 1 the likelier ones gain."""
    restarts: int = Field(3, ge=0, le=100)
    """Times that a molecule which is not valid_strict is taken back to restart_from and made anew from there."""
    restart_from: float = Field(1.2, gt=0, le=1000)
    """Noise level of a restart, Å: the shape remains, what is wrong in it is drawn again."""
    atoms: int | None = Field(None, ge=1, le=1000)
    """Atoms of each molecule; by default drawn from the training set's histogram."""
    any_size: bool = False
    """Make molecules of twice the largest number of atoms that the weights know, or more."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of matrix products; bfloat16 is faster on GPUs and on processors that compute in it, slower on others."""
    batch_pairs: int = Field(50_000, ge=100, le=100_000_000)
    """Most pairs of atoms in a batch, which bounds memory."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to sample."""
    threads: int = Field(0, ge=0, le=1024)
    """Threads; 0 takes two, or one where there is one core. One and two give the same molecules; more are faster on
    large machines and change the last digits of coordinates."""
    shards: int = Field(1, ge=1, le=10000)
    """Number of parts that are sampled apart and merged; the molecules do not depend on it."""

    @model_validator(mode="after")
    def _sigmas(self) -> Self:
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min {self.sigma_min} is not below sigma_max {self.sigma_max}")
        if self.restarts and self.restart_from < self.sigma_min:
            raise ValueError(f"restart_from {self.restart_from} is below sigma_min {self.sigma_min}")
        return self
