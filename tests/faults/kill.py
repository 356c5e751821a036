"""The workflow killed at random moments, rerun, and compared: `python -m tests.faults.kill 30`.

Each round starts a tiny configuration in a fresh folder, kills it with all its jobs at a random moment (SIGKILL, or
SIGTERM with ten seconds of grace), starts the same command again and lets it end. The files must be those of a run
that nobody disturbed, byte for byte, and nothing half-written may stay behind. Exit status 1 if any round fails.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
    parser.add_argument("rounds", nargs="?", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the signals")
    parser.add_argument("--cores", type=int, default=1)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    base = Path(tempfile.mkdtemp(prefix="moldiff-faults-", dir="/tmp"))
    try:
        undisturbed = tiny_workflow.write(base / "undisturbed", **CHANGES)
        seconds = finish(base / "undisturbed", given.cores)
        print(f"undisturbed run: {seconds:.0f} s", flush=True)
        print("| round | signal | after, s | killed in | rerun, s | result |\n|---|---|---|---|---|---|", flush=True)
        failed = 0
        for number in range(1, given.rounds + 1):
            folder = base / f"round{number}"
            run = tiny_workflow.write(folder, **CHANGES)
            sent, after = draw.choice((signal.SIGKILL, signal.SIGTERM)), draw.uniform(0.5, seconds)
            stage = kill(folder, given.cores, sent, after)
            try:
                again = finish(folder, given.cores)
                wrong = tiny_workflow.differences(run, undisturbed)
            except subprocess.CalledProcessError as error:
                again, wrong = float("nan"), [f"the rerun fails:\n{error.output[-3000:]}"]
            failed += bool(wrong)
            told = "; ".join(wrong) or "as undisturbed"
            print(f"| {number} | {sent.name} | {after:.1f} | {stage} | {again:.0f} | {told} |", flush=True)
            if not wrong:
                shutil.rmtree(folder)
        print(f"{given.rounds - failed} of {given.rounds} complete after the rerun, equal to the undisturbed run")
        return bool(failed)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def command(cores: int) -> list[str]:
    """The workflow on this machine."""
    return [*tiny_workflow.snakemake(), "--cores", str(cores)]


def finish(folder: Path, cores: int) -> float:
    """Run to the end; returns the seconds.

    Raises:
        CalledProcessError: it failed.
    """
    start = time.monotonic()
    subprocess.run(
        command(cores), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, timeout=900
    )
    return time.monotonic() - start


def kill(folder: Path, cores: int, sent: signal.Signals, after: float) -> str:
    """Start the workflow, kill it with all its jobs after so many seconds; returns the rule that it was in."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command(cores), cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            pass
        ended, stage = process.poll() is not None, stage_of(process.pid)
        for number, seconds in ((sent, GRACE), (signal.SIGKILL, 30)):
            if alive(process.pid):
                os.killpg(process.pid, number)
            end = time.monotonic() + seconds
            while time.monotonic() < end and alive(process.pid):
                process.poll()
                time.sleep(0.05)
        process.wait()
    return "nothing: it had ended" if ended else stage


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
