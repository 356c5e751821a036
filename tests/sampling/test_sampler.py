from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, Statistics
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.levels import Given, Levels
from moldiff.molecules.pairs import pair_count, pair_number
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.sampling.steered import reduced
from moldiff.training.devices import torch_threads
from tests import tiny

SIZES = {3: 20, 5: 30, 9: 10}
STATISTICS = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, SIZES, "implicit")


@pytest.fixture
def sampler() -> Sampler:
    return Sampler(Model.of(tiny.network().float(), STATISTICS))


def test_same_seed_gives_the_same_molecules(sampler: Sampler) -> None:
    def made(seed: int) -> list[MoleculeArrays]:
        plan = Plan.of(tiny.sample_options(seed=seed))
        return [one.arrays for batch in plan.batches(STATISTICS) for one in sampler.batch(plan, batch)]

    first, again, other = made(1), made(1), made(2)
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.positions, same.positions)
        np.testing.assert_array_equal(one.bond_orders, same.bond_orders)
    assert any(
        one.positions.shape != two.positions.shape or (one.positions != two.positions).any()
        for one, two in zip(first, other, strict=True)
    )


def test_batch_does_not_depend_on_those_before(sampler: Sampler) -> None:
    plan = Plan.of(tiny.sample_options())
    batches = plan.batches(STATISTICS)
    together = [sampler.batch(plan, batch) for batch in batches]
    alone = sampler.batch(plan, batches[-1])
    np.testing.assert_array_equal(together[-1][0].arrays.positions, alone[0].arrays.positions)


@pytest.mark.parametrize("name", ["euler", "heun", "ddpm", "ddim"])
def test_rdkit_molecules_from_every_solver(sampler: Sampler, name: str) -> None:
    molecules = sampler.sample(6, seed=3, solver=name, steps=3, threads=1, accelerator="cpu")
    assert [mol.GetProp("_Name") for mol in molecules] == [f"sample_{number:06d}" for number in range(6)]
    assert all(mol.GetNumConformers() == 1 for mol in molecules)
    assert {mol.GetNumAtoms() for mol in molecules} <= set(SIZES)


def test_unknown_option_is_named(sampler: Sampler) -> None:
    with pytest.raises(UserError, match=r"stepps.*steps"):
        sampler.sample(1, stepps=3)


def test_hydrogens_are_the_models_own_where_it_makes_them(sampler: Sampler) -> None:
    explicit = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, SIZES, "explicit")
    for made, own in ((sampler, False), (Sampler(Model.of(sampler.model.network, explicit)), True)):
        molecules = made.sample(3, steps=2, threads=1, accelerator="cpu", sanitize=False)
        assert {atom.GetNoImplicit() for mol in molecules for atom in mol.GetAtoms()} == {own}


