"""Options of sample."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, field_validator, model_validator

from moldiff.config.options import Options
from moldiff.config.presets import PRESETS, Preset

LARGEST_SIZE = 1000
"""Atoms of a molecule, at most."""


RESTART_FROM = 1.2
"""Noise level of the restart of a molecule of which nothing is given, Å."""


class SampleOptions(Options):
    """Generation of molecules."""

    n: int = Field(500, ge=1, le=100_000_000)
    """Number of molecules to generate."""
    seed: int = Field(0, ge=0)
    """Seed; the same seed, options, weights, device and threads (1 and 2 are equivalent) give the same molecules."""
    preset: Preset = "default"
    """Settings that were measured together: fast takes 20 evaluations, best 100; options given beside it win."""
    steps: int = Field(50, ge=1, le=10000)
    """Number of sampling steps, of one network evaluation each (two with Heun)."""
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
    """Largest noise level, Å, at which noise is injected and steps are lengthened; above it the shape is decided."""
    step_scale: float = Field(1.75, ge=1, le=2)
    """Length of these steps for positions (euler, heun), in steps of the grid; above 1 fewer atoms are misplaced."""
    temperature: float = Field(1.0, ge=0.01, le=100)
    """Temperature of the predicted elements, charges and bonds in each step; below 1 favours likelier ones."""
    restarts: int = Field(3, ge=0, le=100)
    """How often a molecule that restart_if names is noised to restart_from and denoised again from there."""
    restart_if: Literal["invalid", "unknown_rings", "unreasonable"] = "invalid"
    """Which molecules are restarted: invalid: those that are not valid_strict; unknown_rings: also those with a ring
    system that no molecule of the training set has; unreasonable: also those with a flag of topology or groups."""
    rings_of: str | None = None
    """Set whose ring systems are known to restart_if: a dataset folder, a molecule file or the name of shipped weights.
    By default that of the shipped weights that sample; in a workflow that of its dataset."""
    restart_from: float | None = Field(None, gt=0, le=1000)
    """Noise level of a restart, Å. By default 1.2, which keeps the shape and lets elements and bonds be sampled again;
    around a kept part sigma_max, since most of what fails there is in pieces."""
    atoms: str | None = None
    """Atoms of each molecule: a number, or a range such as 20:30; by default the network decides, if it was trained
    with placeholders, else sizes are drawn from the training set's histogram. With redesign: the atoms to replace, such
    as 3,4,5-9."""
    any_size: bool = False
    """Allow molecules of more than twice the largest number of atoms that the weights know."""
    scaffold: str | None = None
    """SDF file of a part that all molecules keep with its pose; dummy atoms mark where it may grow."""
    scaffold_smiles: str | None = None
    """SMILES of such a part, like 'c1ccccc1[*:1]', for which poses are generated; [*] marks where it may grow."""
    poses: int = Field(8, ge=1, le=1000)
    """Number of poses generated for scaffold_smiles."""
    link: list[str] = Field([])
    """SDF files of two or more parts, their poses in one frame, to be joined into one molecule."""
    redesign: str | None = None
    """SDF file of a molecule of which the atoms named in `atoms` are replaced."""
    grow: str | None = None
    """SDF file of a molecule that is kept completely and grows at any atom that has a hydrogen."""
    new_atoms: str | None = None
    """Number of atoms to add to a kept part, or a range such as 5:10; by default sizes follow the training set."""
    target: list[str] = Field([])
    """Properties to ask for, such as logp=2.5 or tpsa=60:80, among those that the weights know."""
    guidance: float = Field(2.0, ge=0, le=20)
    """Strength of the targets: 1 as trained; above 1 closer, by less diverse molecules, at twice the cost."""
    guidance_low: float = Field(0.0, ge=0, le=1000)
    """Smallest noise level, Å, at which guidance goes beyond 1."""
    guidance_high: float = Field(1000.0, gt=0, le=1000)
    """Largest noise level, Å, at which guidance goes beyond 1."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of matrix products; bfloat16 is faster on GPUs and on processors that support it, slower on others."""
    batch_pairs: int = Field(50_000, ge=100, le=100_000_000)
    """Largest number of atom pairs in a batch; it bounds memory."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to sample."""
    threads: int = Field(0, ge=0, le=1024)
    """Threads; 0 takes two, or one on a single core. One and two give the same molecules; more are faster on
    large machines and change the last digits of coordinates."""
    shards: int = Field(1, ge=1, le=10000)
    """Number of parts that are sampled separately and merged; the molecules do not depend on it."""

    @model_validator(mode="wrap")
    @classmethod
    def _with_preset(cls, values: Any, made: ModelWrapValidatorHandler[Self]) -> Self:
        """What the preset sets counts as a default: it is not among the options that were given."""
        name = values.get("preset") if isinstance(values, Mapping) else None
        if not isinstance(name, str) or name not in PRESETS:
            return made(values)
        options = made({**PRESETS[name], **values})
        object.__setattr__(options, "__pydantic_fields_set__", set(values))
        return options

    @field_validator("atoms", "new_atoms", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("new_atoms")
    @classmethod
    def _new(cls, value: str | None) -> str | None:
        if value is not None:
            _range(value)
        return value

    @property
    def atom_range(self) -> tuple[int, int] | None:
        """Smallest and largest number of atoms of a molecule that is asked for; None where it is not."""
        return None if self.atoms is None or self.redesign is not None else _range(self.atoms)

    @property
    def new_range(self) -> tuple[int, int] | None:
        """Smallest and largest number of atoms to add to a kept part; None where it is not asked for."""
        return None if self.new_atoms is None else _range(self.new_atoms)

    @property
    def parts(self) -> list[str]:
        """Files of the kept part."""
        return [path for path in (self.scaffold, self.redesign, self.grow, *self.link) if path is not None]

    @property
    def restart_level(self) -> float:
        """``restart_from``, or what it is by default, Å."""
        if self.restart_from is not None:
            return self.restart_from
        return self.sigma_max if self.parts or self.scaffold_smiles else RESTART_FROM

    @model_validator(mode="after")
    def _one_task(self) -> Self:
        tasks = {name: getattr(self, name) for name in ("scaffold", "scaffold_smiles", "link", "redesign", "grow")}
        wanted = [name for name, value in tasks.items() if value]
        if len(wanted) > 1:
            raise ValueError(f"{' and '.join(wanted)} contradict each other; give one of them")
        if self.link and len(self.link) < 2:
            raise ValueError("link needs two files or more; to grow one part, give it as scaffold")
        if self.redesign is None:
            if self.atoms is not None:
                _range(self.atoms, "atoms: ")
        elif self.atoms is None:
            raise ValueError("redesign needs the atoms to replace; name them with atoms, such as 3,4,5-9")
        if self.new_atoms is not None and not wanted:
            raise ValueError("new_atoms are added to a kept part; give one, or ask for total sizes with atoms")
        if self.new_atoms is not None and self.atom_range is not None:
            raise ValueError("atoms and new_atoms contradict each other; give one of them")
        return self

    @model_validator(mode="after")
    def _sigmas(self) -> Self:
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min {self.sigma_min} is not below sigma_max {self.sigma_max}")
        if self.guidance_low > self.guidance_high:
            raise ValueError(f"guidance_low {self.guidance_low} is above guidance_high {self.guidance_high}")
        if self.restarts and self.restart_level < self.sigma_min:
            raise ValueError(f"restart_from {self.restart_level} is below sigma_min {self.sigma_min}")
        return self


def _range(text: str, name: str = "") -> tuple[int, int]:
    parts = text.split(":")
    if len(parts) > 2 or not all(part.strip().isdecimal() for part in parts):
        raise ValueError(f"{name}{text!r} is neither a number of atoms nor a range, such as 25 or 20:30")
    low, high = int(parts[0]), int(parts[-1])
    if not 1 <= low <= high <= LARGEST_SIZE:
        raise ValueError(
            f"{name}{text!r}: sizes go from 1 to {LARGEST_SIZE}, and a range must not end before it begins"
        )
    return low, high
