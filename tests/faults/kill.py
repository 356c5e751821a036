"""The workflow killed at random moments, rerun, and compared: `python -m tests.faults.kill 30`.

A tiny configuration starts in a fresh folder and is killed with all its jobs at a random moment (SIGKILL, or SIGTERM or
SIGINT with ten seconds of grace); the same command is started again, killed again, and after some kills left to end.
The files must be those of a run that nobody disturbed, byte for byte, and nothing half-written may stay behind. Moments
are drawn in seconds of processor time, so that a busy machine is hit in the same places. Exit status 1 if any kill is
not recovered from.
"""

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
from pathlib import Path
from typing import Any

from tests import tiny_workflow

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL, as a batch system grants them."""
COMMANDS = ("featurize", "merge", "train", "sample", "check", "report")
CHANGES = {
    "featurize": {"shards": 2},
    "train": {"steps": 200, "checkpoint_every": 20},
    "sample": {"shards": 2, "n": 24, "steps": 40, "batch_pairs": 400},
}


def main() -> int:
    """Run the rounds; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", nargs="?", type=int, default=30)
    parser.add_argument("--each", type=int, default=1, help="kills in one folder before its run may end")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the signals")
    parser.add_argument("--cores", type=int, default=1)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of every `finally`
    draw = random.Random(given.seed)
    base = Path(tempfile.mkdtemp(prefix="moldiff-faults-", dir="/tmp"))
    try:
        undisturbed = tiny_workflow.write(base / "undisturbed", **CHANGES)
        seconds = finish(base / "undisturbed", given.cores)
        print(f"undisturbed run: {seconds:.0f} s of processor time", flush=True)
        kills = good = folders = 0
        while kills < given.kills:
            folders += 1
            folder = base / str(folders)
            run = tiny_workflow.write(folder, **CHANGES)
            kills_sent = []
            while len(kills_sent) < min(given.each, given.kills - kills):
                sent = draw.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
                stage = kill(folder, given.cores, sent, draw.uniform(0.5, seconds * min(1, 2 / given.each)))
                if not stage:
                    break  # it ended before its moment came
                kills_sent.append(f"{sent.name} in {stage}")
            if not kills_sent:
                continue
            try:
                finish(folder, given.cores)
                wrong = tiny_workflow.differences(run, undisturbed)
            except subprocess.CalledProcessError as error:
                wrong = [f"the rerun fails:\n{error.output[-3000:]}"]
            kills += len(kills_sent)
            good += len(kills_sent) * (not wrong)
            print(f"run {folders}: {', '.join(kills_sent)}: {'; '.join(wrong) or 'as undisturbed'}", flush=True)
            shutil.rmtree(folder)
        print(f"{good} of {kills} kills were recovered by the rerun, in {folders} runs", flush=True)
        return good < kills
    finally:
        shutil.rmtree(base, ignore_errors=True)


def command(cores: int) -> list[str]:
    """The workflow on this machine."""
    return [*tiny_workflow.snakemake(), "--cores", str(cores)]


def finish(folder: Path, cores: int) -> float:
    """Run to the end; returns the seconds of processor time.

    Raises:
        CalledProcessError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command(cores),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=3600,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def kill(folder: Path, cores: int, sent: signal.Signals, after: float) -> str:
    """Start the workflow, kill it with all its jobs after so many seconds of processor time.

    Returns:
        The command of moldiff that it was in; empty if it had ended before.
    """
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command(cores), cwd=folder, stdout=log, stderr=log, start_new_session=True)
        ended = wait(process, after)
        stage = stage_of(process.pid)
        end(process, sent)
    return "" if ended else stage


def wait(process: subprocess.Popen[Any], after: float) -> bool:
    """Wait until a process and its group have used so many seconds of processor time; returns whether it ended."""
    try:
        while process.poll() is None and used(process.pid) < after:
            time.sleep(0.1)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.poll() is not None


def end(process: subprocess.Popen[Any], sent: signal.Signals) -> None:
    """Send a signal to a process and its group, and SIGKILL after some grace."""
    for number, seconds in ((sent, GRACE), (signal.SIGKILL, 30)):
        if alive(process.pid):
            os.killpg(process.pid, number)
        last = time.monotonic() + seconds
        while time.monotonic() < last and alive(process.pid):
            process.poll()
            time.sleep(0.05)
    process.wait()


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


def stage_of(group: int) -> str:
    """The command of moldiff that runs in a process group, or "between jobs"."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
            if os.getpgid(int(path.parent.name)) == group and len(words) > 2 and words[1].endswith("/moldiff"):
                named = [word for word in words[2:] if word in COMMANDS]
                return " ".join(named[:2] if named[:1] == ["merge"] else named[:1])
        except OSError:
            continue
    return "between jobs"


def alive(group: int) -> bool:
    """Whether a process group has members left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
