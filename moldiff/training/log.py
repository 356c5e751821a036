"""The log of a training: a row of means at intervals, in CSV and, where tensorboard is installed, for TensorBoard."""

import csv
import io
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from moldiff.files.atomic import write_text

TITLES = {"pos": "position"}
"""Names of losses that a reader of the log knows by another."""


def columns(losses: Iterable[str]) -> tuple[str, ...]:
    """The columns of the log of a training with these losses."""
    named = (f"loss_{TITLES.get(name, name)}" for name in losses)
    return (
        "step", "molecules", "minutes", "loss", *named, "learning_rate", "molecules_per_second", "valid_loss",
        "sampled_valid", "sampled_unique", "sampled_reasonable", "sampled_unknown_rings",
    )  # fmt: skip


class MetricsLog:
    """Means of the losses, a row every so many steps.

    Args:
        path: of the CSV file; it is rewritten completely, so it never ends in half a row.
        weights: of each loss in the total.
        every: steps of a row.
    """

    def __init__(self, path: Path, weights: dict[str, float], every: int = 50, writes: bool = True) -> None:
        self.path, self.weights, self.every, self.writes = path, weights, every, writes
        self.rows: list[dict[str, Any]] = []
        self._sums: dict[str, float] = defaultdict(float)
        self._count = 0
        self._last = (0, 0.0)
        self._board: Any = None

    def pending(self) -> dict[str, Any]:
        """What has been added since the last row, to be saved with a training's state."""
        return {"sums": dict(self._sums), "count": self._count}

    def restart(self, step: int, pending: dict[str, Any] | None = None) -> None:
        """Keep the rows up to a step: those of a run that was killed after its last saved state are made again.

        Args:
            step: where the training goes on.
            pending: what had been added there since the last row.
        """
        if pending is not None:
            self._sums, self._count = defaultdict(float, pending["sums"]), pending["count"]
        if step and self.path.exists():
            with self.path.open(newline="", encoding="utf-8") as file:
                self.rows = [row for row in csv.DictReader(file) if row.get("step") and int(row["step"]) <= step]
        if self.rows:
            self._last = (int(self.rows[-1]["molecules"]), 60 * float(self.rows[-1]["minutes"]))

    def add(self, losses: dict[str, float]) -> None:
        """The losses of one step, unweighted."""
        for name, value in losses.items():
            self._sums[name] += value
        self._count += 1

    def close_row(self, progress: Any, learning_rate: float, extra: dict[str, float]) -> dict[str, Any]:
        """Write the row of the steps since the last one."""
        means = {name: value / self._count for name, value in self._sums.items()}
        seconds = progress.seconds - self._last[1]
        rate = (progress.molecules - self._last[0]) / seconds if seconds > 0 else float("nan")
        row = {
            "step": progress.step,
            "molecules": progress.molecules,
            "minutes": f"{progress.seconds / 60:.4f}",
            "loss": sum(self.weights[name] * value for name, value in means.items()),
            **{f"loss_{TITLES.get(name, name)}": value for name, value in means.items()},
            "learning_rate": learning_rate,
            "molecules_per_second": rate,
            **extra,
        }
        formatted = {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
        self.rows.append(formatted)
        self._sums, self._count, self._last = defaultdict(float), 0, (progress.molecules, progress.seconds)
        self.flush()
        self._to_board(row)
        return formatted

    def flush(self) -> None:
        """Write the CSV file."""
        if not self.writes:
            return
        text = io.StringIO()
        writer = csv.DictWriter(text, columns(self.weights), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())

    def _to_board(self, row: dict[str, Any]) -> None:
        if not self.writes:
            return
        if self._board is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                remedy = "pip install 'moldiff[tensorboard]'"
                print(f"no TensorBoard logs ({remedy}); {self.path.name} holds the same numbers", file=sys.stderr)
                self._board = False
            else:
                self._board = SummaryWriter(str(self.path.parent / "tensorboard"))
        if self._board:
            for key, value in row.items():
                if key != "step":
                    self._board.add_scalar(key, float(value), row["step"])
