"""Options of the commands that place atoms of known molecules."""

from typing import Literal

from pydantic import Field

from moldiff.config.options import Options


class HydrogensOptions(Options):
    """Placement of hydrogens on heavy atoms, which keep their positions."""

    seed: int = Field(0, ge=0)
    """Seed; the same seed, options, weights and device give the same positions."""
    steps: int = Field(50, ge=1, le=10000)
    """Network evaluations of each attempt."""
    attempts: int = Field(3, ge=0, le=100)
    """How often a conformer with another stereochemistry is made again."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of matrix products."""
    batch_pairs: int = Field(50_000, ge=100, le=100_000_000)
    """Largest number of atom pairs in a batch; it bounds memory."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute."""
    threads: int = Field(0, ge=0, le=1024)
    """Threads; 0 uses all available cores."""


class ConformersOptions(Options):
    """Conformers of known graphs."""

    n: int = Field(10, ge=1, le=10000)
    """Number of conformers of each molecule."""
    seed: int = Field(0, ge=0)
    """Seed; the same seed, options, weights and device give the same positions."""
    steps: int = Field(50, ge=1, le=10000)
    """Network evaluations of each attempt."""
    attempts: int = Field(3, ge=0, le=100)
    """How often a conformer with another stereochemistry is made again."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of matrix products."""
    batch_pairs: int = Field(50_000, ge=100, le=100_000_000)
    """Largest number of atom pairs in a batch; it bounds memory."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute."""
    threads: int = Field(0, ge=0, le=1024)
    """Threads; 0 uses all available cores."""
