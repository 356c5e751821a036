"""Placeholders: how many, where, and that the stored histogram and marginals are those of what is trained on."""

import pytest
import torch

from moldiff.dataset.placeholders import (
    DECIDED,
    exactly,
    most_placeholders,
    offered_marginals,
    offered_sizes,
    placeholders,
    spare_atoms,
    with_placeholders,
)
from moldiff.molecules.batch import MoleculeBatch, Prediction, Vocabulary
from moldiff.molecules.denoiser import Denoiser
from moldiff.molecules.levels import Given, Levels
from tests import tiny

VOCABULARY = Vocabulary(tiny.VOCABULARY.elements, tiny.VOCABULARY.charges, placeholder=True)


def test_the_vocabulary_has_a_last_class_without_a_number():
    assert VOCABULARY.sizes["element"] == len(VOCABULARY.elements) + 1
    assert tiny.VOCABULARY.sizes["element"] == len(VOCABULARY.elements)
    with pytest.raises(ValueError, match="charge 0"):
        Vocabulary((6,), (-1, 1), placeholder=True)


def test_placeholders_stand_after_the_atoms_near_them_and_without_bonds():
    batch = tiny.batch_of(10, 30, 5, spread=20.0)
    made = with_placeholders(batch, 0.3, VOCABULARY, tiny.seeded(1), torch.tensor([True, True, False]))
    added = placeholders(made, VOCABULARY)
    assert made.sizes[2] == 5
    assert added.any(1).tolist() == [True, True, False]
    for name in ("pos", "element", "charge"):
        wide, before = getattr(made, name), getattr(batch, name)
        assert torch.equal(wide[:, : before.shape[1]][batch.mask], before[batch.mask])
    assert torch.equal(made.bond_matrix[:, :30, :30] * batch.mask[:, :, None], batch.bond_matrix)
    row, column = made.pairs.row, made.pairs.column
    assert not made.bond[added[:, row] | added[:, column]].any()
    assert (made.charge[added] == VOCABULARY.charges.index(0)).all()
    distances = torch.cdist(made.pos, batch.pos).masked_fill(~batch.mask[:, None, :], torch.inf).amin(2)[added]
    assert distances.max() < 5
    assert 0.5 < distances.mean() < 2


def test_numbers_are_uniform_from_none_to_the_share():
    batch = tiny.batch_of(*[10] * 3000)
    extra = with_placeholders(batch, 0.25, VOCABULARY, tiny.seeded(), torch.ones(3000, dtype=torch.bool)).sizes - 10
    assert most_placeholders(10, 0.25) == 3
    counts = torch.bincount(extra, minlength=4)
    assert len(counts) == 4
    assert (counts - 750).abs().max() < 110  # four and a half standard deviations


def test_offered_sizes_and_marginals_are_those_of_the_molecules():
    sizes = {10: 400, 20: 200, 3: 100}
    batch = tiny.batch_of(*[size for size, count in sizes.items() for _ in range(count)], seed=2)
    allowed = torch.ones(len(batch), dtype=torch.bool)
    batches = [with_placeholders(batch, 0.2, VOCABULARY, tiny.seeded(seed), allowed) for seed in range(20)]
    offered = offered_sizes(sizes, 0.2)
    assert sum(offered.values()) == pytest.approx(700)
    seen = torch.cat([made.sizes for made in batches])
    for size, count in offered.items():
        assert (seen == size).double().mean().item() == pytest.approx(count / 700, abs=0.01)
    own = {
        name: torch.bincount(getattr(batch, name)[batch.places(name)], minlength=VOCABULARY.sizes[name]).double()
        for name in ("element", "charge", "bond")
    }
    known = {name: (counts / counts.sum()).tolist() for name, counts in own.items()}
    known["element"].pop()
    expected = offered_marginals(known, sizes, 0.2, VOCABULARY)
    for name, shares in expected.items():
        assert sum(shares) == pytest.approx(1)
        values = torch.cat([getattr(made, name)[made.places(name)] for made in batches])
        counted = torch.bincount(values, minlength=len(shares)).double() / len(values)
        assert counted.tolist() == pytest.approx(shares, abs=0.01)


def test_a_vocabulary_without_a_placeholder_is_refused():
    batch = tiny.batch_of(4)
    with pytest.raises(ValueError, match="no placeholder"):
        with_placeholders(batch, 0.2, tiny.VOCABULARY, tiny.seeded(), torch.ones(1, dtype=torch.bool))
    assert not placeholders(batch, tiny.VOCABULARY).any()


def opinion(logits: torch.Tensor) -> Denoiser:
    """A denoiser with these logits of elements [molecule, atom, class], whatever it sees."""

    def denoise(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        nothing = torch.zeros(len(logits), noisy.bond.shape[1], 4, dtype=logits.dtype)
        return Prediction(noisy.pos, logits, logits[..., :3], nothing)

    return denoise


@pytest.mark.parametrize("spare", [1, 3, 6])
def test_as_many_placeholders_are_expected_as_are_asked_for(spare: int):
    batch = tiny.batch_of(9, 7)
    logits = 3 * torch.randn(2, 9, VOCABULARY.sizes["element"], generator=tiny.seeded(2), dtype=torch.float64)
    levels = tiny.at(batch, 2 * DECIDED)
    made = exactly(opinion(logits), spare)(batch, levels, None)
    shares = made.element.softmax(-1)[..., -1]
    assert torch.allclose((shares * batch.mask).sum(1), torch.full((2,), float(spare), dtype=torch.float64), atol=1e-6)
    assert torch.equal(made.element[..., :-1], logits[..., :-1]), "what the atoms are among themselves stays"
    order = (logits[..., -1] - logits[..., :-1].logsumexp(-1)).argsort(1)
    assert torch.equal(shares[0].argsort(), order[0]), "the likelier placeholder stays the likelier one"


def test_below_a_level_the_likeliest_free_atoms_are_placeholders_and_no_others():
    batch = tiny.batch_of(9, 7)
    logits = 3 * torch.randn(2, 9, VOCABULARY.sizes["element"], generator=tiny.seeded(3), dtype=torch.float64)
    logits[:, :2, -1] = 50.0  # given atoms, of which a placeholder is never made
    known = torch.zeros_like(batch.mask)
    known[:, :2] = True
    levels = tiny.at(batch, DECIDED, given=Given.of(batch, element=known))
    shares = exactly(opinion(logits), 3)(batch, levels, None).element.softmax(-1)[..., -1]
    assert torch.equal(shares.round(), shares)
    assert (shares * batch.mask).sum(1).tolist() == [3.0, 3.0]
    assert not shares[:, :2].any()
    assert not exactly(opinion(logits), 0)(batch, levels, None).element.softmax(-1)[..., -1].any()


def test_spare_atoms_are_half_as_many_again_as_a_training_offers():
    assert [spare_atoms(atoms, 0.2) for atoms in (1, 3, 10, 21, 40)] == [0, 2, 3, 6, 12]
    for atoms in range(1, 60):
        assert spare_atoms(atoms, 0.3) >= most_placeholders(atoms, 0.3)
        assert atoms + spare_atoms(atoms, 0.3) < atoms + 1 + spare_atoms(atoms + 1, 0.3)
    assert spare_atoms(30, 0.0) == 0
