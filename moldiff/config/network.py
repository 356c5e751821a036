"""Options of the network."""

from typing import Self

from pydantic import Field, model_validator

from moldiff.config.options import Options


class NetworkOptions(Options):
    """Width and depth of the denoiser."""

    layers: int = Field(4, ge=1, le=64)
    """Number of layers."""
    scalars: int = Field(128, ge=8)
    """Scalar channels of an atom."""
    vectors: int = Field(32, ge=4)
    """Channels of each degree above 0 of an atom."""
    degree: int = Field(1, ge=1, le=3)
    """Highest degree l of the irreps that atoms carry."""
    pairs: int = Field(48, ge=4)
    """Channels of a pair's state."""
    hidden: int = Field(96, ge=8)
    """Hidden width of the pair network."""
    heads: int = Field(8, ge=1)
    """Attention heads; twice their number must divide scalars."""

    @model_validator(mode="after")
    def _heads(self) -> Self:
        if self.scalars % (2 * self.heads):
            raise ValueError(f"twice heads, {2 * self.heads}, does not divide scalars {self.scalars}")
        return self
