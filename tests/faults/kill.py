"""The workflow killed at random moments, run again, and compared: `python -m tests.faults.kill 30`.

A tiny configuration starts in a fresh folder and is killed with all its jobs at a random moment (SIGKILL, or SIGTERM or
SIGINT with ten seconds of grace); the same command is started again, killed again, and after some kills left to end.
The files must be those of a run that nobody disturbed, byte for byte, and nothing half-written may stay behind. Moments
are drawn in seconds of processor time, so that a busy machine is hit in the same places. Exit status 1 if any kill is
not recovered from.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import tiny_workflow
from tests.faults import killing
from tests.faults.killing import Kill

COMMANDS = ("featurize", "merge", "train", "sample", "check", "rank", "report")
CHANGES = {
    "featurize": {"shards": 2},
    "train": {"steps": 200, "checkpoint_every": 20},
    "sample": {"shards": 2, "n": 24, "steps": 40, "batch_pairs": 400},
}


def main() -> int:
    """Run the rounds; returns the exit status."""
    return killing.main(str(__doc__), 30, rounds, add)


def add(parser: argparse.ArgumentParser) -> None:
    """What this script takes beside what all take."""
    parser.add_argument("--each", type=int, default=1, help="kills in one folder before its run may end")
    parser.add_argument("--cores", type=int, default=1)


def rounds(given: argparse.Namespace, draw: random.Random, base: Path) -> Iterator[Kill]:
    """Kills of the workflow without end, each with what came of its folder."""
    undisturbed = tiny_workflow.write(base / "undisturbed", **CHANGES)
    seconds = killing.processor_seconds(lambda: finish(base / "undisturbed", given.cores))
    number = 0
    while True:
        number += 1
        folder = base / str(number)
        run = tiny_workflow.write(folder, **CHANGES)
        kills = []
        for _ in range(given.each):
            sent = draw.choice(killing.SIGNALS)
            after = draw.uniform(0.5, seconds * min(1, 2 / given.each))
            process = killing.start(command(given.cores), folder)
            ended = killing.wait(process, after)
            stage = stage_of(process.pid)
            left = killing.end(process, sent)
            if ended:
                break  # before its moment came
            kills.append((f"workflow, {stage}", sent, after, () if left else ("processes outlive the grace",)))
        try:
            finish(folder, given.cores)
            wrong = tiny_workflow.differences(run, undisturbed)
        except subprocess.CalledProcessError as error:
            wrong = [f"run again it fails:\n{error.output[-3000:]}"]
        for stage, sent, after, left_behind in kills:
            yield Kill(stage, sent, after, seconds, (*left_behind, *wrong))
        shutil.rmtree(folder)


def command(cores: int) -> list[str]:
    """The workflow on this machine."""
    return [*tiny_workflow.snakemake(), "--cores", str(cores)]


def finish(folder: Path, cores: int) -> None:
    """Run the workflow to its end.

    Raises:
        CalledProcessError: it failed.
    """
    killing.finish(command(cores), folder)


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


if __name__ == "__main__":
    sys.exit(main())
