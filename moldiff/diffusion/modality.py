"""What the process asks of each modality: positions, categories, and whatever comes later, all alike.

Shapes: a field of a state is [molecule, place, ...]; its places and levels are [molecule, place].
"""

from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Bool, Float
from torch import Generator, Tensor

Places = Bool[Tensor, "molecule place"]
Level = Float[Tensor, "molecule place"]


class Move(NamedTuple):
    """What a solver asks of every modality: the way from one noise level to a lower one.

    Attributes:
        level, lower: levels before and after, Å, of each place of the modality.
        eta: fresh noise in the step: 0 none (DDIM), 1 as in ancestral sampling (DDPM).
        temperature: divides the logits of categories; below 1 the likelier classes gain.
        scale: length of the step of real numbers towards their prediction; 1 is the plain step.
    """

    level: Tensor
    lower: Tensor
    eta: float = 0.0
    temperature: float = 1.0
    scale: float = 1.0


@runtime_checkable
class Modality(Protocol):
    """The noise of one field of a state and the way back.

    ``level`` is in Å and ``random`` the generator of all random numbers, on whatever device it is. A place at level 0
    is given; what is returned for it is never used, so it need not be right.
    """

    @property
    def weight(self) -> float:
        """Of its loss in the sum."""

    def prior(self, places: Places, level: Level, random: Generator) -> Tensor:
        """Values of which nothing is left."""

    def corrupt(self, clean: Tensor, places: Places, level: Level, random: Generator) -> Tensor:
        """Clean values at a noise level."""

    def renoise(self, noisy: Tensor, places: Places, level: Level, higher: Level, random: Generator) -> Tensor:
        """Noisy values at a higher level, so that they are distributed as clean ones corrupted to it."""

    def loss(self, predicted: Tensor, clean: Tensor, places: Places, level: Level) -> Float[Tensor, " molecule"]:
        """Error of the prediction on the free places, unweighted."""

    def step(self, noisy: Tensor, predicted: Tensor, places: Places, move: Move, random: Generator) -> Tensor:
        """Values at the lower level of the move, given what the clean ones are predicted to be."""
