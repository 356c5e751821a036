from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.config.sample import SampleOptions
from moldiff.diffusion import solvers
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, Statistics
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.sampling.sampler import (
    LARGEST_BATCH,
    Generated,
    Generator,
    batches_of,
    evaluations,
    grid,
    planned,
    reduced,
    restart_evaluations,
    restart_levels,
    solver,
    to_arrays,
    torch_threads,
)
from tests import tiny

SIZES = {3: 20, 5: 30, 9: 10}


@pytest.fixture
def generator() -> Generator:
    return Generator(Model(tiny.network().float(), Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, SIZES, "implicit")))


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 700), pairs=st.integers(100, 5000), seed=st.integers(0, 99))
def test_plan_holds_every_molecule_once_in_bounded_batches_of_one_size(n: int, pairs: int, seed: int) -> None:
    plan = planned(SampleOptions(n=n, batch_pairs=pairs, seed=seed), SIZES)
    assert sorted(index for batch in plan for index in batch.indices) == list(range(n))
    assert [batch.number for batch in plan] == list(range(len(plan)))
    for batch in plan:
        assert batch.atoms in SIZES
        assert len(batch.indices) == 1 or len(batch.indices) * batch.atoms**2 <= pairs
        assert len(batch.indices) <= LARGEST_BATCH


def test_sizes_follow_the_histogram() -> None:
    plan = planned(SampleOptions(n=6000), SIZES)
    counts = Counter(dict.fromkeys(SIZES, 0))
    for batch in plan:
        counts[batch.atoms] += len(batch.indices)
    for size, share in SIZES.items():
        error = (share / 60 * (1 - share / 60) / 6000) ** 0.5
        assert counts[size] / 6000 == pytest.approx(share / 60, abs=5 * error)


def test_sizes_do_not_depend_on_how_batches_are_cut() -> None:
    def sizes(pairs: int) -> dict[int, int]:
        plan = planned(SampleOptions(n=300, batch_pairs=pairs), SIZES)
        return {index: batch.atoms for batch in plan for index in batch.indices}

    assert sizes(100) == sizes(50_000)


def test_given_number_of_atoms() -> None:
    assert {batch.atoms for batch in planned(SampleOptions(n=10, atoms=7), SIZES)} == {7}


def test_weights_without_a_histogram() -> None:
    with pytest.raises(UserError, match="histogram of sizes"):
        planned(SampleOptions(), {})


@pytest.mark.parametrize("shards", [1, 2, 3, 50])
def test_shards_share_out_the_batches(shards: int) -> None:
    plan = planned(SampleOptions(n=200, batch_pairs=100), SIZES)
    shared = [batch.number for shard in range(shards) for batch in batches_of(plan, (shard, shards))]
    assert sorted(shared) == [batch.number for batch in plan]
    assert list(batches_of(plan, None)) == plan


@pytest.mark.parametrize("name", ["euler", "heun", "ddpm", "ddim"])
@pytest.mark.parametrize("schedule", ["karras", "linear", "cosine"])
def test_options_name_solvers_and_schedules(name: Any, schedule: Any) -> None:
    options = SampleOptions(solver=name, schedule=schedule, steps=5, noise=0.2, noise_below=0.7, step_scale=1.2)
    made = solver(options, tiny.process())
    match made:
        case solvers.Euler() | solvers.Heun():
            assert made.churn == solvers.Churn(0.2, high=0.7, step_scale=1.2)
        case solvers.Ancestral():
            assert made.eta == (1.0 if name == "ddpm" else 0.0)
    assert (len(grid(options)), float(grid(options)[-1])) == (6, 0)
    assert evaluations(options) == (9 if name == "heun" else 5)


def test_schedules_differ() -> None:
    grids = [grid(SampleOptions(schedule=name, steps=5)).tolist() for name in ("karras", "linear", "cosine")]
    assert len({round(values[2], 3) for values in grids}) == 3


