"""The joint process: one modality for each field of a state, asked alike."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from moldiff.diffusion.categories import CategoryDiffusion
from moldiff.diffusion.latents import LatentDiffusion
from moldiff.diffusion.modality import Modality, Move
from moldiff.diffusion.positions import PositionDiffusion


@runtime_checkable
class State(Protocol):
    """What the process works on: named fields [molecule, place, ...], of which copies are made."""

    def replace(self, **fields: Tensor) -> Any:
        """A copy with some fields changed."""

    def places(self, name: str) -> Bool[Tensor, "molecule place"]:
        """The real places of a field."""


S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class Process:
    """The noise of a state: five loops over its modalities.

    Levels, predictions and states have a field for each modality, of its name. A place at level 0 is given: its value
    leaves every loop as it entered, to the last bit.

    Attributes:
        modalities: by the name of their field, in the order in which random numbers are drawn.
    """

    modalities: Mapping[str, Modality]

    @classmethod
    def from_statistics(cls, sigma_data: float, marginals: Mapping[str, list[float]]) -> "Process":
        """The process of molecules of a training set with these statistics.

        Args:
            sigma_data: standard deviation of centred coordinates, Å.
            marginals: share of each class of element, charge and bond.
        """
        element, charge, bond = (torch.tensor(marginals[name], dtype=torch.float64) for name in CATEGORIES)
        return cls(
            {
                "pos": PositionDiffusion(sigma_data),
                "element": CategoryDiffusion(element, weight=0.4),
                "charge": CategoryDiffusion(charge, weight=0.4),
                "bond": CategoryDiffusion(bond, weight=0.5, of_pairs=True),
            }
        )

    @classmethod
    def of_latents(cls, sigma_data: float, channels: int) -> "Process":
        """The process in the latent space of an autoencoder (`moldiff.molecules.latents.LatentBatch`).

        Args:
            sigma_data: standard deviation of the centred vectors, Å.
            channels: invariant numbers of a node.
        """
        return cls({"pos": PositionDiffusion(sigma_data), "feature": LatentDiffusion(channels)})

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each modality's loss."""
        return {name: modality.weight for name, modality in self.modalities.items()}

    def changed(self, **changes: Mapping[str, Any]) -> "Process":
        """A copy in which some fields of some modalities are others: ``changed(bond={"weight": 1.0})``."""
        modalities: dict[str, Any] = dict(self.modalities)
        return Process(modalities | {name: replace(modalities[name], **fields) for name, fields in changes.items()})

    def prior(self, state: S, levels: Any, random: Generator) -> S:
        """The state of which nothing is left but what is given."""
        fields = {}
        for name, modality in self.modalities.items():
            level = getattr(levels, name)
            fields[name] = _kept(getattr(state, name), modality.prior(state.places(name), level, random), level)
        return state.replace(**fields)

    def corrupt(self, clean: S, levels: Any, random: Generator) -> S:
        """The clean state at these noise levels."""
        fields = {}
        for name, modality in self.modalities.items():
            value, level = getattr(clean, name), getattr(levels, name)
            fields[name] = _kept(value, modality.corrupt(value, clean.places(name), level, random), level)
        return clean.replace(**fields)

    def renoise(self, noisy: S, levels: Any, higher: Any, random: Generator) -> S:
        """From some levels up to higher ones by fresh noise: the marginals over clean states stay exact."""
        fields = {}
        for name, modality in self.modalities.items():
            value, level, above = getattr(noisy, name), getattr(levels, name), getattr(higher, name)
            fields[name] = _kept(value, modality.renoise(value, noisy.places(name), level, above, random), level)
        return noisy.replace(**fields)

    def loss(self, predicted: Any, clean: State, levels: Any) -> dict[str, Float[Tensor, " molecule"]]:
        """The loss of each modality and molecule, unweighted, over the places that are not given."""
        return {
            name: modality.loss(
                getattr(predicted, name), getattr(clean, name), clean.places(name), getattr(levels, name)
            )
            for name, modality in self.modalities.items()
        }

    def step(self, noisy: S, predicted: Any, move: Move, random: Generator) -> S:
        """From the levels of a move to its lower ones.

        A state whose prediction is not finite at a free place gets real numbers that are not: it counts as lost.

        Args:
            noisy: the state.
            predicted: of the clean state.
            move: the levels of all modalities before and after, and the numbers of the step.
            random: the generator of all random numbers.
        """
        fields, finite = {}, None
        for name, modality in self.modalities.items():
            value, places, level = getattr(noisy, name), noisy.places(name), getattr(move.level, name)
            its = move._replace(level=level, lower=getattr(move.lower, name))
            guess = getattr(predicted, name)
            fields[name] = _kept(value, modality.step(value, guess, places, its, random), level)
            # a sum is finite only if its terms are
            sums = guess.unsqueeze(-1).flatten(2).sum(2).masked_fill(~(places & (level > 0)), 0).sum(1)
            finite = sums.isfinite() if finite is None else finite & sums.isfinite()
        if finite is None:
            return noisy
        for name, value in fields.items():
            if value.is_floating_point():
                fields[name] = value.masked_fill(~column(finite, value), torch.nan)
        return noisy.replace(**fields)

    def total(self, losses: Mapping[str, Float[Tensor, " molecule"]]) -> Float[Tensor, ""]:
        """The weighted sum, mean over molecules: what training lowers."""
        return sum((self.modalities[name].weight * loss.mean() for name, loss in losses.items()), torch.zeros(()))


CATEGORIES = ("element", "charge", "bond")


def _kept(value: Tensor, changed: Tensor, level: Float[Tensor, "molecule place"]) -> Tensor:
    """The changed values, but where a place is given."""
    return torch.where(column(level == 0, value), value, changed)


def column(marks: Tensor, like: Tensor) -> Tensor:
    """A value for each molecule or place with as many axes as ``like``."""
    return marks.reshape(*marks.shape, *[1] * (like.dim() - marks.dim()))
