import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.diffusion.modality import Modality, Move
from moldiff.diffusion.process import Process, State
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.pairs import pair_count
from tests import tiny
from tests.symmetry import assert_close

SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=4)


def assert_whole(batch: MoleculeBatch) -> None:
    """What holds for every batch of molecules, however noisy."""
    assert not batch.bond[~batch.pair_mask].any()
    assert not batch.pos[~batch.mask].any()
    assert batch.pos.sum(1).abs().max() < 1e-9
    for classes, known in ((batch.element, 4), (batch.charge, 3), (batch.bond, 4)):
        assert not classes.numel() or 0 <= int(classes.min()) <= int(classes.max()) < known
    assert not batch.element[~batch.mask].any()
    assert not batch.charge[~batch.mask].any()


def random_prediction(batch: MoleculeBatch, seed: int = 0) -> Prediction:
    generator = tiny.seeded(seed)
    molecules, atoms = batch.mask.shape
    element, charge, bond = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((molecules, atoms, 4), (molecules, atoms, 3), (molecules, pair_count(atoms), 4))
    )
    return Prediction(batch.pos * 0.5, element, charge, bond)


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
    low, high = tiny.at(clean, 0.7), tiny.at(clean, 2.0)
    assert_whole(clean)
    noisy = process.corrupt(clean, low, tiny.seeded(seed))
    assert_whole(noisy)
    raised = process.renoise(noisy, low, high, tiny.seeded(seed))
    assert_whole(raised)
    for lower in (0.3, 0.0):
        move = Move(high, tiny.at(clean, lower), eta)
        assert_whole(process.step(raised, random_prediction(clean, seed), move, tiny.seeded(seed)))


@settings(deadline=None, max_examples=25)
@given(sizes=SIZES, seed=st.integers(0, 9999), eta=st.sampled_from([0.0, 1.0]), scale=st.sampled_from([1.0, 1.75]))
def test_every_loop_keeps_given_places_to_the_last_bit(sizes: list[int], seed: int, eta: float, scale: float) -> None:
    process, clean = tiny.process(), tiny.batch_of(*sizes, seed=seed)
    pattern, random = tiny.pattern(clean, seed), tiny.seeded(seed)
    low, high, lower, zero = (tiny.at(clean, sigma, given=pattern) for sigma in (0.7, 2.0, 0.3, 0.0))
    prior, noisy = process.prior(clean, high, random), process.corrupt(clean, low, random)
    raised = process.renoise(noisy, low, high, random)
    predicted = random_prediction(clean, seed)
    stepped = process.step(raised, predicted, Move(high, lower, eta, scale=scale), random)
    last = process.step(stepped, predicted, Move(lower, zero, eta), random)
    for state in (prior, noisy, raised, stepped, last):
        for name in process.modalities:
            mask = getattr(pattern, name)
            assert torch.equal(getattr(state, name)[mask], getattr(clean, name)[mask]), name


def test_what_is_given_has_no_loss_and_its_logits_do_not_matter() -> None:
    process, clean = tiny.process(), tiny.batch_of(5, 3)
    pattern = tiny.pattern(clean, 3)
    levels = tiny.at(clean, 0.7, given=pattern)
    predicted = random_prediction(clean)
    wild = {}
    for name in process.modalities:
        values, mask = getattr(predicted, name), getattr(pattern, name)
        wild[name] = torch.where(mask.reshape(*mask.shape, 1), values * 3 - 7, values)
    expected, actual = process.loss(predicted, clean, levels), process.loss(Prediction(**wild), clean, levels)
    assert all(torch.equal(actual[name], loss) for name, loss in expected.items())
    assert all(float(loss.sum()) > 0 for loss in expected.values())
    everything = tiny.at(clean, 0.0)
    assert not any(loss.any() for loss in process.loss(predicted, clean, everything).values())


def test_logits_at_given_places_that_are_no_numbers_lose_no_molecule() -> None:
    clean, predicted = tiny.batch_of(4), random_prediction(tiny.batch_of(4))
    pattern = replace(tiny.pattern(clean, 1), bond=torch.arange(6)[None] == 2)
    predicted.bond[0, 2, 1] = torch.nan
    move = Move(tiny.at(clean, 1.0, given=pattern), tiny.at(clean, 0.5, given=pattern))
    stepped = tiny.process().step(clean, predicted, move, tiny.seeded())
    assert stepped.pos.isfinite().all()
    assert stepped.bond[0, 2] == clean.bond[0, 2]


def test_modalities_and_molecules_are_what_the_process_asks_for() -> None:
    assert all(isinstance(one, Modality) for one in tiny.process().modalities.values())
    assert isinstance(tiny.batch_of(3), State)