def test_arrays_hold_the_molecules_without_padding() -> None:
    batch = tiny.batch_of(4, 2, 1)
    arrays = to_arrays(batch, tiny.VOCABULARY)
    assert [len(each) for each in arrays] == [4, 2, 1]
    for number, each in enumerate(arrays):
        size = len(each)
        np.testing.assert_array_equal(each.positions, batch.pos[number, :size].numpy())
        assert each.atomic_numbers.tolist() == [tiny.VOCABULARY.elements[i] for i in batch.element[number, :size]]
        assert each.formal_charges.tolist() == [tiny.VOCABULARY.charges[i] for i in batch.charge[number, :size]]
        rebuilt = np.zeros((size, size), int)
        for (row, column), order in zip(each.bonds.tolist(), each.bond_orders.tolist(), strict=True):
            assert row < column
            rebuilt[row, column] = rebuilt[column, row] = order
        np.testing.assert_array_equal(rebuilt, batch.bond[number, :size, :size].numpy())


def test_same_seed_gives_the_same_molecules(generator: Generator) -> None:
    def made(seed: int) -> list[MoleculeArrays]:
        options = tiny.sample_options(seed=seed)
        return [one.arrays for batch in planned(options, SIZES) for one in generator.batch(options, batch)]

    first, again, other = made(1), made(1), made(2)
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.positions, same.positions)
        np.testing.assert_array_equal(one.bond_orders, same.bond_orders)
    assert any(
        one.positions.shape != two.positions.shape or (one.positions != two.positions).any()
        for one, two in zip(first, other, strict=True)
    )


def test_batch_does_not_depend_on_those_before(generator: Generator) -> None:
    options = tiny.sample_options()
    plan = planned(options, SIZES)
    together = [generator.batch(options, batch) for batch in plan]
    alone = generator.batch(options, plan[-1])
    np.testing.assert_array_equal(together[-1][0].arrays.positions, alone[0].arrays.positions)


@pytest.mark.parametrize("name", ["euler", "heun", "ddpm", "ddim"])
def test_rdkit_molecules_from_every_solver(generator: Generator, name: str) -> None:
    molecules = generator.sample(6, seed=3, solver=name, steps=3, threads=1, accelerator="cpu")
    assert [mol.GetProp("_Name") for mol in molecules] == [f"sample_{number:06d}" for number in range(6)]
    assert all(mol.GetNumConformers() == 1 for mol in molecules)
    assert {mol.GetNumAtoms() for mol in molecules} <= set(SIZES)


def test_unknown_option_is_named(generator: Generator) -> None:
    with pytest.raises(UserError, match=r"stepps.*steps"):
        generator.sample(1, stepps=3)


def test_hydrogens_are_the_models_own_where_it_makes_them(generator: Generator) -> None:
    explicit = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, SIZES, "explicit")
    for made, own in ((generator, False), (Generator(Model(generator.model.network, explicit)), True)):
        molecules = made.sample(3, steps=2, threads=1, accelerator="cpu", sanitize=False)
        assert {atom.GetNoImplicit() for mol in molecules for atom in mol.GetAtoms()} == {own}


