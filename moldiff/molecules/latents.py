"""Molecules in a latent space: what an autoencoder makes of each atom, or of a few together, and its noise levels.

A node stands for an atom or for a small group of them. It has a slot for each atom that it may hold, and in it a
vector, which is like a position and goes with the molecule when it is turned or moved, and a few numbers that do not
change then. Elements, charges and bonds are in these, spread over atoms that are bonded; so a single atom cannot be
given as it can among molecules.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def slots_of(mask: Bool[Tensor, "molecule node"], group: int) -> Bool[Tensor, "molecule slot"]:
    """The slots of real nodes, ``group`` a node."""
    return mask if group == 1 else mask.repeat_interleave(group, 1)


@dataclass(frozen=True)
class LatentBatch:
    """Molecules in a latent space, padded to the largest; a state as `moldiff.diffusion.process` takes it.

    Attributes:
        pos: [molecule, slot, 3] the vectors, Å, those of a node one after the other; zero on padding and on average
            over the slots of a molecule.
        feature: [molecule, node, channel] invariant numbers, of mean square 1 over the channels; zero on padding.
        mask: [molecule, node] True where a node is real; real nodes come first.
    """

    pos: Float[Tensor, "molecule slot 3"]
    feature: Float[Tensor, "molecule node channel"]
    mask: Bool[Tensor, "molecule node"]

    @classmethod
    def blank(
        cls, mask: Bool[Tensor, "molecule node"], channels: int, dtype: torch.dtype = torch.float32, group: int = 1
    ) -> "LatentBatch":
        """Molecules of as many nodes, of ``group`` slots each, of which nothing else is known: all zeros."""
        made = torch.zeros(*mask.shape, 3 * group + channels, dtype=dtype, device=mask.device)
        return cls(made[..., : 3 * group].unflatten(2, (group, 3)).flatten(1, 2), made[..., 3 * group :], mask)

    def __len__(self) -> int:
        return len(self.mask)

    def replace(self, **fields: Tensor) -> "LatentBatch":
        """A copy with some fields changed."""
        return dataclasses.replace(self, **fields)

    def map(self, function: Callable[[Tensor], Tensor]) -> "LatentBatch":
        """A copy with the function applied to each field."""
        return LatentBatch(function(self.pos), function(self.feature), function(self.mask))

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> "LatentBatch":
        """A copy on a device, its real numbers in ``dtype``."""
        return self.map(lambda tensor: tensor.to(device, dtype if tensor.is_floating_point() else None))

    def select(self, index: Int[Tensor, " chosen"]) -> "LatentBatch":
        """The molecules with these indices."""
        return self.map(lambda tensor: tensor[index.to(tensor.device)])

    def put(self, index: Int[Tensor, " chosen"], others: "LatentBatch") -> "LatentBatch":
        """A copy with ``others``, padded to as many nodes, at these indices."""
        at, names = index.to(self.mask.device), ("pos", "feature", "mask")
        return LatentBatch(*(getattr(self, name).index_copy(0, at, getattr(others, name)) for name in names))

    def places(self, name: str) -> Bool[Tensor, "molecule place"]:
        """The real places of a field: the slots of real nodes for vectors, real nodes for numbers."""
        return self.slots if name == "pos" else self.mask

    @property
    def group(self) -> int:
        """Slots of a node."""
        return self.pos.shape[1] // self.mask.shape[1]

    @property
    def slots(self) -> Bool[Tensor, "molecule slot"]:
        """The slots of real nodes."""
        return slots_of(self.mask, self.group)


@dataclass(frozen=True)
class LatentLevels:
    """The noise level of each place, Å; 0 on padding.

    Attributes:
        pos: [molecule, slot].
        feature: [molecule, node].
    """

    pos: Float[Tensor, "molecule slot"]
    feature: Float[Tensor, "molecule node"]

    @classmethod
    def of(cls, sigma: Float[Tensor, " molecule"], states: LatentBatch) -> "LatentLevels":
        """One level for all places of a molecule."""
        return cls(sigma[:, None] * states.slots, sigma[:, None] * states.mask)

    def map(self, function: Callable[[Tensor], Tensor]) -> "LatentLevels":
        """A copy with the function applied to each field."""
        return LatentLevels(function(self.pos), function(self.feature))

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "LatentLevels":
        """A copy on a device."""
        return self.map(lambda level: level.to(device, dtype))

    @property
    def highest(self) -> Float[Tensor, " molecule"]:
        """Level of the noisiest place of each molecule, Å."""
        return torch.maximum(self.pos.amax(1), self.feature.amax(1))


@dataclass(frozen=True)
class LatentPrediction:
    """What a denoiser takes the clean latents to be.

    Attributes:
        pos: [molecule, slot, 3] the vectors, Å, mean zero.
        feature: [molecule, node, channel] the invariant numbers.
    """

    pos: Float[Tensor, "molecule slot 3"]
    feature: Float[Tensor, "molecule node channel"]

    def detach(self) -> "LatentPrediction":
        """The same values without their history."""
        return LatentPrediction(self.pos.detach(), self.feature.detach())
