from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.config.sample import SampleOptions
from moldiff.diffusion.schedules import karras
from moldiff.diffusion.solvers import Numbers, euler, heun
from moldiff.errors import UserError
from moldiff.models.checkpoint import Statistics
from moldiff.sampling.plan import LARGEST_BATCH, Plan

SIZES = {3: 20, 5: 30, 9: 10}
STATISTICS = Statistics(1.0, {}, SIZES, "implicit")


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 700), pairs=st.integers(100, 5000), seed=st.integers(0, 99))
def test_plan_holds_every_molecule_once_in_bounded_batches_of_one_size(n: int, pairs: int, seed: int) -> None:
    plan = Plan.of(SampleOptions(n=n, batch_pairs=pairs, seed=seed)).batches(STATISTICS)
    assert sorted(index for batch in plan for index in batch.indices) == list(range(n))
    assert [batch.number for batch in plan] == list(range(len(plan)))
    for batch in plan:
        assert batch.atoms in SIZES
        assert len(batch.indices) == 1 or len(batch.indices) * batch.atoms**2 <= pairs
        assert len(batch.indices) <= LARGEST_BATCH


def test_sizes_follow_the_histogram() -> None:
    plan = Plan.of(SampleOptions(n=6000)).batches(STATISTICS)
    counts = Counter(dict.fromkeys(SIZES, 0))
    for batch in plan:
        counts[batch.atoms] += len(batch.indices)
    for size, share in SIZES.items():
        error = (share / 60 * (1 - share / 60) / 6000) ** 0.5
        assert counts[size] / 6000 == pytest.approx(share / 60, abs=5 * error)


def test_sizes_do_not_depend_on_how_batches_are_cut() -> None:
    def sizes(pairs: int) -> dict[int, int]:
        plan = Plan.of(SampleOptions(n=300, batch_pairs=pairs)).batches(STATISTICS)
        return {index: batch.atoms for batch in plan for index in batch.indices}

    assert sizes(100) == sizes(50_000)


def test_given_number_of_atoms() -> None:
    assert {batch.atoms for batch in Plan.of(SampleOptions(n=10, atoms="7")).batches(STATISTICS)} == {7}


def test_a_size_far_beyond_those_known_must_be_meant() -> None:
    largest = max(SIZES)
    Plan.of(SampleOptions(n=1, atoms=str(2 * largest))).batches(STATISTICS)
    with pytest.raises(
        UserError, match=f"atoms {2 * largest + 1}: the weights know molecules of .* to {largest} atoms"
    ):
        Plan.of(SampleOptions(n=1, atoms=str(2 * largest + 1))).batches(STATISTICS)
    assert Plan.of(SampleOptions(n=1, atoms=str(2 * largest + 1), any_size=True)).batches(STATISTICS)


def test_weights_without_a_histogram() -> None:
    with pytest.raises(UserError, match="histogram of sizes"):
        Plan.of(SampleOptions()).batches(Statistics(1.0, {}, {}, "implicit"))


@pytest.mark.parametrize("shards", [1, 2, 3, 50])
def test_shards_share_out_the_batches(shards: int) -> None:
    plan = Plan.of(SampleOptions(n=200, batch_pairs=100))
    shared = [batch for shard in range(shards) for batch in plan.batches(STATISTICS, (shard, shards))]
    assert sorted(shared, key=lambda batch: batch.number) == plan.batches(STATISTICS)


NUMBERS = {
    "euler": (euler, Numbers(0.2, 1.2, high=0.7, temperature=0.9)),
    "heun": (heun, Numbers(0.2, 1.2, high=0.7, temperature=0.9)),
    "ddpm": (euler, Numbers(eta=1.0, temperature=0.9)),
    "ddim": (euler, Numbers(eta=0.0, temperature=0.9)),
}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("schedule", ["karras", "linear", "cosine"])
def test_options_name_solvers_and_schedules(name: Any, schedule: Any) -> None:
    numbers = {"noise": 0.2, "noise_below": 0.7, "step_scale": 1.2, "temperature": 0.9}
    plan = Plan.of(SampleOptions(solver=name, schedule=schedule, steps=5, **numbers))
    assert (plan.solver, plan.numbers) == NUMBERS[name]
    assert (len(plan.grid), float(plan.grid[-1])) == (6, 0)
    assert plan.evaluations == (9 if name == "heun" else 5)


