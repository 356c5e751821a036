"""Options of generate."""

from typing import Literal

from pydantic import Field

from moldiff.config.options import Options


class GenerateOptions(Options):
    """Molecules that meet conditions, sampled in rounds until there are enough."""

    n: int = Field(100, ge=1)
    """Number of molecules wanted that meet all conditions."""
    budget: float = Field(5.0, ge=1)
    """Largest number of molecules to generate, in multiples of n."""
    unique: bool = True
    """Refuse repeated molecules."""
    novel: bool = False
    """Refuse molecules of the training set: that of the shipped weights, or the one given."""
    hydrogens: Literal["as made", "add"] = "as made"
    """add: place the hydrogens that the model leaves out and relax them by MMFF94s with the other atoms fixed."""
