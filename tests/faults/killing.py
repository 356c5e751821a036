"""What the scripts of kills share: processes that are killed with their children, and one report."""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
GRACE = 10.0
"""Seconds between a signal and SIGKILL, as a batch system grants them, on a machine of which the processes have a third
at least: they get `WORK` seconds of processor time in any case, up to `LONGEST` seconds."""
WORK = 3.0
LONGEST = 300.0


@dataclass(frozen=True)
class Kill:
    """A kill and what came of it.

    Attributes:
        place: what was killed, and in which stage.
        sent: the signal.
        after: seconds of processor time until then.
        total: seconds of processor time of an undisturbed run.
        wrong: what is not as in an undisturbed run after the same command was run again.
    """

    place: str
    sent: signal.Signals
    after: float
    total: float
    wrong: tuple[str, ...]


def main(
    description: str,
    kills: int,
    rounds: Callable[[argparse.Namespace, random.Random, Path], Iterator[Kill]],
    add: Callable[[argparse.ArgumentParser], None],
) -> int:
    """Report so many kills, one on a line; returns the exit status, 1 if any was not recovered from.

    Args:
        description: of the script.
        kills: how many by default.
        rounds: kills without end, given the arguments, a random generator and a folder.
        add: adds further arguments.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", nargs="?", type=int, default=kills)
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the signals")
    add(parser)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of every `finally`
    base = Path(tempfile.mkdtemp(prefix="moldiff-faults-", dir="/tmp"))
    done: list[Kill] = []
    try:
        for one in islice(rounds(given, random.Random(given.seed), base), given.kills):
            done.append(one)
            when = f"{one.sent.name} at {one.after:.1f} of {one.total:.1f} s"
            print(f"{one.place}: {when}: {'; '.join(one.wrong) or 'as undisturbed'}", flush=True)
    finally:
        shutil.rmtree(base, ignore_errors=True)
        good = sum(not one.wrong for one in done)
        signals = ", ".join(f"{name} {number}" for name, number in Counter(one.sent.name for one in done).items())
        places = ", ".join(f"{name} {number}" for name, number in sorted(Counter(one.place for one in done).items()))
        print(f"{good} of {len(done)} kills recovered by the same command ({signals}; {places})", flush=True)
    return good < len(done)


def processor_seconds(call: Callable[[], object]) -> float:
    """Seconds of processor time of the processes that a call starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> subprocess.Popen[Any]:
    """A process in a folder and in a group of its own; what it prints is in the file FOLDER.log."""
    with log_of(folder).open("w") as log:
        return subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, start_new_session=True, env=environment
        )  # fmt: skip


def log_of(folder: Path) -> Path:
    """What the last process in a folder printed."""
    return folder.with_name(f"{folder.name}.log")


def finish(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    """Run a command to its end.

    Raises:
        CalledProcessError: it failed.
    """
    pipe = subprocess.PIPE
    subprocess.run(
        command, cwd=folder, stdout=pipe, stderr=subprocess.STDOUT, text=True, check=True, timeout=3600, env=environment
    )  # fmt: skip


def wait(process: subprocess.Popen[Any], after: float) -> bool:
    """Wait until a process and its group have used so many seconds of processor time; returns whether it ended."""
    try:
        while process.poll() is None and used(process.pid) < after:
            time.sleep(0.1)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.poll() is not None


def end(process: subprocess.Popen[Any], sent: signal.Signals, *, alone: bool = False) -> bool:
    """Send a signal to a process and its group, and SIGKILL after some grace.

    Args:
        process: the first of its group.
        sent: the signal.
        alone: the signal goes to this process only, and what it started must end with it.

    Returns:
        Whether all processes ended within the grace.
    """
    if alive(process.pid):
        (os.kill if alone else os.killpg)(process.pid, sent)
    ended = _gone(process)
    if not ended:
        os.killpg(process.pid, signal.SIGKILL)
        _gone(process)
    process.wait()
    return ended


def _gone(process: subprocess.Popen[Any]) -> bool:
    """Wait until a process and its group have ended; returns False if they do not within the grace."""
    began, before = time.monotonic(), used(process.pid)
    while (waited := time.monotonic() - began) < LONGEST and (waited < GRACE or used(process.pid) < before + WORK):
        process.poll()
        if not alive(process.pid):
            return True
        time.sleep(0.05)
    return False


def used(group: int) -> float:
    """Seconds of processor time of a process group, with its ended children."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(values[2]) == group:
            ticks += sum(map(int, values[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def alive(group: int) -> bool:
    """Whether a process group has members left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
