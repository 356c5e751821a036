"""Options of distillation: a student that needs few evaluations."""

from typing import Any, Self

from pydantic import Field, model_validator

from moldiff.config.options import Options


class DistillOptions(Options):
    """Distillation: the student makes in one jump what its teacher makes in several steps."""

    evaluations: int = Field(8, ge=1, le=1000)
    """Jumps of the student from noise to molecules; it is sampled with as many steps."""
    substeps: int = Field(3, ge=1, le=100)
    """Steps of the teacher within each jump."""
    sigma_max: float = Field(5.0, gt=0, le=1000)
    """Largest noise level of the student's grid, Å."""
    sigma_min: float = Field(0.03, ge=1e-4)
    """Smallest noise level before zero, Å."""
    rho: float = Field(7.0, ge=1, le=100)
    """Curvature of the student's grid (Karras)."""
    noise: float = Field(0.8, ge=0, le=1)
    """Noise that the teacher injects, as in sample."""
    noise_below: float = Field(0.5, gt=0, le=1000)
    """Largest noise level, Å, at which the teacher injects noise and its steps are lengthened."""
    step_scale: float = Field(1.75, ge=1, le=2)
    """How far these steps take the teacher's positions, in steps of its grid."""
    temperature: float = Field(1.0, ge=0.01, le=100)
    """Of the elements, charges and bonds that the teacher's steps draw from."""
    on_policy: float = Field(0.5, ge=0, le=1)
    """Fraction of steps in which the teacher goes on from what the student itself makes of pure noise, instead of from
    noised molecules of the dataset."""
    own_temperature: float = Field(0.7, ge=0.01, le=100)
    """Temperature of the elements, charges and bonds that the student draws, in training and when it is sampled; below
    1, since in few jumps an unlikely bond is not mended any more."""
    latents: int = Field(8, ge=0, le=4096)
    """Values of the student's random input, which lets the bonds of one molecule agree; 0 gives it none."""
    compared: int = Field(2, ge=1, le=64)
    """Values of the random input that are tried on each molecule of a step; the better ones learn more of it."""

    @property
    def sampling(self) -> dict[str, Any]:
        """Options of sample that take a student along the grid that it learned, in plain steps."""
        grid = {name: getattr(self, name) for name in ("sigma_max", "sigma_min", "rho")}
        plain = {"noise": 0.0, "step_scale": 1.0, "temperature": self.own_temperature}
        return {"steps": self.evaluations, **grid, **plain}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min {self.sigma_min} is not below sigma_max {self.sigma_max}")
        if self.latents and self.compared > self.latents:
            raise ValueError(f"compared {self.compared} is more than the {self.latents} latents")
        return self
