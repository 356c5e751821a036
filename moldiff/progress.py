"""How far long work is: a bar on a terminal, a line a minute in a log."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TextIO, TypeVar

Item = TypeVar("Item")

INTERVAL = 60.0
"""Seconds between two lines of a log."""


def log_stream() -> TextIO | None:
    """Where lines of progress belong: standard error, or on a terminal, which shows a bar, the log beside it."""
    return getattr(sys.stderr, "log", None) if sys.stderr.isatty() else sys.stderr


class Progress:
    """Counts what is done and says so; for a ``with`` statement.

    On a terminal it draws a bar. Where standard error is not a terminal, and in the log beside a terminal
    (`moldiff.cli.log.Tee`), it writes a line every `INTERVAL` with count, rate and time left.
    """

    def __init__(
        self, title: str, unit: str, total: int | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start counting.

        Args:
            title: of the work.
            unit: what is counted, in the plural.
            total: how many there will be, if that is known.
            clock: seconds, for tests.
        """
        self._title, self._unit, self._total, self._clock = title, unit, total, clock
        self._count = 0
        self._started = self._said = clock()
        self._lines = log_stream()
        self._bar: Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=f" {unit}", desc=title, dynamic_ncols=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    def update(self, count: int = 1, note: str = "") -> None:
        """So many more are done; ``note`` says more about them."""
        self._count += count
        if self._bar is not None:
            if note:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(count)
        now = self._clock()
        if self._lines is not None and now - self._said >= INTERVAL:
            self._said = now
            print(self.line(now, note), file=self._lines, flush=True)

    def over(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, each counted when the next one is asked for."""
        for item in items:
            yield item
            self.update()

    def line(self, now: float, note: str = "") -> str:
        """What is said of the work at a time of the clock."""
        rate = self._count / max(now - self._started, 1e-9)
        total = f" of {self._total:,}" if self._total is not None else ""
        parts = [f"{self._title}: {self._count:,}{total} {self._unit}"]
        if note:
            parts.append(note)
        parts.append(f"{rate:.3g} {self._unit}/s")
        if self._total is not None and rate > 0:
            parts.append(f"{duration(max(self._total - self._count, 0) / rate)} left")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
