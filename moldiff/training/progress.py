"""How far a training is, counted by what ends it: its steps, or the limit on its time."""

import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from moldiff.progress import INTERVAL, duration, log_stream
from moldiff.training.loop import Progress


class Shown:
    """A bar on a terminal; elsewhere, and in a log beside it, a line a minute and with each validation.

    For a ``with`` statement.
    """

    def __init__(
        self,
        steps: int,
        minutes: float | None,
        *,
        enabled: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin.

        Args:
            steps: at which the training ends.
            minutes: after which it ends, if that is sooner.
            enabled: False shows nothing, as in all processes but the first.
            clock: seconds, for tests.
        """
        self._steps, self._minutes, self._clock = steps, minutes, clock
        self._started = self._said = clock()
        self._first: float | None = None
        self._notes: dict[str, Any] = {}
        self._lines = log_stream() if enabled else None
        self._bar: Any = None
        if enabled and sys.stderr.isatty():
            from tqdm import tqdm

            shape = "{desc}: {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}{postfix}]"
            self._bar = tqdm(total=1.0, desc="train", bar_format=shape, dynamic_ncols=True)

    def __enter__(self) -> "Shown":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, progress: Progress, fraction: float, row: Mapping[str, Any] | None = None) -> None:
        """A step is done.

        Args:
            progress: where the training stands.
            fraction: share of it that is done, by steps or by time.
            row: of the metrics, where one was closed.
        """
        now = self._clock()
        if self._first is None:
            self._first = fraction
            if self._bar is not None:
                self._bar.initial = self._bar.n = fraction
        if row is not None:
            self._notes = {"loss": row["loss"], "mol/s": row["molecules_per_second"]}
            if "valid_loss" in row:
                self._notes["valid"] = row["valid_loss"]
        if self._bar is not None:
            self._bar.set_description_str(f"train, {self._place(progress, fraction)}", refresh=False)
            self._bar.set_postfix(self._notes, refresh=False)
            self._bar.update(fraction - self._bar.n)
        validated = row is not None and "valid_loss" in row
        if self._lines is not None and (validated or now - self._said >= INTERVAL):
            self._said = now
            print(self.line(progress, fraction), file=self._lines, flush=True)

    def line(self, progress: Progress, fraction: float) -> str:
        """What a log says of a step."""
        notes = ", ".join(f"{name} {value}" for name, value in self._notes.items())
        told = f"{self._place(progress, fraction)}" + (f": {notes}" if notes else "")
        done = fraction - (self._first or 0.0)
        if done > 0 and fraction < 1:
            told += f", {duration((self._clock() - self._started) * (1 - fraction) / done)} left"
        return told

    def _place(self, progress: Progress, fraction: float) -> str:
        minutes = progress.seconds / 60
        if self._minutes is not None and fraction > progress.step / self._steps:
            return f"{minutes:.1f} of {self._minutes:g} min, step {progress.step}"
        return f"step {progress.step} of {self._steps}, {minutes:.1f} min"