def test_process_of_some_modalities_leaves_the_other_fields_alone() -> None:
    clean = tiny.batch_of(4, 3)
    only = Process({"element": tiny.process().modalities["element"]})
    noisy = only.corrupt(clean, tiny.at(clean, 1e6), tiny.seeded())
    assert not torch.equal(noisy.element, clean.element)
    assert all(getattr(noisy, name) is getattr(clean, name) for name in ("pos", "charge", "bond", "mask"))


def test_changed_process_is_a_copy() -> None:
    process = tiny.process()
    other = process.changed(bond={"weight": 2.0, "of_pairs": False}, element={"scale": 0.5})
    assert (other.weights["bond"], process.weights["bond"]) == (2.0, 0.5)
    assert other.modalities["pos"] is process.modalities["pos"]
    assert float(other.modalities["element"].alpha(tiny.levels(0.5))) == 0.5


def test_no_noise_changes_nothing() -> None:
    clean = tiny.batch_of(5, 3)
    zero = tiny.at(clean, 0.0)
    for result in (
        tiny.process().corrupt(clean, zero, tiny.seeded()),
        tiny.process().renoise(clean, zero, zero, tiny.seeded()),
    ):
        assert all(torch.equal(getattr(result, name), value) for name, value in vars(clean).items())


def test_exact_prediction_has_no_loss() -> None:
    clean = tiny.batch_of(5, 3, 1)
    losses = tiny.process().loss(exact_prediction(clean), clean, tiny.at(clean, 0.1, 1.0, 5.0))
    assert set(losses) == {"pos", "element", "charge", "bond"}
    assert all(not loss.any() for loss in losses.values())


@settings(deadline=None, max_examples=25)
@given(sizes=SIZES, more=st.integers(1, 4), seed=st.integers(0, 99))
def test_loss_does_not_see_padding(sizes: list[int], more: int, seed: int) -> None:
    process, clean = tiny.process(), tiny.batch_of(*sizes, seed=seed)
    predicted, sigma = random_prediction(clean, seed), torch.linspace(0.1, 3, len(sizes)).tolist()
    pad, pairs = torch.nn.functional.pad, pair_count(clean.mask.shape[1] + more) - clean.bond.shape[1]
    wider = MoleculeBatch(
        pad(clean.pos, (0, 0, 0, more)),
        *(pad(values, (0, more)) for values in (clean.element, clean.charge)),
        pad(clean.bond, (0, pairs)),
        pad(clean.mask, (0, more)),
    )
    padded = Prediction(
        pad(predicted.pos, (0, 0, 0, more)),
        *(pad(values, (0, 0, 0, more), value=7.0) for values in (predicted.element, predicted.charge)),
        pad(predicted.bond, (0, 0, 0, pairs), value=7.0),
    )
    expected = process.loss(predicted, clean, tiny.at(clean, *sigma))
    actual = process.loss(padded, wider, tiny.at(wider, *sigma))
    for name, loss in expected.items():
        assert_close(name, actual[name], loss)
    assert_close("total", process.total(actual), process.total(expected))


def test_loss_of_bonds_is_their_cross_entropy_an_atom() -> None:
    """Every pair of a molecule of 5 atoms and of one of 3 is uncertain between all four orders: log 4 each."""
    clean = tiny.batch_of(5, 3)
    exact = exact_prediction(clean)
    unsure = Prediction(exact.pos, exact.element, exact.charge, torch.zeros_like(exact.bond))
    loss = tiny.process().loss(unsure, clean, tiny.at(clean, 0.1, 1.0))["bond"]
    assert_close("bond", loss, math.log(4) * tiny.levels(10 / 5, 3 / 3))


def test_total_is_the_weighted_mean() -> None:
    losses = {name: tiny.levels(1.0, 3.0) for name in ("pos", "element", "charge", "bond")}
    assert float(tiny.process().total(losses)) == pytest.approx(2 * (1 + 0.4 + 0.4 + 0.5))


def test_molecule_predicted_as_no_number_is_lost_and_its_neighbour_is_not() -> None:
    clean = tiny.batch_of(4, 4)
    predicted = random_prediction(clean)
    predicted.bond[0, 1, 2] = torch.nan
    move = Move(tiny.at(clean, 1.0), tiny.at(clean, 0.5))
    stepped = tiny.process().step(clean, predicted, move, tiny.seeded())
    assert stepped.pos[0].isnan().all()
    assert stepped.pos[1].isfinite().all()


def test_noise_of_training_is_log_normal() -> None:
    drawn = NoiseDistribution().draw(20_000, tiny.seeded()).log()
    assert float(drawn.mean()) == pytest.approx(-1.0, abs=5 * 1.4 / 20_000**0.5)
    assert float(drawn.std()) == pytest.approx(1.4, rel=0.03)
