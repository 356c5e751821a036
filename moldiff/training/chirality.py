"""Which handedness a molecule is asked for in training: what its own positions have, where its bonds are known."""

import torch
from jaxtyping import Bool, Int
from torch import Generator, Tensor

from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.handedness import directions, signed_volume
from moldiff.molecules.levels import Given

HYDROGEN = 1
SMALLEST = 0.3
"""Signed volume of three directions that counts as a hand: about 0.77 for tetrahedral angles, 0 in a plane."""
ASKED_NOTHING, ASKED_ALL = 0.25, 0.5
"""Share of molecules of which no handedness is asked, and of those of which all is; of the others, a random part."""


def asked_hands(
    batch: MoleculeBatch, given: Given, vocabulary: Vocabulary, random: Generator
) -> Int[Tensor, "molecule atom 4"]:
    """The handedness of atoms with three heavy neighbours to which the bonds are given, or of a random part of them.

    It is not asked where all positions that decide it are given. An open atom of a part, with two given neighbours and
    one that is not, names itself in place of the third, as at sampling nobody knows which atom this becomes.

    Args:
        batch: clean molecules.
        given: what is given of them.
        vocabulary: of elements.
        random: of the part that is asked.
    """
    hands = all_hands(batch, given, vocabulary)
    share = torch.rand(len(batch), 1, generator=random)
    part = (share - ASKED_NOTHING) / (1 - ASKED_NOTHING - ASKED_ALL)
    shown = torch.rand(hands.shape[:2], generator=random) < part
    return hands * shown[..., None]


def all_hands(batch: MoleculeBatch, given: Given, vocabulary: Vocabulary) -> Int[Tensor, "molecule atom 4"]:
    """See `asked_hands`: all that may be asked."""
    heavy = batch.mask.clone()
    if HYDROGEN in vocabulary.elements:
        heavy &= batch.element != vocabulary.elements.index(HYDROGEN)
    among = heavy[:, :, None] & heavy[:, None]
    bonded = (batch.bond_matrix > 0) & among
    known = bonded & (batch.pairs.matrix(given.bond.long()) > 0)
    three, open_ended = known.sum(2) >= 3, (known.sum(2) == 2) & (bonded.sum(2) == 3)
    # known neighbours first; of an open atom the last is its new one
    named = _first(known.long() + bonded.long())
    sign = _hands(batch, named)
    placed = given.pos & _at(given.pos, named).all(2)
    sign = sign * (heavy & ((three & ~placed) | open_ended))
    own = torch.arange(batch.mask.shape[1]).expand_as(batch.mask)
    named[..., 2] = torch.where(open_ended, own, named[..., 2])
    return torch.cat([sign[..., None], named], 2) * (sign != 0)[..., None]


def _first(order: Int[Tensor, "molecule atom atom"]) -> Int[Tensor, "molecule atom 3"]:
    """The three atoms that come first for each atom, padded with atom 0."""
    chosen = order.argsort(dim=2, descending=True, stable=True)[..., :3]
    return torch.nn.functional.pad(chosen, (0, 3 - chosen.shape[2]))


def _hands(batch: MoleculeBatch, named: Int[Tensor, "molecule atom 3"]) -> Int[Tensor, "molecule atom"]:
    rows = torch.cat([torch.zeros_like(named[..., :1]), named], 2)
    volume = signed_volume(directions(batch.pos, rows))
    return volume.sign().long() * (volume.abs() > SMALLEST)


def _at(
    values: Bool[Tensor, "molecule atom"], index: Int[Tensor, "molecule atom 3"]
) -> Bool[Tensor, "molecule atom 3"]:
    return values[torch.arange(len(values))[:, None, None], index]