def test_schedules_differ() -> None:
    grids = [Plan.of(SampleOptions(schedule=name, steps=5)).grid.tolist() for name in ("karras", "linear", "cosine")]
    assert len({round(values[2], 3) for values in grids}) == 3


def test_restarts_begin_where_the_options_say() -> None:
    plan = Plan.of(SampleOptions(steps=8, restart_from=0.4))
    grid = plan.restart_grid
    assert grid[0] <= 0.4 < plan.grid[-len(grid) - 1]
    assert grid[-1] == 0
    assert torch.equal(plan.grid[-len(grid) :], grid)


@pytest.mark.parametrize("options", [{"steps": 1}, {"steps": 1, "solver": "heun"}, {"restart_from": 0.03}])
@pytest.mark.parametrize("schedule", ["karras", "linear", "cosine"])
def test_restart_where_no_level_is_low_enough_begins_at_its_own(options: dict[str, Any], schedule: Any) -> None:
    plan = Plan.of(SampleOptions(schedule=schedule, **options))
    assert 0 < float(plan.restart_grid[0]) <= plan.options.restart_level
    assert (len(plan.restart_grid), plan.restart_evaluations) == (2, 1)


@pytest.mark.parametrize("schedule", ["karras", "linear", "cosine"])
@pytest.mark.parametrize(("sigma_max", "rho"), [(2.0, 5.0), (2.5, 2.0), (3.0, 7.0), (5.0, 7.0), (25.0, 4.0)])
def test_a_restart_around_a_part_takes_the_whole_grid(schedule: str, sigma_max: float, rho: float) -> None:
    """Though rounding may put the first level above sigma_max."""
    options = {"schedule": schedule, "sigma_max": sigma_max, "rho": rho, "steps": 9}
    around = Plan.of(SampleOptions(scaffold_smiles="C[*]", **options))
    assert around.begins_again
    assert torch.equal(around.restart_grid, around.grid)
    assert not Plan.of(SampleOptions(**options)).begins_again


STUDENT = {"options": {"objective": "distill", "distill": {"evaluations": 4, "sigma_max": 3.0, "sigma_min": 0.1}}}


def test_a_student_goes_along_the_grid_that_it_learned() -> None:
    plan = Plan.of(SampleOptions(n=7), STUDENT)
    assert torch.equal(plan.grid, karras(4, 3.0, 0.1, 7.0))
    assert (plan.numbers.churn, plan.numbers.scale, plan.numbers.temperature, plan.options.n) == (0, 1, 0.7, 7)
    assert plan.options.steps == 4  # what the record says was done
    assert Plan.of(SampleOptions(preset="default"), STUDENT).options.steps == 4


def test_what_is_asked_of_a_student_wins_over_its_grid() -> None:
    plan = Plan.of(SampleOptions(steps=9, noise=0.2), STUDENT)
    assert torch.equal(plan.grid, karras(9, 3.0, 0.1, 7.0))
    assert (plan.numbers.churn, plan.numbers.scale) == (0.2, 1)
    with pytest.raises(UserError, match="settings of their own .steps 4, .*; leave preset out"):
        Plan.of(SampleOptions(preset="fast"), STUDENT)


@pytest.mark.parametrize("history", [{}, {"options": {"objective": "denoise", "distill": {"evaluations": 4}}}])
def test_other_weights_have_no_grid_of_their_own(history: dict[str, Any]) -> None:
    assert Plan.of(SampleOptions(), history).options == SampleOptions()


def test_what_was_measured_to_be_better_wins_over_what_was_learned() -> None:
    measured = {"sigma_min": 0.2, "temperature": 0.5, "n": 9, "rings_of": "elsewhere"}
    plan = Plan.of(SampleOptions(n=7), {**STUDENT, "sampling": measured})
    assert torch.equal(plan.grid, karras(4, 3.0, 0.2, 7.0))
    assert plan.numbers.temperature == 0.5
    assert (plan.options.n, plan.options.rings_of) == (7, None)  # of these no weights have a say
    assert Plan.of(SampleOptions(), {"sampling": {"steps": 12}}).evaluations == 12


def test_a_student_s_grid_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="history of the weights"):
        Plan.of(SampleOptions(), {"options": {"objective": "distill", "distill": {"evaluations": 0}}})
