"""Options of the network."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from moldiff.config.options import Options

HIGHEST_DEGREE = 3
"""Largest degree l of an atom's irreps."""


class TransformerOptions(Options):
    """Architecture, width and depth of the denoiser."""

    kind: Literal["transformer"] = "transformer"
    """Architecture of the network's body."""
    layers: int = Field(4, ge=1, le=64)
    """Number of layers."""
    irreps: str = "128x0e + 32x1o"
    """Irreps of an atom's features as e3nn writes them: scalars `0e`, then vectors `1o` and any others up to degree 3
    (parity-odd scalars `0o` and axial vectors `1e` among them), these with the same number of channels each."""
    pairs: int = Field(48, ge=4, le=1024)
    """Channels of a pair's state."""
    hidden: int = Field(96, ge=8, le=4096)
    """Hidden width of the pair network."""
    heads: int = Field(8, ge=1, le=256)
    """Attention heads; twice their number must divide the scalar channels."""

    @field_validator("irreps")
    @classmethod
    def _canonical(cls, text: str) -> str:
        terms = [_term(term) for term in text.split("+")]
        names = [name for _, name in terms]
        if names[0] != "0e" or "1o" not in names:
            raise ValueError("scalars `0e` must come first, and vectors `1o`, which move the atoms, must be among them")
        if len(set(names)) < len(names):
            raise ValueError(f"an irrep occurs twice among {', '.join(names)}")
        if terms[0][0] < 8:
            raise ValueError(f"at least 8 scalar channels, not {terms[0][0]}")
        if min(count for count, _ in terms[1:]) < 4 or len({count for count, _ in terms[1:]}) > 1:
            raise ValueError("all irreps but `0e` need the same number of channels, at least 4")
        return " + ".join(f"{count}x{name}" for count, name in terms)

    @model_validator(mode="after")
    def _heads(self) -> Self:
        if self.scalars % (2 * self.heads):
            raise ValueError(f"twice heads, {2 * self.heads}, does not divide the {self.scalars} scalar channels")
        return self

    @property
    def scalars(self) -> int:
        """Scalar channels of an atom."""
        return int(self.irreps.partition("x")[0])


def _term(term: str) -> tuple[int, str]:
    match = re.fullmatch(rf"(\d{{1,4}})x([0-{HIGHEST_DEGREE}][eo])", term.strip())
    if match is None:
        raise ValueError(
            f"{term.strip()!r} is not an irrep such as `128x0e` or `32x1o`, of degree {HIGHEST_DEGREE} at most"
        )
    return int(match[1]), match[2]


NetworkOptions = TransformerOptions
"""Options of any kind of network; with a second kind, a union that `kind` discriminates."""
