"""Patterns of given places: what each task gives, of molecules whose graph is known, and what a seed decides."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.config.train import TaskShares
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.levels import Given
from moldiff.molecules.pairs import pair_number
from moldiff.training.tasks import TaskMixture
from tests import tiny

NONE = dict.fromkeys(TaskShares.model_fields, 0.0)
VOCABULARY = Vocabulary(tiny.VOCABULARY.elements, tiny.VOCABULARY.charges, placeholder=True)
EXPLICIT = Vocabulary((1, 6, 7, 8), (-1, 0, 1), placeholder=True)


def mixture(task: str, *, placeholders: float = 0.0, vocabulary: Vocabulary = VOCABULARY) -> TaskMixture:
    return TaskMixture(TaskShares(**{**NONE, task: 1.0}), vocabulary, placeholders)


def chains(*sizes: int, seed: int = 0) -> MoleculeBatch:
    """Chains of single bonds with a branch at the third atom; positions are random."""
    blank = tiny.batch_of(*sizes, seed=seed)
    bond = torch.zeros_like(blank.bond)
    for number, size in enumerate(sizes):
        for atom in range(1, size):
            before = 1 if atom == 3 else atom - 1
            bond[number, pair_number(torch.tensor(before), torch.tensor(atom))] = 1
    return blank.replace(bond=bond)


def across(batch: MoleculeBatch, atoms: torch.Tensor) -> torch.Tensor:
    """Pairs of which one atom is marked."""
    return (atoms[:, batch.pairs.row] ^ atoms[:, batch.pairs.column]) & batch.pair_mask


def test_nothing_is_given_and_no_random_number_is_spent_for_new_molecules():
    batch, random = chains(6, 9), tiny.seeded(3)
    made, pattern = TaskMixture(TaskShares(**{**NONE, "new": 2.0}), VOCABULARY)(batch, random)
    assert not any(getattr(pattern, name).any() for name in ("pos", "element", "charge", "bond"))
    assert torch.equal(random.get_state(), tiny.seeded(3).get_state())
    assert torch.equal(made.bond, batch.bond)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 9999), task=st.sampled_from(["fragment", "fragments"]))
def test_a_part_is_given_with_its_pose_and_its_open_atoms_stay_open(seed: int, task: str):
    batch, pattern = mixture(task, placeholders=0.2)(chains(5, 12, 20, seed=seed), tiny.seeded(seed))
    part = pattern.pos
    assert torch.equal(part, pattern.element)
    assert torch.equal(part, pattern.charge)
    inside = batch.pairs.real(part)
    assert torch.equal(pattern.bond & inside, inside)
    assert not (part & (batch.element == 4)).any(), "a placeholder is never given"
    # a given pair that leaves the part is one without a bond, so a bond to the rest is always free
    assert not batch.bond[pattern.bond & across(batch, part)].any()
    assert part.any() or task == "fragments"


def test_closed_atoms_are_drawn_all_none_or_some():
    shares = []
    for seed in range(60):
        batch, pattern = mixture("fragment")(chains(12, 14, seed=seed), tiny.seeded(seed))
        for number in range(2):
            one = Given(*(getattr(pattern, name)[number : number + 1] for name in ("pos", "element", "charge", "bond")))
            own = batch.select(torch.tensor([number]))
            leaving = across(own, one.pos)
            shares.append(round(float((one.bond & leaving).sum() / leaving.sum()), 2))
    assert 0.0 in shares
    assert len(set(shares)) > 4


def test_conformers_have_their_graph_and_no_placeholder():
    batch, pattern = mixture("conformer", placeholders=0.3)(chains(6, 9), tiny.seeded())
    assert batch.sizes.tolist() == [6, 9]
    assert not pattern.pos.any()
    assert torch.equal(pattern.element, batch.mask)
    assert torch.equal(pattern.charge, batch.mask)
    assert torch.equal(pattern.bond, batch.pair_mask)


def test_bare_coordinates_have_positions_and_elements():
    batch, pattern = mixture("bonds", placeholders=0.3)(chains(6, 9), tiny.seeded())
    assert torch.equal(pattern.pos, batch.mask)
    assert torch.equal(pattern.element, batch.mask)
    assert not pattern.charge.any()
    assert not pattern.bond.any()


def test_hydrogens_are_free_and_their_bonds_known_half_of_the_time():
    batch = chains(*[9] * 40)
    hydrogens = torch.arange(9) >= 5
    batch = batch.replace(element=torch.where(hydrogens, 0, 1).expand(40, 9))
    _, pattern = mixture("hydrogens", vocabulary=EXPLICIT)(batch, tiny.seeded())
    assert torch.equal(pattern.pos, ~hydrogens.expand(40, 9))
    known = pattern.element.all(1)
    assert 10 < known.sum() < 30
    assert torch.equal(pattern.bond.all(1), known)
    assert torch.equal(pattern.element[~known], ~hydrogens.expand(int((~known).sum()), 9))
    _, pattern = mixture("hydrogens")(chains(6), tiny.seeded())
    assert not pattern.pos.any(), "a set without hydrogens has none to find"


def test_shares_come_out_as_asked():
    shares = TaskShares(**{**NONE, "new": 3.0, "conformer": 1.0})
    _, pattern = TaskMixture(shares, VOCABULARY)(chains(*[4] * 400), tiny.seeded())
    assert 70 < pattern.element.any(1).sum() < 130


@pytest.mark.parametrize("size", [1, 2])
def test_the_smallest_molecules_pass_every_task(size: int):
    for task in TaskShares.model_fields:
        batch, pattern = mixture(task, placeholders=0.3)(chains(size), tiny.seeded())
        assert batch.pos.isfinite().all()
        if size == 1:
            assert not pattern.pos.any()


def test_the_same_random_numbers_give_the_same_patterns():
    mix = TaskMixture(TaskShares(), VOCABULARY, 0.2)
    one, two = (mix(chains(8, 11, 14), tiny.seeded(5)) for _ in range(2))
    assert all(torch.equal(getattr(one[0], name), getattr(two[0], name)) for name in ("pos", "element", "mask"))
    assert all(torch.equal(getattr(one[1], name), getattr(two[1], name)) for name in ("pos", "bond"))


def test_properties_are_hidden_at_random():
    batch = chains(*[3] * 600)
    batch = batch.replace(properties=torch.rand(600, 3).double())
    made, _ = mixture("new")(batch, tiny.seeded())
    shown = ~made.properties.isnan()
    assert torch.equal(made.properties[shown], batch.properties[shown])
    assert 0.36 < shown.double().mean() < 0.49  # half of 85 %
    assert 0.2 < (~shown.any(1)).double().mean() < 0.45  # 15 %, and those whose own chance was low: 15 + 85/4 %