def test_molecule_that_is_no_number_is_kept_and_marked(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    real = generator.model.network.forward

    def failing(noisy: MoleculeBatch, sigma: Tensor, previous: Prediction | None = None) -> Prediction:
        predicted = real(noisy, sigma, previous)
        predicted.pos[0] = torch.nan
        return predicted

    monkeypatch.setattr(generator.model.network, "forward", failing)
    options = tiny.sample_options(atoms=4, n=5)
    made = generator.batch(options, planned(options, SIZES)[0])
    assert [one.finite for one in made] == [False, True, True, True, True]
    molecules = generator.sample(5, atoms=4, steps=4, threads=1, accelerator="cpu")
    assert len(molecules) == 5
    assert molecules.problems[0].startswith("coordinates are not finite")
    assert not any("finite" in problem for problem in molecules.problems[1:])


def carbons(bonds: list[tuple[int, int]], molecules: int, atoms: int = 4) -> Prediction:
    """Sure of carbon atoms, single bonds where they are named and none elsewhere."""
    order = torch.zeros(molecules, atoms, atoms, dtype=torch.long)
    for row, column in bonds:
        order[:, row, column] = order[:, column, row] = 1
    element, charge = torch.zeros(molecules, atoms, dtype=torch.long), torch.ones(molecules, atoms, dtype=torch.long)
    logits = (50 * functional.one_hot(each, n).float() for each, n in ((element, 4), (charge, 3), (order, 4)))
    pos = torch.tensor([[0.0, 0, 0], [1.5, 0, 0], [0, 1.5, 0], [-1.5, -1.5, 0]])
    return Prediction(pos.expand(molecules, -1, -1), *logits)


class TestRestarts:
    WHOLE = [(0, 1), (0, 2), (0, 3)]
    OPTIONS = tiny.sample_options(atoms=4, n=5, steps=8, restarts=3)

    def made(self, generator: Generator, monkeypatch: pytest.MonkeyPatch, rounds: int, **options: Any) -> tuple:
        """Molecules of a network that leaves an atom alone in two molecules, in the first ``rounds`` passes."""
        calls: list[int] = []

        def forward(noisy: MoleculeBatch, sigma: Tensor, previous: Prediction | None = None) -> Prediction:
            calls.append(len(noisy.mask))
            predicted = carbons(self.WHOLE, len(noisy.mask))
            tail = len(restart_levels(self.OPTIONS)) - 1
            if len(calls) <= self.OPTIONS.steps + tail * (rounds - 1):
                wrong = [1, 3] if len(noisy.mask) == 5 else [0, 1]
                predicted.bond[wrong] = carbons(self.WHOLE[:2], 2).bond
            return predicted

        monkeypatch.setattr(generator.model.network, "forward", forward)
        chosen = self.OPTIONS.model_copy(update=options)
        return generator.batch(chosen, planned(chosen, SIZES)[0]), calls

    def test_broken_molecules_alone_are_made_anew(self, generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
        made, calls = self.made(generator, monkeypatch, rounds=2)
        tail = len(restart_levels(self.OPTIONS)) - 1
        assert calls == [5] * 8 + [2] * 2 * tail
        assert (evaluations(self.OPTIONS), restart_evaluations(self.OPTIONS)) == (8, tail)
        assert [one.restarts for one in made] == [0, 2, 0, 2, 0]
        assert [one.index for one in made] == [0, 1, 2, 3, 4]
        assert all(generator.strict(one) for one in made)

    def test_others_are_as_without(self, generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
        made, _ = self.made(generator, monkeypatch, rounds=1)
        without, calls = self.made(generator, monkeypatch, rounds=1, restarts=0)
        assert calls == [5] * 8
        assert [generator.strict(one) for one in without] == [True, False, True, False, True]
        for place in (0, 2, 4):
            np.testing.assert_array_equal(made[place].arrays.positions, without[place].arrays.positions)

    def test_none_is_left_out_that_stays_broken(self, generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
        made, _ = self.made(generator, monkeypatch, rounds=99)
        assert [one.restarts for one in made] == [0, 3, 0, 3, 0]
        assert [generator.strict(one) for one in made] == [True, False, True, False, True]

    def test_begin_where_the_options_say(self) -> None:
        levels = restart_levels(self.OPTIONS.model_copy(update={"restart_from": 0.4}))
        assert levels[0] <= 0.4 < grid(self.OPTIONS)[-len(levels) - 1]
        assert levels[-1] == 0


def test_missing_hydrogen_breaks_a_molecule_only_where_the_model_makes_them(generator: Generator) -> None:
    carbon = MoleculeArrays(np.zeros((1, 3)), np.array([6]), np.array([0]), np.zeros((0, 2)), np.zeros(0))
    explicit = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, SIZES, "explicit")
    assert generator.strict(Generated(0, carbon))
    assert not Generator(Model(generator.model.network, explicit)).strict(Generated(0, carbon))


def test_threads_are_set_back() -> None:
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    assert torch_threads(0).threads >= 1


def test_bfloat16_predicts_nearly_the_same_in_float32() -> None:
    network, batch, sigma = tiny.network().float(), tiny.batch_of(6, 4), torch.tensor([0.3, 2.0])
    batch = batch.replace(pos=batch.pos.float())
    exact, rough = network(batch, sigma), reduced(network)(batch, sigma)
    for name in ("pos", "element", "charge", "bond"):
        wanted, found = getattr(exact, name), getattr(rough, name)
        assert found.dtype == torch.float32
        assert 0 < (found - wanted).abs().mean() < 0.1 * wanted.abs().mean()


def test_bfloat16_samples_are_others_but_repeat(generator: Generator) -> None:
    def made(precision: str) -> list[np.ndarray]:
        return [mol.GetConformer().GetPositions() for mol in generator.sample(3, steps=4, precision=precision)]

    first, again, exact = made("bfloat16"), made("bfloat16"), made("float32")
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert not all(np.array_equal(one, other) for one, other in zip(first, exact, strict=True))
