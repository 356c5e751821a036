"""What a weights file says of itself, checked before anything of the size that it claims is made."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from moldiff.config.autoencode import AutoencoderOptions
from moldiff.config.network import NetworkOptions

LARGEST = 5000
"""Atoms of a molecule in the histogram of sizes."""

LATENTS = 4096
"""Values of a random input, at most."""

Element = Annotated[int, Field(ge=1, le=118, strict=True)]
Charge = Annotated[int, Field(ge=-8, le=8, strict=True)]
Share = Annotated[float, Field(ge=0, le=1.000001)]
Size = Annotated[int, Field(ge=1, le=LARGEST)]
Count = Annotated[int, Field(ge=1, le=10**12)]


_FINITE = ConfigDict(allow_inf_nan=False)


class _Vocabulary(BaseModel):
    model_config = _FINITE

    elements: list[Element] = Field(min_length=1, max_length=118)
    charges: list[Charge] = Field(min_length=1, max_length=17)
    placeholder: bool = False

    @model_validator(mode="after")
    def _each_once(self) -> "_Vocabulary":
        for name, values in (("elements", self.elements), ("charges", self.charges)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} holds the same class twice")
        return self


class _Marginals(BaseModel):
    model_config = _FINITE

    element: list[Share]
    charge: list[Share]
    bond: list[Share] = Field(min_length=4, max_length=4)


class _Statistics(BaseModel):
    model_config = _FINITE

    sigma_data: float = Field(ge=1e-3, le=1e3)
    marginals: _Marginals
    sizes: dict[Size, Count] = Field(min_length=1)
    hydrogens: Literal["explicit", "implicit"]
    latents: int = Field(0, ge=0, le=LATENTS)
    nodes: dict[Size, Count] = {}


class Description(BaseModel):
    """The description in a weights file; further keys of the header are not its concern."""

    model_config = _FINITE

    vocabulary: _Vocabulary
    statistics: _Statistics
    network: NetworkOptions | None = None
    autoencoder: AutoencoderOptions | None = None
    history: dict[str, Any] = {}

    @model_validator(mode="after")
    def _consistent(self) -> "Description":
        if self.network is None and self.autoencoder is None:
            raise ValueError("network: it describes neither a network nor an autoencoder")
        marginals = self.statistics.marginals
        for name, shares, classes in (
            ("element", marginals.element, len(self.vocabulary.elements) + self.vocabulary.placeholder),
            ("charge", marginals.charge, len(self.vocabulary.charges)),
            ("bond", marginals.bond, 4),
        ):
            if len(shares) != classes:
                raise ValueError(f"{len(shares)} marginals for {classes} classes of {name}")
            if abs(sum(shares) - 1) > 1e-3:
                raise ValueError(f"the marginals of {name} add up to {sum(shares):.4g}, not to 1")
        return self


def read_description(text: str, numbers: int) -> Description:
    """The description that a weights file holds as JSON.

    Args:
        text: the JSON.
        numbers: that the file holds in its tensors; a network that needs more is not made.

    Raises:
        ValueError: it contradicts itself, is out of bounds, or does not fit the file; one line.
    """
    try:
        description = Description.model_validate_json(text)
    except ValidationError as error:
        messages = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)[:3]]
        raise ValueError("; ".join(" ".join(line.split())[:200] for line in messages)) from None
    coder = description.autoencoder
    least = sum(_least(one) for one in (description.network, *(2 * [coder.network] if coder else ())) if one)
    if least > numbers:
        raise ValueError(f"it claims a network of more than {least:,} numbers and holds {numbers:,}")
    return description


def _least(network: NetworkOptions) -> int:
    """Fewer numbers than any body of these options has: what is made is of the size of the file."""
    channels = [int(term.partition("x")[0]) for term in network.irreps.split(" + ")]
    return network.depth * (sum(count**2 for count in channels) + network.hidden * network.pairs)
