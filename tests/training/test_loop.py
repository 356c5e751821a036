"""Training: what is learned follows from seed and step alone, however often it is interrupted."""

import math
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from moldiff.errors import UserError
from moldiff.training.ahead import drawn_steps
from moldiff.training.loop import Progress, steps
from moldiff.training.objective import Pattern
from moldiff.training.session import Interrupted, Session
from moldiff.training.state import load_state, save_state
from tests import tiny
from tests.training.tiny_session import assert_same_weights, before_step, random_pattern, session, stopped_before


def saved(trained: Session) -> dict[str, Any]:
    """The progress in the saved state."""
    return load_state(trained.state / "state.pt")["progress"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Session:
    made = session(tmp_path_factory.mktemp("undisturbed"))
    made.run()
    return made


def test_training_moves_the_weights_and_counts(undisturbed: Session, tmp_path: Path) -> None:
    progress = saved(undisturbed)
    assert progress["step"] == 8
    assert 8 * 4 < progress["molecules"] < 8 * 12
    before = dict(tiny.network().float().named_parameters())
    after = undisturbed.learner.network.named_parameters()
    moved = [not torch.equal(each, before[name]) for name, each in after if each.numel()]
    assert all(moved)
    assert [row["step"] for row in undisturbed.log.rows] == [4, 8]
    assert "valid_loss" in undisturbed.log.rows[-1]


def test_training_is_repeatable(undisturbed: Session, tmp_path: Path) -> None:
    again = session(tmp_path)
    again.run()
    assert_same_weights(undisturbed, again)
    assert again.log.rows[-1]["valid_loss"] == undisturbed.log.rows[-1]["valid_loss"]


@pytest.mark.parametrize("step", [2, 4, 6])
def test_killed_training_resumes_to_the_same_weights(step: int, undisturbed: Session, tmp_path: Path) -> None:
    stopped_before(session(tmp_path), step)
    resumed = session(tmp_path)
    progress = resumed.run()
    assert progress.step == 8
    assert progress.molecules == saved(undisturbed)["molecules"]
    assert_same_weights(undisturbed, resumed)
    assert [int(row["step"]) for row in resumed.log.rows] == [4, 8]


def test_a_row_that_was_half_full_when_killed_is_the_same(undisturbed: Session, tmp_path: Path) -> None:
    stopped_before(session(tmp_path, checkpoint_every=3), 5)
    resumed = session(tmp_path, checkpoint_every=3)
    resumed.run()
    timed = ("minutes", "molecules_per_second")
    expected, found = (
        [{name: value for name, value in row.items() if name not in timed} for row in made.log.rows]
        for made in (undisturbed, resumed)
    )
    assert [{name: str(value) for name, value in row.items()} for row in found] == [
        {name: str(value) for name, value in row.items()} for row in expected
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_says_so(number: signal.Signals, undisturbed: Session, tmp_path: Path) -> None:
    asked = session(tmp_path)
    handler = signal.getsignal(number)
    before_step(asked, 2, lambda: os.kill(os.getpid(), number))
    with pytest.raises(Interrupted, match="step 3 of 8"):
        asked.run()
    assert signal.getsignal(number) is handler
    resumed = session(tmp_path)
    resumed.run()
    assert_same_weights(undisturbed, resumed)


def test_finished_training_has_nothing_left_to_do(tmp_path: Path) -> None:
    session(tmp_path).run()
    again = session(tmp_path)
    again.learner.step = lambda *_: pytest.fail("a finished training takes no step")
    assert again.run().step == 8


@pytest.mark.parametrize("options", [{"seed": 1}, {"learning_rate": 3e-3}, {"batch_size": 4}, {"steps": 9}])
def test_state_of_another_training_is_refused(options: dict[str, Any], tmp_path: Path) -> None:
    stopped_before(session(tmp_path), 6)
    with pytest.raises(UserError, match=r"state\.pt.*other options"):
        session(tmp_path, **options).run()


def test_how_often_to_save_may_change(undisturbed: Session, tmp_path: Path) -> None:
    stopped_before(session(tmp_path), 6)
    resumed = session(tmp_path, checkpoint_every=1, validate_every=2, threads=2)
    resumed.run()
    assert_same_weights(undisturbed, resumed)


def test_damaged_state_is_the_users_to_remove(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "state.pt").write_bytes(b"half a file")
    with pytest.raises(UserError, match=r"state\.pt.*remove it"):
        session(tmp_path).run()


def test_a_second_signal_saves_nothing(tmp_path: Path) -> None:
    asked = session(tmp_path)

    def insist() -> None:
        # raised, not sent, and apart: each is to be handled before the next, where two at once may count as one
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.05)

    before_step(asked, 2, insist)
    # a shell starts what runs in the background with SIGINT ignored
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            asked.run()
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert not (tmp_path / "state" / "state.pt").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"network": {}}, {"average": None}, {"progress": {"steps": 3}}, {"progress": None}, {"log": 3},
        {"optimizers": []}, {"options": None},
    ],
)  # fmt: skip
def test_a_sealed_state_of_other_content_is_one_line(change: dict[str, Any], tmp_path: Path) -> None:
    stopped_before(session(tmp_path), 6)
    path = tmp_path / "state" / "state.pt"
    content = load_state(path)
    names = [name for name in change if name in content]
    if not names:
        pytest.skip("a state has no such part")
    save_state(path, {**content, **change})
    with pytest.raises(UserError, match=r"state\.pt.*; ") as caught:
        session(tmp_path).run()
    assert "\n" not in str(caught.value)
    for other in ({}, {"text": 1}):
        save_state(path, other)
        with pytest.raises(UserError, match=r"state\.pt.*; "):
            session(tmp_path).run()


