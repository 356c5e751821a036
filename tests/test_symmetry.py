"""The assertion itself is tested: what is broken on purpose must fail it, each for its own reason."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from moldiff.molecules.batch import MoleculeBatch, Prediction, centred
from moldiff.molecules.levels import Given, Levels
from tests import tiny
from tests.symmetry import assert_equivariant, changes

Denoiser = Callable[[MoleculeBatch, Levels, Prediction | None], Prediction]


def honest(batch: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    """Equivariant by inspection: everything follows from distances, levels and classes of real atoms."""
    frame = levels.frame(batch.mask)
    pos = centred(batch.pos, frame, batch.mask)
    pair = batch.pairs
    between = (pos[:, pair.row] - pos[:, pair.column]).square().sum(-1) * batch.pair_mask
    near = (pair.matrix(between).sum(-1) * levels.highest[:, None] + levels.element)[:, :, None]
    element = torch.cat([near, batch.element[..., None] * near], -1)
    bond = torch.stack([between, batch.bond * between, between**2, between + 1 + levels.bond], -1)
    moved = torch.where(levels.pos[:, :, None] == 0, pos, pos * near)
    return Prediction(centred(moved, frame, batch.mask), element, near + 1, bond)


def constant_vector(batch: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    made, arrow = honest(batch, levels, previous), torch.tensor([0.0, 0.0, 1e-3], dtype=torch.float64)
    near = made.charge / made.charge.amax()
    return replaced(made, pos=centred(made.pos + near * arrow, batch.mask))


def cross_product(batch: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    made, pos = honest(batch, levels, previous), centred(batch.pos, batch.mask)
    weighted = (pos * pos.square().sum(-1, keepdim=True)).sum(1, keepdim=True)
    return replaced(made, pos=made.pos + torch.linalg.cross(pos, weighted.expand_as(pos)))


def absolute_position(batch: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    made = honest(batch, levels, previous)
    return replaced(made, element=made.element + batch.pos.norm(dim=-1, keepdim=True))


def atom_number(batch: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    made = honest(batch, levels, previous)
    return replaced(made, charge=made.charge + 1e-6 * torch.arange(batch.mask.shape[1])[:, None])


def seen_padding(batch: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    made = honest(batch, levels, previous)
    return replaced(made, element=made.element + made.charge.mean(1, keepdim=True))


def mixed_molecules(batch: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    made = honest(batch, levels, previous)
    return replaced(made, bond=made.bond + batch.sizes.to(batch.pos).mean())


def one_sided_bonds(batch: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    made = honest(batch, levels, previous)
    return replaced(made, bond=made.bond + made.element[:, batch.pairs.row, :1])


def ignored_frame(batch: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    made = honest(batch, levels, previous)
    return replaced(made, pos=centred(made.pos, batch.mask))


def replaced(prediction: Prediction, **fields: Tensor) -> Prediction:
    return Prediction(**{**vars(prediction), **fields})


@pytest.fixture
def batch() -> MoleculeBatch:
    return tiny.batch_of(6, 4, 2)


def test_what_follows_from_distances_passes(batch: MoleculeBatch) -> None:
    assert_equivariant(honest, batch, tiny.at(batch, 0.5, 1.0, 2.0))


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 9999))
def test_what_follows_from_distances_passes_whatever_is_given(seed: int) -> None:
    batch = tiny.batch_of(6, 4, 2, 1, 5, seed=seed)
    assert_equivariant(honest, batch, tiny.at(batch, 0.5, 1.0, 2.0, 3.0, 0.1, given=tiny.pattern(batch, seed)))


def test_ignored_frame_fails_where_positions_are_given_and_there_alone(batch: MoleculeBatch) -> None:
    assert_equivariant(ignored_frame, batch, tiny.at(batch, 0.5, 1.0, 2.0))
    some = Given.of(batch, pos=torch.arange(6) < 2)
    with pytest.raises(AssertionError, match="^frame of positions"):
        assert_equivariant(ignored_frame, batch, tiny.at(batch, 0.5, 1.0, 2.0, given=some))


@pytest.mark.parametrize(
    ("broken", "symmetry"),
    [
        (constant_vector, "rotation of positions"),
        (cross_product, "reflection of positions"),
        (absolute_position, "translation of elements"),
        (atom_number, "permutation of charges"),
        (seen_padding, "padding of elements"),
        (mixed_molecules, "company of bonds"),
        (one_sided_bonds, "permutation of bonds"),
    ],
)
def test_what_is_broken_fails_for_its_reason(broken: Denoiser, symmetry: str, batch: MoleculeBatch) -> None:
    with pytest.raises(AssertionError, match=f"^{symmetry}"):
        assert_equivariant(broken, batch, tiny.at(batch, 0.5, 1.0, 2.0))


def test_single_precision_is_refused(batch: MoleculeBatch) -> None:
    with pytest.raises(AssertionError, match="float64"):
        assert_equivariant(honest, batch.to("cpu", torch.float32), tiny.at(batch, 1.0))


def test_every_change_changes_something(batch: MoleculeBatch) -> None:
    for change in changes(batch.mask):
        changed = change.batch(batch)
        assert changed.pos.shape != batch.pos.shape or not torch.equal(changed.pos, batch.pos), change.name
