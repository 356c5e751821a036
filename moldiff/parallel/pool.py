"""Processes that work through many items, of which any may hang or crash without taking the others along."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from multiprocessing import connection
from typing import Any, Generic, TypeVar

from moldiff.parallel.limits import end_with_parent, limit_memory

Item = TypeVar("Item")
Result = TypeVar("Result")
Packed = TypeVar("Packed")

_FLUSH_SECONDS = 0.5
_POLL_SECONDS = 0.2
_ORPHAN_SECONDS = 2.0
_GROUP = 32
_IDLE = -1.0
_HEAVY = 1 << 22
SECONDS = 60.0
"""Time for one item where the user gives no other."""
MEMORY = 4 << 30
"""Bytes that a process may take beyond what it has when it starts."""
_OUT_OF_MEMORY = 77
"""Exit status of a process that asked for more."""


@dataclass(frozen=True, slots=True)
class Lost(Generic[Item]):
    """An item without a result: its process was ended or crashed."""

    item: Item
    reason: str


def default_workers() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_all(
    work: Callable[[Item], Result],
    pack: Callable[[list[Result]], Packed],
    items: Iterable[Item],
    *,
    then: Sequence[Callable[[Any], Any]] = (),
    workers: int,
    chunk: int,
    timeout: float,
    weigh: Callable[[Item], int] | None = None,
    memory: int = MEMORY,
) -> Iterator[Packed | Lost[Item]]:
    """Results of all items in packed pieces, in no particular order.

    Args:
        work: gives the result of one item.
        pack: makes of several results one object that travels well; called in the process that worked.
        items: the items, read as they are needed.
        then: further steps, each given what the one before it gave; a step is done for a group of items before the
            next step begins, which keeps its code in the processor's cache (a quarter of featurize's time).
        workers: processes.
        chunk: items handed to a process at a time.
        weigh: bytes of an item; a process is handed fewer items at a time where they are above `_HEAVY` together.
        timeout: seconds for one item; then its process is ended, the item is `Lost` and the others of its chunk
            go to a new process. The same becomes of an item that crashes its process, or needs too much memory.
        memory: bytes that a process may take, on systems that can limit it.
    """
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    source = _chunks(items, chunk, weigh)
    pool: list[_Worker[Item, Result, Packed]] = []
    try:
        for batch in islice(source, workers):
            pool.append(_Worker(context, (work, *then), pack, memory))
            pool[-1].give(batch)
        while busy := [worker for worker in pool if worker.items]:
            ready = connection.wait([worker.pipe for worker in busy], _POLL_SECONDS)
            for worker in busy:
                if worker.pipe in ready:
                    yield worker.receive()
                elif worker.seconds() > timeout:
                    yield worker.lose(f"timeout: given up after {timeout:g} s")
                if not worker.items and (next_batch := next(source, None)) is not None:
                    worker.give(next_batch)
    finally:
        for worker in pool:
            worker.stop()


def _chunks(items: Iterable[Item], size: int, weigh: Callable[[Item], int] | None) -> Iterator[list[Item]]:
    if weigh is None:
        iterator = iter(items)
        while batch := list(islice(iterator, size)):
            yield batch
        return
    batch, weight = [], 0
    for item in items:
        batch.append(item)
        weight += weigh(item)
        if len(batch) == size or weight > _HEAVY:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


class _Worker(Generic[Item, Result, Packed]):
    """A process, its pipe, and the items that it still owes."""

    def __init__(
        self,
        context: Any,
        steps: tuple[Callable[[Any], Any], ...],
        pack: Callable[[list[Result]], Packed],
        memory: int,
    ) -> None:
        self._context = context
        self._tasks, self._memory = (steps, pack), memory
        self._started = context.Value("d", _IDLE, lock=False)
        self._place = context.Value("q", 0, lock=False)
        self.items: list[Item] = []
        self._start()

    def _start(self) -> None:
        self.pipe, child = self._context.Pipe()
        self._started.value, self._place.value = _IDLE, 0
        self._process = self._context.Process(
            target=_serve, args=(child, *self._tasks, self._started, self._place, self._memory), daemon=True
        )
        self._process.start()
        child.close()

    def give(self, items: list[Item]) -> None:
        self.items = items
        try:
            self.pipe.send(items)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the process is dead, which receive() finds out

    def seconds(self) -> float:
        """How long the process has been at its present item."""
        started = float(self._started.value)
        return time.monotonic() - started if started != _IDLE else 0.0

    def receive(self) -> Packed | Lost[Item]:
        """The next piece of results, or the item at which the process died."""
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join(_POLL_SECONDS)  # its exit status may come after the end of its pipe
            return self.lose("crash: the process that worked on it died")
        if isinstance(message, BaseException):
            raise message
        count, piece = message
        self.items = self.items[count:]
        return piece

    def lose(self, reason: str) -> Lost[Item]:
        """End the process, give up the item it was at, and hand the others that it owes to a new one."""
        self.stop()
        if self._process.exitcode == _OUT_OF_MEMORY:
            reason = f"memory: needs more than {self._memory / (1 << 30):.3g} GB"
        place = int(self._place.value)  # counted from the first item that is still owed
        lost = Lost(self.items[place], reason)
        remaining = self.items[:place] + self.items[place + 1 :]
        self._start()
        self.items = []
        if remaining:
            self.give(remaining)
        return lost

    def stop(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _serve(
    pipe: Any,
    steps: tuple[Callable[[Any], Any], ...],
    pack: Callable[[list[Any]], Any],
    started: Any,
    place: Any,
    memory: int,
) -> None:
    """The process: results go back every half second, so that an item that hangs costs the others little."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its children
    parent = os.getppid()
    end_with_parent()
    limit_memory(memory)
    size = _GROUP if len(steps) > 1 else 1
    while True:
        try:
            while not pipe.poll(_ORPHAN_SECONDS):
                if os.getppid() != parent:  # siblings hold the pipe's other end too, so no end of file shows it
                    return
            items = pipe.recv()
        except (EOFError, OSError):
            return
        results: list[Any] = []
        flushed = time.monotonic()
        try:
            for first in range(0, len(items), size):
                values = items[first : first + size]
                for step in steps:
                    for index, value in enumerate(values):
                        place.value, started.value = len(results) + index, time.monotonic()
                        values[index] = step(value)
                results += values
                started.value = _IDLE
                if os.getppid() != parent:
                    return
                if time.monotonic() - flushed > _FLUSH_SECONDS:
                    pipe.send((len(results), pack(results)))
                    results, flushed = [], time.monotonic()
            if results:
                pipe.send((len(results), pack(results)))
        except BrokenPipeError:
            return
        except MemoryError:  # nothing may be allocated any more, not even a message
            os._exit(_OUT_OF_MEMORY)
        except Exception as error:  # a mistake of the program: the parent raises it
            pipe.send(error)
            return