def test_metrics_that_are_gone_beside_a_state_are_named(tmp_path: Path) -> None:
    made = session(tmp_path)
    made.run()
    made.log.path.unlink()
    with pytest.raises(UserError, match=r"metrics\.csv: is missing beside the saved state; put it back"):
        session(tmp_path).run()


def test_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    broken = session(tmp_path)
    with torch.no_grad():
        broken.learner.network.heads.atom.bias[0] = torch.inf
    with pytest.raises(UserError, match="not finite at step 0.*learning_rate"):
        broken.run()
    assert not (tmp_path / "state" / "state.pt").exists()


def test_learning_rate_warms_up_and_ends_near_zero(tmp_path: Path) -> None:
    seen: list[float] = []
    made = session(tmp_path, steps=20, warmup_steps=5, learning_rate=1e-3, checkpoint_every=100)
    for number in range(20):
        before_step(made, number, lambda: seen.append(made.learner.optimizers[0].param_groups[0]["lr"]))
    made.run()
    cosine = [(1 + math.cos(math.pi * step / 20)) / 2 for step in range(20)]
    expected = [1e-3 * min(1, (step + 1) / 5) * value for step, value in enumerate(cosine)]
    # before a step the optimiser has the rate of the one before
    assert seen[1:] == pytest.approx(expected[:-1])


def test_training_stops_at_its_limit_of_time(tmp_path: Path) -> None:
    made = session(tmp_path, steps=10_000, minutes=0.01)
    progress = made.run()
    assert progress.step < 10_000
    assert progress.fraction(made.learner.options) == 1


def test_progress_goes_by_steps_or_by_time() -> None:
    options = tiny.train_options(steps=100, minutes=2.0)
    assert Progress(step=50, seconds=12.0).fraction(options) == 0.5
    assert Progress(step=5, seconds=60.0).fraction(options) == 0.5
    assert Progress(step=5, seconds=600.0).fraction(options) == 1
    assert Progress(step=5).fraction(tiny.train_options(steps=10)) == 0.5


def test_average_forgets_the_first_weights_sooner(undisturbed: Session) -> None:
    learner = undisturbed.learner
    assert not torch.equal(learner.average.module.heads.atom.weight, learner.network.heads.atom.weight)
    assert int(learner.average.n_averaged) == 8


def test_sampled_rates_reach_the_log(tmp_path: Path) -> None:
    calls: list[int] = []

    def sampled() -> dict[str, float]:
        calls.append(len(calls))
        return {"sampled_valid": 0.5, "sampled_unique": 0.25}

    made = session(tmp_path, sampled=sampled, sample_every=4, steps=6)
    made.run()
    assert [row.get("sampled_valid") for row in made.log.rows] == ["0.5", "0.5"]
    assert len(calls) == 2


@pytest.mark.parametrize("pattern", [None, random_pattern], ids=["nothing given", "patterns"])
def test_loop_yields_what_each_step_came_to(pattern: Pattern | None, tmp_path: Path) -> None:
    made, progress = session(tmp_path, steps=3, pattern=pattern), Progress()
    reports = list(steps(made.learner, progress, drawn_steps(made.loader, made.learner, 0)))
    assert [report.fraction for report in reports] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [report.done for report in reports] == [False, False, True]
    assert not any(report.stopped for report in reports)
    assert all(set(report.losses) == set(made.learner.weights) for report in reports)
    assert progress.step == 3


def test_loop_ends_after_the_step_in_which_it_is_asked_to(tmp_path: Path) -> None:
    made, progress = session(tmp_path), Progress()
    reports = list(steps(made.learner, progress, drawn_steps(made.loader, made.learner, 0), lambda: progress.step == 2))
    assert [report.stopped for report in reports] == [False, True]


def test_bfloat16_with_self_conditioning_trains_every_weight(tmp_path: Path) -> None:
    # older torch keeps autocast's casts of the pass without gradients; used again, they leave most weights without one
    still = {}
    for precision in ("float32", "bfloat16"):
        options = {"precision": precision, "self_conditioning": 1.0, "steps": 1, "warmup_steps": 0, "weight_decay": 0.0}
        made = session(tmp_path / precision, **options)
        network = made.learner.network
        before = {name: each.detach().clone() for name, each in network.named_parameters()}
        made.run()
        after = network.named_parameters()
        still[precision] = [name for name, each in after if each.numel() and torch.equal(each, before[name])]
    # what takes in features has none to take in before the first layer has made them
    first = [f"body.layers.0.{name}.weight" for name in ("vector_norm", "from_vector.maps.0", "from_gathered.maps.0")]
    assert still["float32"] == still["bfloat16"] == first
