import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.diffusion.process import NoiseDistribution, mirrored, unordered_pairs
from moldiff.molecules.batch import MoleculeBatch, Prediction
from tests import tiny
from tests.symmetry import assert_close

SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=4)


def assert_whole(batch: MoleculeBatch) -> None:
    """What holds for every batch of molecules, however noisy."""
    assert torch.equal(batch.bond, batch.bond.transpose(1, 2))
    assert not batch.bond[~batch.pair_mask].any()
    assert not batch.pos[~batch.mask].any()
    assert batch.pos.sum(1).abs().max() < 1e-9
    for classes, known in ((batch.element, 4), (batch.charge, 3), (batch.bond, 4)):
        assert 0 <= int(classes.min()) <= int(classes.max()) < known
    assert not batch.element[~batch.mask].any()
    assert not batch.charge[~batch.mask].any()


def random_prediction(batch: MoleculeBatch, seed: int = 0) -> Prediction:
    generator = tiny.seeded(seed)
    molecules, atoms = batch.mask.shape
    element, charge, bond = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((molecules, atoms, 4), (molecules, atoms, 3), (molecules, atoms, atoms, 4))
    )
    return Prediction(batch.pos * 0.5, element, charge, bond + bond.transpose(1, 2))


def exact_prediction(clean: MoleculeBatch) -> Prediction:
    """The molecules themselves, as sure as numbers can be."""
    one_hot = torch.nn.functional.one_hot
    element, charge, bond = (
        (one_hot(classes, channels).double() - 1) * 1e4
        for classes, channels in ((clean.element, 4), (clean.charge, 3), (clean.bond, 4))
    )
    return Prediction(clean.pos, element, charge, bond)


@settings(deadline=None, max_examples=25)
@given(sizes=SIZES, seed=st.integers(0, 99), eta=st.sampled_from([0.0, 1.0]))
def test_every_verb_keeps_molecules_whole(sizes: list[int], seed: int, eta: float) -> None:
    process, clean = tiny.process(), tiny.batch_of(*sizes, seed=seed)
    one = torch.ones(len(sizes), dtype=torch.float64)
    assert_whole(clean)
    noisy = process.corrupt(clean, one * 0.7, tiny.seeded(seed))
    assert_whole(noisy)
    raised = process.raise_noise(noisy, one * 0.7, one * 2, tiny.seeded(seed))
    assert_whole(raised)
    for lower in (one * 0.3, one * 0):
        assert_whole(process.step(raised, random_prediction(clean, seed), one * 2, lower, tiny.seeded(seed), eta))


def test_no_noise_changes_nothing() -> None:
    clean, zero = tiny.batch_of(5, 3), tiny.levels(0.0, 0.0)
    for result in (
        tiny.process().corrupt(clean, zero, tiny.seeded()),
        tiny.process().raise_noise(clean, zero, zero, tiny.seeded()),
    ):
        assert all(torch.equal(getattr(result, name), value) for name, value in vars(clean).items())


def test_exact_prediction_has_no_loss() -> None:
    clean = tiny.batch_of(5, 3, 1)
    losses = tiny.process().loss(exact_prediction(clean), clean, tiny.levels(0.1, 1.0, 5.0))
    assert set(losses) == {"pos", "element", "charge", "bond"}
    assert all(not loss.any() for loss in losses.values())


@settings(deadline=None, max_examples=25)
@given(sizes=SIZES, more=st.integers(1, 4), seed=st.integers(0, 99))
def test_loss_does_not_see_padding(sizes: list[int], more: int, seed: int) -> None:
    process, clean = tiny.process(), tiny.batch_of(*sizes, seed=seed)
    predicted, sigma = random_prediction(clean, seed), torch.linspace(0.1, 3, len(sizes), dtype=torch.float64)
    pad = torch.nn.functional.pad
    wider = MoleculeBatch(
        pad(clean.pos, (0, 0, 0, more)),
        *(pad(values, (0, more)) for values in (clean.element, clean.charge)),
        pad(clean.bond, (0, more, 0, more)),
        pad(clean.mask, (0, more)),
    )
    padded = Prediction(
        pad(predicted.pos, (0, 0, 0, more)),
        *(pad(values, (0, 0, 0, more), value=7.0) for values in (predicted.element, predicted.charge)),
        pad(predicted.bond, (0, 0, 0, more, 0, more), value=7.0),
    )
    expected, actual = process.loss(predicted, clean, sigma), process.loss(padded, wider, sigma)
    for name, loss in expected.items():
        assert_close(name, actual[name], loss)
    assert_close("total", process.total(actual), process.total(expected))


def test_loss_of_bonds_is_their_cross_entropy_an_atom() -> None:
    """Every pair of a molecule of 5 atoms and of one of 3 is uncertain between all four orders: log 4 each."""
    clean = tiny.batch_of(5, 3)
    exact = exact_prediction(clean)
    unsure = Prediction(exact.pos, exact.element, exact.charge, torch.zeros_like(exact.bond))
    loss = tiny.process().loss(unsure, clean, tiny.levels(0.1, 1.0))["bond"]
    assert_close("bond", loss, math.log(4) * tiny.levels(10 / 5, 3 / 3))


def test_total_is_the_weighted_mean() -> None:
    losses = {name: tiny.levels(1.0, 3.0) for name in ("pos", "element", "charge", "bond")}
    assert float(tiny.process().total(losses)) == pytest.approx(2 * (1 + 0.4 + 0.4 + 0.5))


def test_molecule_predicted_as_no_number_is_lost_and_its_neighbour_is_not() -> None:
    clean, level = tiny.batch_of(4, 4), tiny.levels(1.0, 1.0)
    predicted = random_prediction(clean)
    predicted.bond[0, 1, 2, 3] = torch.nan
    stepped = tiny.process().step(clean, predicted, level, level / 2, tiny.seeded())
    assert stepped.pos[0].isnan().all()
    assert stepped.pos[1].isfinite().all()


def test_unordered_pairs_and_their_mirror() -> None:
    mask = tiny.mask_of(4, 2)
    real, (row, column) = unordered_pairs(mask)
    assert (row < column).all()
    assert real.sum(1).tolist() == [6, 1]
    matrix = mirrored(torch.arange(1, 7)[None], 4)
    assert torch.equal(matrix[:, row, column], torch.arange(1, 7)[None])
    assert torch.equal(matrix, matrix.transpose(1, 2))
    assert not matrix.diagonal(dim1=1, dim2=2).any()


def test_noise_of_training_is_log_normal() -> None:
    drawn = NoiseDistribution().draw(20_000, tiny.seeded()).log()
    assert float(drawn.mean()) == pytest.approx(-1.0, abs=5 * 1.4 / 20_000**0.5)
    assert float(drawn.std()) == pytest.approx(1.4, rel=0.03)
