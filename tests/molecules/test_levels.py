"""What is given, and the frame that follows from it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.molecules.batch import centred
from moldiff.molecules.levels import Given, Levels, frame_of
from tests import tiny
from tests.symmetry import assert_close

FIELDS = ("pos", "element", "charge", "bond")


def test_all_places_of_a_molecule_share_its_level_and_padding_has_none() -> None:
    batch = tiny.batch_of(4, 2)
    levels = tiny.at(batch, 0.5, 3.0)
    for name in FIELDS:
        assert torch.equal(getattr(levels, name), batch.places(name) * tiny.levels(0.5, 3.0)[:, None]), name
    assert levels.highest.tolist() == [0.5, 3.0]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 9999))
def test_given_places_are_at_level_zero_and_no_others(seed: int) -> None:
    batch = tiny.batch_of(6, 4, 1, seed=seed)
    pattern = tiny.pattern(batch, seed)
    levels = tiny.at(batch, 0.5, 1.0, 2.0, given=pattern)
    for name in FIELDS:
        assert torch.equal(getattr(levels, name) > 0, batch.places(name) & ~getattr(pattern, name)), name


def test_clocks_set_the_level_of_their_modality() -> None:
    batch = tiny.batch_of(3, 2)
    levels = Levels.of(tiny.levels(1.0, 4.0), batch, clocks={"bond": lambda sigma: sigma**2 / 2})
    assert levels.bond[:, 0].tolist() == [0.5, 8.0]
    assert levels.pos[:, 0].tolist() == [1.0, 4.0]
    assert levels.highest.tolist() == [1.0, 8.0]


def test_highest_is_zero_where_everything_is_given() -> None:
    batch = tiny.batch_of(3, 1)
    everything = Given.of(batch, pos=True, element=True, charge=True, bond=True)
    assert tiny.at(batch, 2.0, given=everything).highest.tolist() == [0, 0]
    bonds = Given.of(batch, pos=True, element=True, charge=True)
    assert tiny.at(batch, 2.0, given=bonds).highest.tolist() == [2, 0], "an atom alone has no bonds that are free"


def test_frame_is_the_given_atoms_or_all_of_them() -> None:
    mask = tiny.mask_of(4, 3)
    marked = torch.tensor([[True, False, True, False], [False] * 4])
    assert frame_of(marked, mask).tolist() == [[True, False, True, False], [True, True, True, False]]
    batch = tiny.batch_of(4, 3)
    levels = tiny.at(batch, 1.0, given=Given.of(batch, pos=marked))
    assert torch.equal(levels.frame(batch.mask), frame_of(marked, mask))


def test_centred_on_a_frame_moves_all_atoms_but_no_padding() -> None:
    pos, mask = torch.randn(2, 4, 3, generator=tiny.seeded(), dtype=torch.float64) + 5, tiny.mask_of(4, 3)
    frame = torch.tensor([[True, True, False, False], [False, True, False, False]])
    result = centred(pos, frame, mask)
    assert_close("first", result[0], pos[0] - pos[0, :2].mean(0))
    assert_close("second", result[1, :3], pos[1, :3] - pos[1, 1])
    assert not result[~mask].any()


def test_fragment_is_its_atoms_the_bonds_among_them_and_the_closed_bonds() -> None:
    batch = tiny.batch_of(4, 3)
    atoms, closed = torch.arange(4) < 2, torch.arange(4) == 0
    open_ends = Given.fragment(batch, atoms.expand(2, 4), None)
    index = batch.pairs
    assert open_ends.pos.tolist() == [[True, True, False, False]] * 2
    assert [(int(index.row[k]), int(index.column[k])) for k in open_ends.bond[0].nonzero()[:, 0]] == [(0, 1)]
    shut = Given.fragment(batch, atoms.expand(2, 4), closed.expand(2, 4))
    pairs = [(int(index.row[k]), int(index.column[k])) for k in shut.bond[0].nonzero()[:, 0]]
    assert pairs == [(0, 1), (0, 2), (0, 3)]
    assert int(shut.bond[1].sum()) == 2, "pairs with padding are no places"


def test_unknown_modality_is_named() -> None:
    with pytest.raises(TypeError, match="no such modality: bonds"):
        Given.of(tiny.batch_of(3), bonds=True)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 9999))
def test_back_from_the_frame_what_was_given_is_the_same_to_the_last_bit(seed: int) -> None:
    known = tiny.batch_of(6, 4, 1, seed=seed)
    known = known.replace(pos=(known.pos + 7.1) * known.mask[:, :, None])
    pattern = tiny.pattern(known, seed)
    framed = pattern.framed(known)
    back = pattern.unframed(known, framed)
    assert torch.equal(back.pos[pattern.pos], known.pos[pattern.pos])
    placed = pattern.pos.any(1)
    assert_close("positions", back.pos[placed], known.pos[placed])
    assert_close("centred", back.pos[~placed].sum(1), torch.zeros(int((~placed).sum()), 3).double())
