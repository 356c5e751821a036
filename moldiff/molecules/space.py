"""What a process noises: molecules themselves, or what an autoencoder makes of them. Both are asked alike."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from moldiff.errors import UserError
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.latents import LatentBatch, LatentLevels
from moldiff.molecules.levels import Given, Levels


@runtime_checkable
class Space(Protocol):
    """The way from molecules to the states of a process and back."""

    @property
    def channels(self) -> int:
        """Invariant numbers of a node in a latent space; 0 where molecules themselves are noised."""

    def enter(self, molecules: MoleculeBatch) -> Any:
        """The states of molecules."""

    def blank(self, molecules: MoleculeBatch) -> Any:
        """States of as many atoms, or nodes, as the molecules have atoms; what is given of these is in them."""

    def leave(self, states: Any) -> MoleculeBatch:
        """The molecules of clean states."""

    def possible(self, given: Given) -> Given | None:
        """What can be given of this; None for nothing.

        Raises:
            UserError: something is marked that cannot be given.
        """

    def levels(self, sigma: Float[Tensor, " molecule"], states: Any, given: Given | None = None) -> Any:
        """One level, Å, for all places of a state that are not given."""


@dataclass(frozen=True)
class MoleculeSpace:
    """Molecules themselves; any place of them can be given."""

    channels: int = 0

    def enter(self, molecules: MoleculeBatch) -> MoleculeBatch:
        """See `Space`."""
        return molecules

    def blank(self, molecules: MoleculeBatch) -> MoleculeBatch:
        """See `Space`."""
        return molecules

    def leave(self, states: MoleculeBatch) -> MoleculeBatch:
        """See `Space`."""
        return states

    def possible(self, given: Given) -> Given:
        """See `Space`."""
        return given

    def levels(self, sigma: Float[Tensor, " molecule"], states: MoleculeBatch, given: Given | None = None) -> Levels:
        """See `Space`."""
        return Levels.of(sigma, states, given)


@dataclass(frozen=True)
class LatentSpace:
    """The latent space of an autoencoder, in which nothing can be given.

    Attributes:
        channels: invariant numbers of a node.
        encode: from molecules to latents.
        decode: from latents to molecules.
        group: atoms that a node may hold.
    """

    channels: int
    encode: Callable[[MoleculeBatch], LatentBatch]
    decode: Callable[[LatentBatch], MoleculeBatch]
    group: int = 1

    def enter(self, molecules: MoleculeBatch) -> LatentBatch:
        """See `Space`."""
        return self.encode(molecules)

    def blank(self, molecules: MoleculeBatch) -> LatentBatch:
        """See `Space`."""
        return LatentBatch.blank(molecules.mask, self.channels, molecules.pos.dtype, self.group)

    def leave(self, states: LatentBatch) -> MoleculeBatch:
        """See `Space`."""
        return self.decode(states)

    def possible(self, given: Given) -> None:
        """See `Space`."""
        if any(bool(getattr(given, field.name).any()) for field in dataclasses.fields(given)):
            raise UserError(
                "these weights denoise in a latent space, where an atom's numbers depend on its neighbours, so that no "
                "part can be given; take weights that denoise molecules, such as the shipped ones"
            )

    def levels(
        self, sigma: Float[Tensor, " molecule"], states: LatentBatch, given: Given | None = None
    ) -> LatentLevels:
        """See `Space`.

        Raises:
            ValueError: something is given.
        """
        if given is not None:
            raise ValueError("nothing can be given in a latent space")
        return LatentLevels.of(sigma, states)


MOLECULES = MoleculeSpace()
"""The space of molecules themselves."""


def along(space: Space, states: Any, given: Given | None = None) -> Callable[[float], Any]:
    """The levels of states that all have the same σ, as a function of it."""

    def levels(sigma: float) -> Any:
        return space.levels(states.pos.new_full((len(states),), sigma), states, given)

    return levels
