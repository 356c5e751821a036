"""The noise level of each place. A place at level 0 is given: it is known, and nothing changes it.

Levels are in Å. One network that is trained on many patterns of given places completes fragments, makes conformers of
a known graph or finds the bonds of bare coordinates, as the pattern says.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from moldiff.molecules.batch import MoleculeBatch, centred

Clock = Callable[[Tensor], Tensor]
"""From the level σ of the sampler or of training to that of one modality, Å; it must keep zero and the order."""


@dataclass(frozen=True)
class Given:
    """Which places are given, for each modality; marks on padding have no effect.

    Attributes:
        pos, element, charge: [molecule, atom].
        bond: [molecule, pair].
    """

    pos: Bool[Tensor, "molecule atom"]
    element: Bool[Tensor, "molecule atom"]
    charge: Bool[Tensor, "molecule atom"]
    bond: Bool[Tensor, "molecule pair"]

    @classmethod
    def of(cls, batch: MoleculeBatch, **places: Tensor | bool) -> "Given":
        """The named places, as masks or True for all of a modality; all others are free.

        >>> conformers = Given.of(batch, element=True, charge=True, bond=True)  # doctest: +SKIP
        """
        masks = {}
        for field in dataclasses.fields(cls):
            real = batch.places(field.name)
            masks[field.name] = torch.as_tensor(places.pop(field.name, False), device=real.device) & real
        if places:
            raise TypeError(f"no such modality: {', '.join(places)}")
        return cls(**masks)

    @classmethod
    def fragment(
        cls, batch: MoleculeBatch, atoms: Bool[Tensor, "molecule atom"], closed: Bool[Tensor, "molecule atom"] | None
    ) -> "Given":
        """Atoms with their positions and the bonds among them.

        Args:
            batch: the molecules; their bonds between closed and free atoms should be 0, for none.
            atoms: the given atoms.
            closed: given atoms whose bonds to the free atoms are given too, as in ``batch``; by default none.
        """
        pairs = batch.pairs
        bond = pairs.real(atoms)
        if closed is not None:
            shut = closed & atoms
            bond = bond | shut.index_select(1, pairs.row) | shut.index_select(1, pairs.column)
        return cls.of(batch, pos=atoms, element=atoms, charge=atoms, bond=bond)

    def map(self, function: Callable[[Tensor], Tensor]) -> "Given":
        """A copy with the function applied to each field."""
        return Given(*(function(getattr(self, field.name)) for field in dataclasses.fields(self)))

    def framed(self, batch: MoleculeBatch) -> MoleculeBatch:
        """The molecules with positions relative to the mean of their given atoms, or of all if none is given."""
        return batch.replace(pos=centred(batch.pos, self._frame(batch), batch.mask))

    def unframed(self, known: MoleculeBatch, made: MoleculeBatch) -> MoleculeBatch:
        """Molecules made in the frame of ``framed(known)``, in the coordinates of the known ones.

        What is given is again what was known, to the last bit; where no position is given, the molecules stay centred.
        """
        away = (known.pos - centred(known.pos, self._frame(known), known.mask)) * known.mask[:, :, None]
        away = away * self.pos.any(1)[:, None, None]
        return self.kept(known, made.replace(pos=made.pos + away.to(made.pos.dtype)))

    def kept(self, known: MoleculeBatch, made: MoleculeBatch) -> MoleculeBatch:
        """The made molecules with the known values where they are given."""
        fields = {}
        for field in dataclasses.fields(self):
            mask, old, new = (getattr(one, field.name) for one in (self, known, made))
            fields[field.name] = torch.where(mask.reshape(*mask.shape, *[1] * (old.dim() - 2)), old, new.to(old.dtype))
        return made.replace(**fields)

    def _frame(self, batch: MoleculeBatch) -> Bool[Tensor, "molecule atom"]:
        return frame_of(self.pos & batch.mask, batch.mask)


@dataclass(frozen=True)
class Levels:
    """The noise level of each place, Å: 0 where it is given, and on padding.

    Attributes:
        pos, element, charge: [molecule, atom].
        bond: [molecule, pair].
    """

    pos: Float[Tensor, "molecule atom"]
    element: Float[Tensor, "molecule atom"]
    charge: Float[Tensor, "molecule atom"]
    bond: Float[Tensor, "molecule pair"]

    @classmethod
    def of(
        cls,
        sigma: Float[Tensor, " molecule"],
        batch: MoleculeBatch,
        given: Given | None = None,
        clocks: Mapping[str, Clock] | None = None,
    ) -> "Levels":
        """One level for all places of a molecule that are not given.

        Args:
            sigma: level of each molecule, Å.
            batch: the molecules.
            given: places at level 0; by default none.
            clocks: for some modalities, their level as a function of σ; by default σ itself.
        """
        levels = {}
        for field in dataclasses.fields(cls):
            name, free = field.name, batch.places(field.name)
            if given is not None:
                free = free & ~getattr(given, name)
            level = clocks[name](sigma) if clocks and name in clocks else sigma
            levels[name] = level[:, None] * free
        return cls(**levels)

    @staticmethod
    def along(
        batch: MoleculeBatch, given: Given | None = None, clocks: Mapping[str, Clock] | None = None
    ) -> "Callable[[float], Levels]":
        """The levels of molecules that all have the same σ, as a function of it."""

        def levels(sigma: float) -> Levels:
            return Levels.of(batch.pos.new_full((len(batch.mask),), sigma), batch, given, clocks)

        return levels

    def map(self, function: Callable[[Tensor], Tensor]) -> "Levels":
        """A copy with the function applied to each field."""
        return Levels(*(function(getattr(self, field.name)) for field in dataclasses.fields(self)))

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "Levels":
        """A copy on a device."""
        return self.map(lambda level: level.to(device, dtype))

    @property
    def highest(self) -> Float[Tensor, " molecule"]:
        """Level of the noisiest place of each molecule, Å; 0 where everything is given."""
        return torch.cat([self.pos, self.element, self.charge, self.bond], 1).amax(1)

    def frame(self, mask: Bool[Tensor, "molecule atom"]) -> Bool[Tensor, "molecule atom"]:
        """The atoms whose mean is the origin of positions: those at given positions, else all real ones."""
        return frame_of((self.pos == 0) & mask, mask)


def frame_of(
    given: Bool[Tensor, "molecule atom"], mask: Bool[Tensor, "molecule atom"]
) -> Bool[Tensor, "molecule atom"]:
    """The atoms of the frame: the given ones of a molecule that has some, else all real ones."""
    return torch.where(given.any(1, keepdim=True), given, mask)
