import csv
import sys
from pathlib import Path

import pytest

from moldiff.training.log import MetricsLog, columns
from moldiff.training.loop import Progress
from moldiff.training.progress import Shown

WEIGHTS = {"pos": 1.0, "element": 0.4, "charge": 0.4, "bond": 2.0}
LOSSES = {"pos": 1.0, "element": 2.0, "charge": 3.0, "bond": 4.0}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MetricsLog:
    made = MetricsLog(tmp_path / "metrics.csv", WEIGHTS, every=2)
    made.restart(0)
    return made


def rows(log: MetricsLog) -> list[dict[str, str]]:
    with log.path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_row_holds_means_and_the_weighted_sum(log: MetricsLog) -> None:
    log.add(LOSSES)
    log.add({name: 3 * value for name, value in LOSSES.items()})
    log.close_row(Progress(step=2, molecules=100, seconds=30.0), 1e-3, {"valid_loss": 0.5})
    (row,) = rows(log)
    assert list(row) == list(columns(WEIGHTS))
    assert (float(row["loss_position"]), float(row["loss_bond"])) == (2, 8)
    assert float(row["loss"]) == pytest.approx(2 * (1 + 0.8 + 1.2 + 8))
    assert float(row["molecules_per_second"]) == pytest.approx(100 / 30, rel=1e-4)
    assert (row["valid_loss"], row["sampled_valid"]) == ("0.5", "")


def test_each_row_begins_anew(log: MetricsLog) -> None:
    log.add(LOSSES)
    log.close_row(Progress(1, 10, 1.0), 1e-3, {})
    log.add(dict.fromkeys(LOSSES, 0.0))
    log.close_row(Progress(2, 30, 2.0), 1e-3, {})
    assert float(rows(log)[1]["loss"]) == 0
    assert float(rows(log)[1]["molecules_per_second"]) == pytest.approx(20)


def test_restart_keeps_the_rows_up_to_the_saved_step(log: MetricsLog) -> None:
    for step in (2, 4, 6):
        log.add(LOSSES)
        log.close_row(Progress(step, 10 * step, 6.0 * step), 1e-3, {})
    again = MetricsLog(log.path, WEIGHTS, every=2)
    again.restart(4)
    again.add(LOSSES)
    again.close_row(Progress(6, 60, 48.0), 1e-3, {})
    assert [row["step"] for row in rows(again)] == ["2", "4", "6"]
    assert float(rows(again)[2]["molecules_per_second"]) == pytest.approx(20 / 24, rel=1e-2)
    again = MetricsLog(log.path, WEIGHTS)
    again.restart(0)
    assert again.rows == []


def test_one_that_does_not_write_writes_nothing(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.csv", WEIGHTS, writes=False)
    log.add(LOSSES)
    log.close_row(Progress(1, 10, 1.0), 1e-3, {})
    log.flush()
    assert list(tmp_path.iterdir()) == []


def test_bar_is_silent_without_a_terminal_but_tells_of_validation(
    log: MetricsLog, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"step": 2, "minutes": "0.5", "loss": "1.5", "molecules_per_second": "9"}
    with Shown(4, None, clock=lambda: 0.0) as shown:
        shown.update(Progress(2, 10, 30.0), 0.5, row)
        assert capsys.readouterr().err == ""
        shown.update(Progress(4, 20, 60.0), 1.0, {**row, "valid_loss": "1.25"})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "step 4 of 4, 1.0 min: loss 1.5, mol/s 9, valid 1.25\n"


STEPS = ["step 20 of 100, 1.0 min: X, 4 min left", "step 40 of 100, 2.0 min: X, 3 min left"]
TIMED = ["1.0 of 4 min, step 20: X, 3 min left", "2.0 of 4 min, step 40: X, 2 min left"]


@pytest.mark.parametrize(("minutes", "expected"), [(None, STEPS), (4.0, TIMED), (1000.0, STEPS)])
def test_a_line_a_minute_counts_what_ends_the_training(
    capsys: pytest.CaptureFixture[str], minutes: float | None, expected: list[str]
) -> None:
    now = 0.0
    row = {"loss": "1.5", "molecules_per_second": "9"}
    with Shown(100, minutes, clock=lambda: now) as shown:
        for step in range(1, 45):
            now += 3.0
            progress = Progress(step, 8 * step, now)
            share = max(step / 100, now / 60 / minutes if minutes else 0)
            shown.update(progress, share, row if step % 5 == 0 else None)
    assert capsys.readouterr().err.replace("loss 1.5, mol/s 9", "X").splitlines() == expected


def test_without_tensorboard_the_extra_is_named_once(
    log: MetricsLog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    for step in (1, 2):
        log.add(LOSSES)
        log.close_row(Progress(step, 10, 1.0), 1e-3, {})
    assert capsys.readouterr().err.count("pip install 'moldiff[tensorboard]'") == 1
    assert len(rows(log)) == 2
