"""Options of generate."""

from typing import Literal

from pydantic import Field

from moldiff.config.options import Options


class GenerateOptions(Options):
    """Molecules that meet conditions, sampled in rounds until there are enough."""

    n: int = Field(100, ge=1)
    """Molecules wanted that meet all conditions."""
    budget: float = Field(5.0, ge=1)
    """Molecules made at most, in multiples of n."""
    unique: bool = True
    """Refuse a molecule that was made before."""
    novel: bool = False
    """Refuse molecules of the training set: that of the shipped weights, or the one that is named."""
    hydrogens: Literal["as made", "add"] = "as made"
    """add: hydrogens that the model leaves out are placed, then relaxed by MMFF94s with the other atoms fixed."""
