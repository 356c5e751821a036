"""Steps drawn ahead by other processes are the same steps, and their workers leave signals to the training."""

import multiprocessing
import os
import signal
from itertools import islice
from pathlib import Path

import pytest
import torch

from moldiff.training.ahead import MOST, drawn_steps, worker_count
from moldiff.training.session import Interrupted, Session
from tests import tiny
from tests.training.tiny_session import assert_same_weights, before_step, random_pattern, session, stopped_before


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("start", [0, 5])
def test_workers_draw_the_same_steps_in_order(workers: int, start: int, tmp_path: Path) -> None:
    made = session(tmp_path, pattern=random_pattern, self_conditioning=0.5)
    alone = list(islice(drawn_steps(made.loader, made.learner, start), 7))
    made.learner.options = made.learner.options.model_copy(update={"workers": workers})
    ahead = drawn_steps(made.loader, made.learner, start)
    for expected, actual in zip(alone, islice(ahead, 7), strict=True):
        assert actual.molecules == expected.molecules
        (one, twice), (other, again) = expected.content, actual.content
        assert twice == again
        for name in ("pos", "element", "charge", "bond"):
            for which in ("clean", "noisy", "levels"):
                assert torch.equal(getattr(getattr(one, which), name), getattr(getattr(other, which), name))
    ahead.close()
    assert not multiprocessing.active_children()


def test_the_weights_do_not_depend_on_the_workers(tmp_path: Path) -> None:
    alone, helped, resumed = (session(tmp_path / str(count), workers=count) for count in (0, 2, 1))
    alone.run()
    helped.run()
    assert_same_weights(alone, helped)
    stopped_before(resumed, 4)
    resumed = session(tmp_path / "1", workers=2)
    resumed.run()
    assert_same_weights(alone, resumed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_saves_the_state(number: signal.Signals, tmp_path: Path) -> None:
    """Slurm sends SIGTERM to every process of a job, a terminal SIGINT."""
    made = session(tmp_path, workers=2)

    def signalled() -> None:
        for child in multiprocessing.active_children():
            assert child.pid is not None
            os.kill(child.pid, number)
        os.kill(os.getpid(), number)

    before_step(made, 3, signalled)
    with pytest.raises(Interrupted, match="stopped at step 4 of 8"):
        made.run()
    assert_resumes(session(tmp_path, workers=0))


def assert_resumes(made: Session) -> None:
    assert made.run().step == 8


def test_by_default_a_processor_draws_for_itself_and_a_graphics_card_is_helped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker_count(tiny.train_options(accelerator="cpu")) == 0
    assert worker_count(tiny.train_options(accelerator="cpu", workers=3)) == 3
    monkeypatch.setattr("moldiff.training.ahead.chosen_device", lambda accelerator: "cuda")
    for cores, devices, expected in ((9, 1, 8), (9, 2, 3), (1, 1, 0), (64, 1, MOST)):
        monkeypatch.setattr("moldiff.training.ahead.available_cores", lambda cores=cores: cores)
        assert worker_count(tiny.train_options(devices=devices)) == expected
    assert worker_count(tiny.train_options(workers=0)) == 0
