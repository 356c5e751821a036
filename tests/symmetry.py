"""One line asserts all that a denoiser owes its symmetry. The tolerance is set here alone; everything is float64."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from moldiff.molecules.batch import MoleculeBatch, Prediction, centred
from moldiff.molecules.denoiser import Denoiser
from moldiff.molecules.levels import Levels
from moldiff.molecules.pairs import PairIndex, pair_count, pair_number

TOLERANCE = 1e-9
"""Absolute and relative."""

Map = Callable[[Tensor], Tensor]


def _same(tensor: Tensor) -> Tensor:
    return tensor


@dataclass(frozen=True)
class Change:
    """What is done to molecules: to the positions they enter with and those expected, to atoms and to packed pairs.

    What is done to the hands that are asked of atoms is done before the atoms are moved.
    """

    name: str
    entering: Map = _same
    leaving: Map = _same
    atoms: Map = _same
    pairs: Map = _same
    molecules: Map = _same
    hands: Map = _same

    def batch(self, batch: MoleculeBatch) -> MoleculeBatch:
        """The changed input."""
        element, charge, mask = (self.atoms(values) for values in (batch.element, batch.charge, batch.mask))
        pos, bond, properties = self.atoms(self.entering(batch.pos)), self.pairs(batch.bond), batch.properties
        changed = MoleculeBatch(pos, element, charge, bond, mask, self.molecules(properties))
        asked = batch.handedness.shape[1] > 0
        return changed.replace(handedness=self.atoms(self.hands(batch.handedness))) if asked else changed

    def levels(self, levels: Levels) -> Levels:
        """The changed levels."""
        pos, element, charge = (self.atoms(values) for values in (levels.pos, levels.element, levels.charge))
        return Levels(pos, element, charge, self.pairs(levels.bond))

    def prediction(self, prediction: Prediction, pos: Map) -> Prediction:
        """The prediction changed alike."""
        element, charge = self.atoms(prediction.element), self.atoms(prediction.charge)
        return Prediction(self.atoms(pos(prediction.pos)), element, charge, self.pairs(prediction.bond))


def assert_equivariant(
    denoiser: Denoiser, batch: MoleculeBatch, levels: Levels, previous: Prediction | None = None
) -> None:
    """A prediction turns and mirrors with its molecule, and how else the molecule is given does not matter.

    A mirror turns over the hands that are asked of atoms.
    Given atoms stay where they are in their frame.

    Raises:
        AssertionError: it is not so; the message begins with the name of the broken symmetry.
    """
    assert batch.pos.dtype == levels.pos.dtype == torch.float64, "symmetry is asserted in float64"
    expected = denoiser(batch, levels, previous)
    given = (levels.pos == 0) & batch.mask
    framed = centred(batch.pos, levels.frame(batch.mask), batch.mask)
    assert_close("frame of positions", expected.pos[given], framed[given])
    for change in changes(batch.mask):
        before = None if previous is None else change.prediction(previous, change.entering)
        actual = denoiser(change.batch(batch), change.levels(levels), before)
        _compare(change, actual, change.prediction(expected, change.leaving), change.atoms(batch.mask))


def changes(mask: Tensor) -> Iterator[Change]:
    """All that is tried on molecules of these sizes."""
    turn, mirror = rotation(), rotation() * -1
    yield Change("rotation", lambda pos: pos @ turn.T, lambda pos: pos @ turn.T)
    yield Change("reflection", lambda pos: pos @ mirror.T, lambda pos: pos @ mirror.T, hands=turned_over)
    shift = torch.tensor([3.0, -2.0, 5.0], dtype=torch.float64) * mask[:, :, None]
    yield Change("translation", entering=lambda pos: pos + shift)
    order, molecule = _permutation(mask), torch.arange(len(mask))[:, None]
    index = PairIndex.of(mask.shape[1], mask.device)
    pair_order = pair_number(order[:, index.row], order[:, index.column])
    yield Change(
        "permutation",
        atoms=lambda values: values[molecule, order],
        pairs=lambda values: values[molecule, pair_order],
        hands=lambda hands: _renumbered(hands, order.argsort(1)),
    )
    more = mask.shape[1] + 3
    yield Change("padding", atoms=lambda values: _padded(values, more), pairs=lambda v: _padded(v, pair_count(more)))
    for number, size in enumerate(mask.sum(1).tolist()):
        yield Change(
            "company",
            atoms=lambda values, at=number, size=size: values[at : at + 1, :size],
            pairs=lambda values, at=number, size=size: values[at : at + 1, : pair_count(size)],
            molecules=lambda values, at=number: values[at : at + 1],
        )


def turned_over(hands: Tensor) -> Tensor:
    """What is asked of the mirror image: the other sign."""
    return hands * torch.tensor([-1, 1, 1, 1])


def assert_close(name: str, actual: Tensor, expected: Tensor) -> None:
    """Equal within the tolerance."""
    torch.testing.assert_close(
        actual, expected, rtol=TOLERANCE, atol=TOLERANCE, msg=lambda message: f"{name}: {message}"
    )


def rotation(seed: int = 0) -> Tensor:
    """[3, 3] a rotation about a general axis; its negative is a rotation and a reflection."""
    generator = torch.Generator().manual_seed(seed)
    orthogonal, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    return orthogonal * torch.linalg.det(orthogonal).sign()


def _compare(change: Change, actual: Prediction, expected: Prediction, mask: Tensor) -> None:
    pairs = PairIndex.of(mask.shape[1], mask.device).real(mask)
    assert_close(f"{change.name} of positions", actual.pos, expected.pos)
    assert_close(f"{change.name} of elements", actual.element[mask], expected.element[mask])
    assert_close(f"{change.name} of charges", actual.charge[mask], expected.charge[mask])
    assert_close(f"{change.name} of bonds", actual.bond[pairs], expected.bond[pairs])


def _permutation(mask: Tensor) -> Tensor:
    """[molecule, atom] another order of each molecule's real atoms."""
    order = torch.arange(mask.shape[1]).repeat(len(mask), 1)
    for row, size in zip(order, mask.sum(1).tolist(), strict=True):
        row[:size] = row[:size].roll(1)
    return order


def _renumbered(hands: Tensor, place: Tensor) -> Tensor:
    """The named atoms at their new places."""
    named = place[torch.arange(len(hands))[:, None, None], hands[..., 1:]]
    return torch.cat([hands[..., :1], named], -1)


def _padded(values: Tensor, places: int) -> Tensor:
    """Zeros appended to this many places; the pairs of added atoms come after all others."""
    return torch.cat([values, values.new_zeros(len(values), places - values.shape[1], *values.shape[2:])], 1)