def test_molecule_that_is_no_number_is_kept_and_marked(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sampler.model.network.forward

    def failing(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        predicted = real(noisy, levels, previous)
        predicted.pos[0] = torch.nan
        return predicted

    monkeypatch.setattr(sampler.model.network, "forward", failing)
    plan = Plan.of(tiny.sample_options(atoms=4, n=5))
    made = sampler.batch(plan, plan.batches(STATISTICS)[0])
    assert [one.finite for one in made] == [False, True, True, True, True]
    molecules = sampler.sample(5, atoms=4, steps=4, threads=1, accelerator="cpu")
    assert len(molecules) == 5
    assert molecules.problems[0].startswith("coordinates are not finite")
    assert not any("finite" in problem for problem in molecules.problems[1:])


def carbons(bonds: list[tuple[int, int]], molecules: int, atoms: int = 4) -> Prediction:
    """Sure of carbon atoms, single bonds where they are named and none elsewhere."""
    order = torch.zeros(molecules, pair_count(atoms), dtype=torch.long)
    for row, column in torch.tensor(bonds):
        order[:, pair_number(row, column)] = 1
    element, charge = torch.zeros(molecules, atoms, dtype=torch.long), torch.ones(molecules, atoms, dtype=torch.long)
    logits = (50 * functional.one_hot(each, n).float() for each, n in ((element, 4), (charge, 3), (order, 4)))
    pos = torch.tensor([[0.0, 0, 0], [1.5, 0, 0], [0, 1.5, 0], [-1.5, -1.5, 0]])
    return Prediction(pos.expand(molecules, -1, -1), *logits)


class TestRestarts:
    WHOLE = [(0, 1), (0, 2), (0, 3)]
    PLAN = Plan.of(tiny.sample_options(atoms=4, n=5, steps=8, restarts=3))

    def made(self, sampler: Sampler, monkeypatch: pytest.MonkeyPatch, rounds: int, **options: Any) -> tuple:
        """Molecules of a network that leaves an atom alone in two molecules, in the first ``rounds`` passes."""
        calls: list[int] = []

        def forward(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
            calls.append(len(noisy.mask))
            predicted = carbons(self.WHOLE, len(noisy.mask))
            if len(calls) <= self.PLAN.evaluations + self.PLAN.restart_evaluations * (rounds - 1):
                wrong = [1, 3] if len(noisy.mask) == 5 else [0, 1]
                predicted.bond[wrong] = carbons(self.WHOLE[:2], 2).bond
            return predicted

        monkeypatch.setattr(sampler.model.network, "forward", forward)
        plan = Plan.of(self.PLAN.options.model_copy(update=options))
        return sampler.batch(plan, plan.batches(STATISTICS)[0]), calls

    def test_broken_molecules_alone_are_made_anew(self, sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
        made, calls = self.made(sampler, monkeypatch, rounds=2)
        assert calls == [5] * 8 + [2] * 2 * self.PLAN.restart_evaluations
        assert self.PLAN.evaluations == 8
        assert [one.restarts for one in made] == [0, 2, 0, 2, 0]
        assert [one.index for one in made] == [0, 1, 2, 3, 4]
        assert all(sampler.decoder.strict(one.arrays) for one in made)

    def test_others_are_as_without(self, sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
        made, _ = self.made(sampler, monkeypatch, rounds=1)
        without, calls = self.made(sampler, monkeypatch, rounds=1, restarts=0)
        assert calls == [5] * 8
        assert [sampler.decoder.strict(one.arrays) for one in without] == [True, False, True, False, True]
        for place in (0, 2, 4):
            np.testing.assert_array_equal(made[place].arrays.positions, without[place].arrays.positions)

    def test_none_is_left_out_that_stays_broken(self, sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
        made, _ = self.made(sampler, monkeypatch, rounds=99)
        assert [one.restarts for one in made] == [0, 3, 0, 3, 0]
        assert [sampler.decoder.strict(one.arrays) for one in made] == [True, False, True, False, True]

    def test_unknown_rings_are_taken_back_only_if_asked(
        self, sampler: Sampler, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """A network that closes a ring of four in the first pass and one of three, which is known, in later ones."""
        (tmp_path / "known.smi").write_text("C1CC1 cyclopropane\n")
        monkeypatch.setenv("MOLDIFF_CACHE", str(tmp_path / "cache"))
        calls: list[int] = []

        def forward(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
            calls.append(len(noisy.mask))
            four = [(0, 1), (1, 2), (2, 3), (0, 3)]
            three = [(0, 1), (1, 2), (0, 2), (0, 3)]
            return carbons(four if len(calls) <= self.PLAN.evaluations else three, len(noisy.mask))

        monkeypatch.setattr(sampler.model.network, "forward", forward)
        for chosen, restarts in (("invalid", 0), ("unknown_rings", 1)):
            calls.clear()
            options = {"restart_if": chosen, "rings_of": str(tmp_path / "known.smi")}
            plan = Plan.of(self.PLAN.options.model_copy(update=options))
            made = sampler.batch(plan, plan.batches(STATISTICS)[0])
            assert [one.restarts for one in made] == [restarts] * 5
            assert len(calls) == self.PLAN.evaluations + restarts * self.PLAN.restart_evaluations


@pytest.mark.parametrize("name", ["euler", "heun", "ddpm", "ddim"])
@pytest.mark.parametrize("schedule", ["karras", "linear", "cosine"])
def test_one_step_makes_molecules(sampler: Sampler, name: str, schedule: str) -> None:
    options = {"steps": 1, "solver": name, "schedule": schedule, "restarts": 1, "threads": 1, "accelerator": "cpu"}
    assert len(sampler.sample(3, **options)) == 3


@pytest.mark.parametrize("name", ["euler", "heun", "ddpm", "ddim"])
def test_given_places_are_kept_to_the_last_bit_by_every_solver_and_restart(sampler: Sampler, name: str) -> None:
    """In the coordinates in which they came: far from the origin, in float64."""
    known = tiny.batch_of(6, 4, 5, seed=3)
    known = known.replace(pos=(known.pos + 11.3) * known.mask[:, :, None])
    pattern = tiny.pattern(known, 4)
    plan = Plan.of(tiny.sample_options(solver=name, steps=5, restarts=2))
    made = sampler.complete(plan, known, pattern, seed=1)
    for field in ("pos", "element", "charge", "bond"):
        mask = getattr(pattern, field)
        assert mask.any(), field
        assert torch.equal(getattr(made, field)[mask], getattr(known, field)[mask]), field
    free = known.mask & ~pattern.pos
    assert (made.pos - known.pos)[free].abs().amin() > 0
    again = sampler.complete(plan, known, pattern, seed=1)
    assert torch.equal(made.pos, again.pos)


def test_what_was_made_lies_where_the_given_atoms_are(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    known = tiny.batch_of(4, 4)
    known = known.replace(pos=known.pos + 100)
    fragment = Given.fragment(known, (torch.arange(4) < 2).expand(2, 4), None)
    predicted = carbons(TestRestarts.WHOLE, 2)
    inside = fragment.framed(known)

    def forward(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        return Prediction(inside.pos.float(), predicted.element, predicted.charge, predicted.bond)

    monkeypatch.setattr(sampler.model.network, "forward", forward)
    made = sampler.complete(Plan.of(tiny.sample_options(steps=3, restarts=0)), known, fragment)
    torch.testing.assert_close(made.pos, known.pos, rtol=0, atol=1e-4)


def test_threads_are_set_back() -> None:
    before = torch.get_num_threads()
    with torch_threads(before + 1) as threads:
        assert torch.get_num_threads() == threads == before + 1
    with torch_threads(0) as threads:
        assert threads >= 1
    assert torch.get_num_threads() == before


def test_bfloat16_predicts_nearly_the_same_in_float32() -> None:
    network, batch = tiny.network().float(), tiny.batch_of(6, 4).to("cpu", torch.float32)
    levels = tiny.at(batch, 0.3, 2.0).to("cpu", torch.float32)
    exact, rough = network(batch, levels), reduced(network)(batch, levels)
    for name in ("pos", "element", "charge", "bond"):
        wanted, found = getattr(exact, name), getattr(rough, name)
        assert found.dtype == torch.float32
        assert 0 < (found - wanted).abs().mean() < 0.1 * wanted.abs().mean()


def test_bfloat16_samples_are_others_but_repeat(sampler: Sampler) -> None:
    def made(precision: str) -> list[np.ndarray]:
        return [mol.GetConformer().GetPositions() for mol in sampler.sample(3, steps=4, precision=precision)]

    first, again, exact = made("bfloat16"), made("bfloat16"), made("float32")
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert not all(np.array_equal(one, other) for one, other in zip(first, exact, strict=True))
