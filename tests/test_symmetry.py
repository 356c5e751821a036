"""The assertion itself is tested: what is broken on purpose must fail it, each for its own reason."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from moldiff.molecules.batch import MoleculeBatch, Prediction, centred
from tests import tiny
from tests.symmetry import assert_equivariant, changes

Denoiser = Callable[[MoleculeBatch, Tensor, Prediction | None], Prediction]


def honest(batch: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
    """Equivariant by inspection: everything follows from distances and classes of real atoms."""
    pos, real = centred(batch.pos, batch.mask), batch.mask.to(batch.pos.dtype)
    between = (pos[:, :, None] - pos[:, None]).square().sum(-1) * batch.pair_mask
    near = between.sum(-1, keepdim=True) * sigma[:, None, None]
    element = torch.cat([near, batch.element[..., None] * near], -1)
    bond = torch.stack([between, batch.bond * between, between**2, between + 1], -1)
    return Prediction(centred(pos * near, batch.mask) * real[:, :, None], element, near + 1, bond)


def constant_vector(batch: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
    made, arrow = honest(batch, sigma, previous), torch.tensor([0.0, 0.0, 1e-3], dtype=torch.float64)
    near = made.charge / made.charge.amax()
    return replaced(made, pos=centred(made.pos + near * arrow, batch.mask))


def cross_product(batch: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
    made, pos = honest(batch, sigma, previous), centred(batch.pos, batch.mask)
    weighted = (pos * pos.square().sum(-1, keepdim=True)).sum(1, keepdim=True)
    return replaced(made, pos=made.pos + torch.linalg.cross(pos, weighted.expand_as(pos)))


def absolute_position(batch: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
    made = honest(batch, sigma, previous)
    return replaced(made, element=made.element + batch.pos.norm(dim=-1, keepdim=True))


def atom_number(batch: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
    made = honest(batch, sigma, previous)
    return replaced(made, charge=made.charge + 1e-6 * torch.arange(batch.mask.shape[1])[:, None])


def seen_padding(batch: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
    made = honest(batch, sigma, previous)
    return replaced(made, element=made.element + made.charge.mean(1, keepdim=True))


def mixed_molecules(batch: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
    made = honest(batch, sigma, previous)
    return replaced(made, bond=made.bond + batch.sizes.to(sigma).mean())


def one_sided_bonds(batch: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
    made = honest(batch, sigma, previous)
    return replaced(made, bond=made.bond.triu() + made.bond)


def replaced(prediction: Prediction, **fields: Tensor) -> Prediction:
    return Prediction(**{**vars(prediction), **fields})


@pytest.fixture
def batch() -> MoleculeBatch:
    return tiny.batch_of(6, 4, 2)


def test_what_follows_from_distances_passes(batch: MoleculeBatch) -> None:
    assert_equivariant(honest, batch, tiny.levels(0.5, 1.0, 2.0))


@pytest.mark.parametrize(
    ("broken", "symmetry"),
    [
        (constant_vector, "rotation of positions"),
        (cross_product, "reflection of positions"),
        (absolute_position, "translation of elements"),
        (atom_number, "permutation of charges"),
        (seen_padding, "padding of elements"),
        (mixed_molecules, "company of bonds"),
        (one_sided_bonds, "mirrored bonds"),
    ],
)
def test_what_is_broken_fails_for_its_reason(broken: Denoiser, symmetry: str, batch: MoleculeBatch) -> None:
    with pytest.raises(AssertionError, match=f"^{symmetry}"):
        assert_equivariant(broken, batch, tiny.levels(0.5, 1.0, 2.0))


def test_single_precision_is_refused(batch: MoleculeBatch) -> None:
    with pytest.raises(AssertionError, match="float64"):
        assert_equivariant(honest, batch.to("cpu", torch.float32), torch.ones(3))


def test_every_change_changes_something(batch: MoleculeBatch) -> None:
    for change in changes(batch.mask):
        changed = change.batch(batch)
        assert changed.pos.shape != batch.pos.shape or not torch.equal(changed.pos, batch.pos), change.name
