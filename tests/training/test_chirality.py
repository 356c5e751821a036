"""Which handedness is asked for in training: that of the positions, where bonds say which atoms are meant."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.config.train import TaskShares
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.handedness import directions, signed_volume
from moldiff.molecules.levels import Given
from moldiff.molecules.pairs import pair_number
from moldiff.training.chirality import SMALLEST, all_hands, asked_hands
from moldiff.training.tasks import TaskMixture
from tests import tiny

VOCABULARY = Vocabulary((1, 6, 7, 8), (-1, 0, 1), placeholder=True)
NONE = dict.fromkeys(TaskShares.model_fields, 0.0)


def branched(*sizes: int, seed: int = 0) -> MoleculeBatch:
    """Carbon trees in which every second atom branches, at random places."""
    blank = tiny.batch_of(*sizes, seed=seed)
    bond = torch.zeros_like(blank.bond)
    for number, size in enumerate(sizes):
        for atom in range(1, size):
            bond[number, pair_number(torch.tensor((atom - 1) // 2), torch.tensor(atom))] = 1
    return blank.replace(bond=bond, element=torch.ones_like(blank.element) * blank.mask)


def conformer(batch: MoleculeBatch) -> Given:
    return Given.of(batch, element=True, charge=True, bond=True)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 9999))
def test_hands_are_those_of_the_positions_and_turn_over_with_them(seed: int) -> None:
    batch = branched(9, 4, 1, seed=seed)
    hands = all_hands(batch, conformer(batch), VOCABULARY)
    sign, named = hands[..., 0], hands[..., 1:]
    volume = signed_volume(directions(batch.pos, hands))
    asked = sign != 0
    assert (volume.sign() == sign)[asked].all()
    assert (volume.abs() > SMALLEST)[asked].all()
    matrix = batch.bond_matrix
    for molecule, atom in asked.nonzero().tolist():
        near = named[molecule, atom]
        assert near.unique().numel() == 3
        assert (matrix[molecule, atom, near] > 0).all()
    mirrored = all_hands(batch.replace(pos=-batch.pos), conformer(batch), VOCABULARY)
    assert torch.equal(mirrored[..., 0], -sign)
    assert torch.equal(mirrored[..., 1:], named)


def test_a_flat_centre_and_one_of_hydrogens_have_no_hand() -> None:
    pos = torch.tensor([[[0.0, 0, 0.5], [1, 0, 0], [-0.5, 0.87, 0], [-0.5, -0.87, 0]]]).double()
    batch = branched(4).replace(pos=pos, bond=torch.tensor([[1, 1, 0, 1, 0, 0]]))
    assert all_hands(batch, conformer(batch), VOCABULARY)[0, 0].tolist() == [-1, 1, 2, 3]
    flat = batch.replace(pos=pos * torch.tensor([1.0, 1.0, 0.1]))
    assert not all_hands(flat, conformer(flat), VOCABULARY).any()
    hydrogen = batch.replace(element=torch.tensor([[1, 1, 1, 0]]))
    assert not all_hands(hydrogen, conformer(hydrogen), VOCABULARY).any()


def test_nothing_is_asked_where_bonds_are_not_given_or_all_positions_are() -> None:
    batch = branched(9, 9)
    assert all_hands(batch, conformer(batch), VOCABULARY).any()
    assert not all_hands(batch, Given.of(batch, pos=True, element=True), VOCABULARY).any()
    assert not all_hands(batch, Given.of(batch, pos=True, element=True, bond=True), VOCABULARY).any()


def test_an_open_centre_names_itself_in_place_of_its_new_neighbour() -> None:
    pos = torch.tensor([[[0.0, 0, 0.5], [1, 0, 0], [-0.5, 0.87, 0], [-0.5, -0.87, 0]]]).double()
    bond = torch.tensor([[1, 1, 0, 1, 0, 0]])
    for new in (1, 2, 3):
        batch = branched(4).replace(pos=pos, bond=bond)
        part = (torch.arange(4) != new)[None]
        hands = all_hands(batch, Given.fragment(batch, part, None), VOCABULARY)
        kept = [atom for atom in (1, 2, 3) if atom != new]
        volume = torch.linalg.det(pos[0, [*kept, new]] - pos[0, 0])
        assert hands[0, 0].tolist() == [int(volume.sign()), *kept, 0]
        assert not hands[0, 1:].any()


def test_of_some_molecules_nothing_is_asked_of_some_all_and_of_some_a_part() -> None:
    batch = branched(*[15] * 400)
    everything = all_hands(batch, conformer(batch), VOCABULARY)[..., 0] != 0
    shown = asked_hands(batch, conformer(batch), VOCABULARY, tiny.seeded())[..., 0] != 0
    assert not (shown & ~everything).any()
    share = (shown.sum(1) / everything.sum(1).clamp_min(1))[everything.sum(1) > 1]
    assert 0.15 < (share == 0).double().mean() < 0.45
    assert 0.4 < (share == 1).double().mean() < 0.7
    assert ((share > 0) & (share < 1)).any()


@pytest.mark.parametrize("chirality", [False, True])
def test_the_tasks_ask_if_the_network_knows_hands(chirality: bool) -> None:
    batch = branched(9, 12, 5)
    mixture = TaskMixture(TaskShares(**{**NONE, "conformer": 1.0}), VOCABULARY, 0.3, chirality)
    made = [mixture(batch, tiny.seeded(seed))[0].handedness for seed in range(8)]
    assert {one.shape for one in made} == ({(3, 12, 4)} if chirality else {(3, 0, 4)})
    assert any(one.any() for one in made) == chirality
    fresh = TaskMixture(TaskShares(**{**NONE, "new": 1.0}), VOCABULARY, 0.3, chirality)(batch, tiny.seeded())[0]
    assert not fresh.handedness.any()
    assert fresh.handedness.shape[1] == (fresh.mask.shape[1] if chirality else 0)
