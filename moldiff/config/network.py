"""Options of the network: one class for each architecture, told apart by their `kind`."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from moldiff.config.options import ConfigError, Options, parse

HIGHEST_DEGREE = 3
"""Largest degree l of an atom's irreps."""


def _term(term: str) -> tuple[int, str]:
    match = re.fullmatch(rf"(\d{{1,4}})x([0-{HIGHEST_DEGREE}][eo])", term.strip())
    if match is None:
        raise ValueError(
            f"{term.strip()!r} is not an irrep such as `128x0e` or `32x1o`, of degree {HIGHEST_DEGREE} at most"
        )
    return int(match[1]), match[2]


def _canonical(text: str) -> str:
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


def _scalars(irreps: str, heads: int) -> int:
    """Scalar channels of the irreps.

    Raises:
        ValueError: twice the number of heads does not divide them.
    """
    scalars = int(irreps.partition("x")[0])
    if scalars % (2 * heads):
        raise ValueError(f"twice heads, {2 * heads}, does not divide the {scalars} scalar channels")
    return scalars


Irreps = Annotated[str, AfterValidator(_canonical)]
Channels = Annotated[int, Field(ge=4, le=1024)]
Hidden = Annotated[int, Field(ge=8, le=4096)]
Heads = Annotated[int, Field(ge=1, le=256)]
Layers = Annotated[int, Field(ge=1, le=64)]


class TransformerOptions(Options):
    """Equal layers in which every atom attends to all others: for molecules of up to about a hundred atoms."""

    kind: Literal["transformer"] = "transformer"
    """Architecture of the network's body."""
    layers: Layers = 4
    """Number of layers."""
    irreps: Irreps = "128x0e + 32x1o"
    """Irreps of an atom's features as e3nn writes them: scalars `0e`, then vectors `1o` and any others up to degree 3
    (parity-odd scalars `0o` and axial vectors `1e` among them), these with the same number of channels each."""
    pairs: Channels = 48
    """Channels of a pair's state."""
    hidden: Hidden = 96
    """Hidden width of the pair network."""
    heads: Heads = 8
    """Attention heads; twice their number must divide the scalar channels."""
    chirality: bool = False
    """Whether molecules can be asked for the handedness of stereocentres; weights to fine-tune grow by this input."""

    @model_validator(mode="after")
    def _heads(self) -> Self:
        _scalars(self.irreps, self.heads)
        return self

    @property
    def scalars(self) -> int:
        """Scalar channels of an atom."""
        return _scalars(self.irreps, self.heads)

    @property
    def depth(self) -> int:
        """Number of all layers."""
        return self.layers

    @property
    def outer_hidden(self) -> int:
        """Hidden width of the embedding and the heads of all pairs."""
        return self.hidden


class UNetOptions(Options):
    """Layers on the edges among near atoms, and on pooled nodes: cost about linear in the number of atoms."""

    kind: Literal["unet"]
    """Architecture of the network's body."""
    layers: Layers = 2
    """Number of layers of the atoms on the way to the pooled nodes, and again on the way back."""
    coarse_layers: Layers = 1
    """Number of layers of each level of pooled nodes on the way down, and again on the way up."""
    levels: int = Field(3, ge=1, le=4)
    """Number of levels, the atoms among them; 1 pools nothing."""
    pooling: int = Field(4, ge=2, le=16)
    """Number of nodes of a level that one of the next level stands for."""
    neighbours: int = Field(24, ge=1, le=1024)
    """Number of nearest nodes that each is linked to by edges, beside the atoms with a noisy or predicted bond."""
    irreps: Irreps = "128x0e + 32x1o"
    """Irreps of a node's features, as for `kind: transformer`."""
    pairs: Channels = 48
    """Channels of an edge's state."""
    hidden: Hidden = 96
    """Hidden width of the edge network."""
    outer_pairs: Channels = 16
    """Channels in which every pair of atoms enters and leaves, edge or not; their hidden width is twice this."""
    heads: Heads = 8
    """Attention heads; twice their number must divide the scalar channels."""
    chirality: bool = False
    """Whether molecules can be asked for the handedness of stereocentres; weights to fine-tune grow by this input."""

    @model_validator(mode="after")
    def _heads(self) -> Self:
        _scalars(self.irreps, self.heads)
        return self

    @property
    def scalars(self) -> int:
        """Scalar channels of an atom."""
        return _scalars(self.irreps, self.heads)

    @property
    def depth(self) -> int:
        """Number of all layers."""
        if self.levels == 1:
            return 2 * self.layers
        return 2 * self.layers + (2 * (self.levels - 2) + 1) * self.coarse_layers

    @property
    def outer_hidden(self) -> int:
        """Hidden width of the embedding and the heads of all pairs."""
        return 2 * self.outer_pairs


KINDS: dict[str, type[TransformerOptions] | type[UNetOptions]] = {
    "transformer": TransformerOptions,
    "unet": UNetOptions,
}
"""Options of each architecture."""


def _with_kind(values: Any) -> Any:
    """Values that name no kind are those of a transformer, which once was the only one."""
    return {"kind": "transformer", **values} if isinstance(values, Mapping) else values


NetworkOptions = Annotated[TransformerOptions | UNetOptions, Field(discriminator="kind"), BeforeValidator(_with_kind)]
"""Options of any kind of network."""


def network_options(values: Mapping[str, Any], source: str) -> TransformerOptions | UNetOptions:
    """Validated options of the kind that the values name, or of a transformer.

    Raises:
        ConfigError: an unknown kind or key, or a value out of range, naming ``source``.
    """
    kind = values.get("kind", "transformer")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"{source}: kind: expected one of {', '.join(KINDS)} (given: {kind!r})")
    return parse(KINDS[kind], values, source)
