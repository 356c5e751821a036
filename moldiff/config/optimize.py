"""Options of optimize."""

from typing import Literal

from pydantic import Field

from moldiff.config.options import Options


class OptimizeOptions(Options):
    """Metropolis moves on finished molecules that increase any score, without training."""

    score: str = "qed"
    """The score to increase: an expression over descriptors (qed, sa, logp, tpsa, mw, rings, ...), `shape` with a
    reference, and own columns, such as 'logp - sa'."""
    rounds: int = Field(20, ge=1, le=100_000)
    """Number of moves of each molecule of the population."""
    population: int = Field(16, ge=1, le=10000)
    """Number of molecules that are moved in parallel; all are distinct."""
    temperature: float = Field(0.05, ge=1e-9, le=1e9)
    """Temperature of the acceptance min(1, exp(change of the score / temperature)), in units of the score."""
    noise: float = Field(1.2, gt=0, le=1000)
    """Noise level of a move, Å; a higher one changes more."""
    parts: float = Field(0.5, ge=0, le=1)
    """Fraction of moves that change a connected part of 20 to 60 % and keep the rest."""
    reference: str | None = None
    """SDF file of the molecule that the column `shape` compares with (RDKit's Gaussian overlay, Tanimoto)."""
    seed: int = Field(0, ge=0)
    """Seed; the same seed, options, weights and device give the same molecules."""
    steps: int = Field(50, ge=1, le=10000)
    """Number of steps of the full grid of noise levels; a move uses those below its level."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of matrix products."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute."""
    threads: int = Field(0, ge=0, le=1024)
    """Threads; 0 uses all available cores."""
