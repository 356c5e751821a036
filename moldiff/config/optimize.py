"""Options of optimize."""

from typing import Literal

from pydantic import Field

from moldiff.config.options import Options


class OptimizeOptions(Options):
    """Metropolis moves on finished molecules that raise any score, without training."""

    score: str = "qed"
    """What is to be high: an expression over descriptors (qed, sa, logp, tpsa, mw, rings, ...), `shape` with a
    reference, and own columns, such as 'logp - sa'."""
    rounds: int = Field(20, ge=1, le=100_000)
    """Moves of each molecule of the population."""
    population: int = Field(16, ge=1, le=10000)
    """Molecules that are moved side by side; no two of them are the same."""
    temperature: float = Field(0.05, ge=1e-9, le=1e9)
    """Of the acceptance min(1, exp(change of the score / temperature)), in units of the score."""
    noise: float = Field(1.2, gt=0, le=1000)
    """Noise level to which a molecule is raised by a move, Å; a higher one changes more."""
    parts: float = Field(0.5, ge=0, le=1)
    """Share of moves that change a connected part of 20 to 60 % and keep the rest as it is."""
    reference: str | None = None
    """SDF file of the molecule that the column `shape` is the overlay with (RDKit's Gaussian overlay, Tanimoto)."""
    seed: int = Field(0, ge=0)
    """Seed; the same seed, options, weights and device give the same molecules."""
    steps: int = Field(50, ge=1, le=10000)
    """Steps of the whole grid of noise levels; a move takes those below its level."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of matrix products."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute."""
    threads: int = Field(0, ge=0, le=1024)
    """Threads; 0 takes the processor cores at hand."""
