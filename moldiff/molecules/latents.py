"""Molecules in a latent space: what an autoencoder makes of each atom, and its noise levels.

Each atom has a vector, which is like a position and goes with the molecule when it is turned or moved, and a few
numbers that do not change then. Elements, charges and bonds are in these, spread over atoms that are bonded; so a
single atom cannot be given as it can among molecules.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class LatentBatch:
    """Molecules in a latent space, padded to the largest; a state as `moldiff.diffusion.process` takes it.

    Attributes:
        pos: [molecule, atom, 3] the vectors, Å, zero on padding and on average over the atoms of a molecule.
        feature: [molecule, atom, channel] invariant numbers, of mean square 1 over the channels; zero on padding.
        mask: [molecule, atom] True where an atom is real; real atoms come first.
    """

    pos: Float[Tensor, "molecule atom 3"]
    feature: Float[Tensor, "molecule atom channel"]
    mask: Bool[Tensor, "molecule atom"]

    @classmethod
    def blank(
        cls, mask: Bool[Tensor, "molecule atom"], channels: int, dtype: torch.dtype = torch.float32
    ) -> "LatentBatch":
        """Molecules of these sizes of which nothing else is known: all zeros."""
        made = torch.zeros(*mask.shape, 3 + channels, dtype=dtype, device=mask.device)
        return cls(made[..., :3], made[..., 3:], mask)

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
        """A copy with ``others``, padded to as many atoms, at these indices."""
        at, names = index.to(self.mask.device), ("pos", "feature", "mask")
        return LatentBatch(*(getattr(self, name).index_copy(0, at, getattr(others, name)) for name in names))

    def places(self, name: str) -> Bool[Tensor, "molecule atom"]:
        """The real places of a field: the real atoms."""
        return self.mask


@dataclass(frozen=True)
class LatentLevels:
    """The noise level of each place, Å; 0 on padding.

    Attributes:
        pos, feature: [molecule, atom].
    """

    pos: Float[Tensor, "molecule atom"]
    feature: Float[Tensor, "molecule atom"]

    @classmethod
    def of(cls, sigma: Float[Tensor, " molecule"], mask: Bool[Tensor, "molecule atom"]) -> "LatentLevels":
        """One level for all places of a molecule."""
        level = sigma[:, None] * mask
        return cls(level, level)

    def map(self, function: Callable[[Tensor], Tensor]) -> "LatentLevels":
        """A copy with the function applied to each field."""
        return LatentLevels(function(self.pos), function(self.feature))

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "LatentLevels":
        """A copy on a device."""
        return self.map(lambda level: level.to(device, dtype))

    @property
    def highest(self) -> Float[Tensor, " molecule"]:
        """Level of the noisiest place of each molecule, Å."""
        return torch.maximum(self.pos, self.feature).amax(1)


@dataclass(frozen=True)
class LatentPrediction:
    """What a denoiser takes the clean latents to be.

    Attributes:
        pos: [molecule, atom, 3] the vectors, Å, mean zero.
        feature: [molecule, atom, channel] the invariant numbers.
    """

    pos: Float[Tensor, "molecule atom 3"]
    feature: Float[Tensor, "molecule atom channel"]

    def detach(self) -> "LatentPrediction":
        """The same values without their history."""
        return LatentPrediction(self.pos.detach(), self.feature.detach())
