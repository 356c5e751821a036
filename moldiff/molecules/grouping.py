"""Atoms in small connected groups, each of which becomes one node of a coarser latent space."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from moldiff.molecules.batch import MoleculeBatch, Vocabulary, centred
from moldiff.molecules.pairs import PairIndex, pair_count, pair_number


def grouped(molecules: MoleculeBatch, group: int) -> Int[Tensor, "molecule atom"]:
    """The slot of each atom: ``group`` slots a node, those of a node one after the other; −1 on padding.

    A group is connected by bonds. It begins at the free atom with the fewest free neighbours, so that few atoms are
    left alone, and grows by the free neighbour of the group that has the fewest, until it is full or has none. Of
    atoms that are equal in this the one farther from the molecule's centre comes first, of atoms equally far the
    earlier one. So the groups turn with the molecule and do not depend on the order of its atoms, but where two atoms
    are equally far to the last bit.

    Args:
        molecules: clean ones.
        group: atoms of a node, at most.
    """
    mask, everyone = molecules.mask, torch.arange(len(molecules), device=molecules.mask.device)
    atoms = mask.shape[1]
    bonded = molecules.bond_matrix > 0
    far = centred(molecules.pos, mask).square().sum(2).masked_fill(~mask, -1)
    rank = far.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    slot, last = torch.full_like(rank, -1), torch.full_like(everyone, -1)
    reached = torch.zeros_like(mask)
    for _ in range(atoms):
        free = mask & (slot < 0)
        grows = reached & free & (last % group != group - 1)[:, None]
        allowed = torch.where(grows.any(1, keepdim=True), grows, free)
        neighbours = (bonded & free[:, None]).sum(2)
        order = (neighbours * atoms + rank).masked_fill(~allowed, atoms * (atoms + 1))
        chosen = order.argmin(1)
        begins = ~grows.any(1)
        place = torch.where(begins, (last // group + 1) * group, last + 1)
        open_ = free.any(1)
        last = torch.where(open_, place, last)
        slot[everyone, chosen] = torch.where(open_, place, slot[everyone, chosen])
        around = bonded[everyone, chosen]
        reached = torch.where(begins[:, None], around, reached | around)
    return slot


def nodes(slot: Int[Tensor, "molecule atom"], group: int) -> Int[Tensor, " molecule"]:
    """How many nodes the atoms of each molecule take, by their slots."""
    return slot.amax(1) // group + 1


def arranged(
    molecules: MoleculeBatch, slot: Int[Tensor, "molecule atom"], group: int, vocabulary: Vocabulary
) -> MoleculeBatch:
    """The molecules with each atom in its slot; an empty slot is a placeholder at the mean of its node's atoms.

    Args:
        molecules: without placeholders.
        slot: as `grouped` gives it.
        group: slots of a node.
        vocabulary: with a placeholder.

    Returns:
        The molecules, centred over all slots of their nodes.
    """
    if not vocabulary.placeholder:
        raise ValueError("the vocabulary has no placeholder")
    count = nodes(slot, group)
    places = group * int(count.max())
    real = (torch.arange(places, device=slot.device) // group) < count[:, None]
    target = torch.where(molecules.mask, slot, places)  # padding goes to a last place, which is cut off

    def moved(values: Tensor, empty: int) -> Tensor:
        made = values.new_full((len(values), places + 1, *values.shape[2:]), empty)
        index = target.reshape(*target.shape, *[1] * (values.dim() - 2)).expand(-1, -1, *values.shape[2:])
        return made.scatter(1, index, values)[:, :places]

    pos = with_empty(moved(molecules.pos, 0), moved(molecules.mask, 0), group)
    return MoleculeBatch(
        pos=centred(pos, real),
        element=moved(molecules.element, len(vocabulary.elements)) * real,
        charge=moved(molecules.charge, vocabulary.neutral) * real,
        bond=_moved_bonds(molecules, slot, places),
        mask=real,
    )


def with_empty(
    pos: Float[Tensor, "molecule slot 3"], filled: Bool[Tensor, "molecule slot"], group: int
) -> Float[Tensor, "molecule slot 3"]:
    """The positions, Å, with those of empty slots at the mean of their node's filled ones."""
    inside = (pos * filled[:, :, None]).unflatten(1, (-1, group)).sum(2)
    held = filled.unflatten(1, (-1, group)).sum(2)[:, :, None].clamp_min(1)
    return torch.where(filled[:, :, None], pos, (inside / held).repeat_interleave(group, 1))


def _moved_bonds(
    molecules: MoleculeBatch, slot: Int[Tensor, "molecule atom"], places: int
) -> Int[Tensor, "molecule pair"]:
    index = PairIndex.of(molecules.mask.shape[1], slot.device)
    inside = molecules.pair_mask
    row, column = (slot.index_select(1, ends) for ends in (index.row, index.column))
    pairs = pair_count(places)
    number = torch.where(inside, pair_number(row, column), pairs)
    return molecules.bond.new_zeros(len(slot), pairs + 1).scatter(1, number, molecules.bond)[:, :pairs]
