import csv
import sys
from pathlib import Path

import pytest

from moldiff.training.log import COLUMNS, MetricsLog
from moldiff.training.loop import Progress

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
    assert list(row) == list(COLUMNS)
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
    with log.progress_bar(4, 0, enabled=True) as update:
        update(2, row)
        assert capsys.readouterr().err == ""
        update(4, {**row, "valid_loss": "1.25"})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "step 4 of 4" in captured.err
    assert "valid 1.25" in captured.err


def test_without_tensorboard_the_extra_is_named_once(
    log: MetricsLog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    for step in (1, 2):
        log.add(LOSSES)
        log.close_row(Progress(step, 10, 1.0), 1e-3, {})
    assert capsys.readouterr().err.count("pip install 'moldiff[tensorboard]'") == 1
    assert len(rows(log)) == 2
