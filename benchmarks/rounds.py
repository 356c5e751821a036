"""Rounds of preferences, as many as the time allows: what `benchmarks/preferred.py` says, without a hand.

    moldiff check training.smi --out training
    python -m benchmarks.rounds drugs --known drugs --like training --out rounds --rounds 3 -n 10000 --jobs 15 \
        --train="--minutes 1.3 --batch-size 128 --learning-rate 4e-4"

In each round the weights make N molecules, these are checked, `benchmarks/preferred.py` draws the preferred and the
refused ones, `benchmarks/relaxed.py` takes both to their own minima, and the weights learn from them; the next round
begins with what came out, OUT/K/taught/model.safetensors. Several processes share one GPU, if there is one. What each
command wrote is in OUT/K/log. The same command goes on where it was killed: what is complete is not made again.
"""

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

TEACH = (
    "--objective prefer --prefer-strength 30 --prefer-kept 1 --prefer-above 0.4 --warmup-steps 30 --ema 0.99 "
    "--precision tensorfloat32"
)
"""Options of every round's training; `--train` adds to them."""


@dataclass(frozen=True)
class Round:
    """One round.

    Attributes:
        folder: of all that it writes.
        weights: that it begins with.
        given: arguments of the command.
    """

    folder: Path
    weights: str
    given: argparse.Namespace

    def run(self, seed: int) -> str:
        """Do all of it; returns the weights that came out."""
        began, given, jobs = time.monotonic(), self.given, self.given.jobs
        taught = self.folder / "taught" / "model.safetensors"
        if taught.exists():
            return str(taught)
        (self.folder / "log").mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(jobs) as pool:
            pairs = list(pool.map(lambda job: self.made(job, seed), range(1, jobs + 1)))
        self.say("sampled and checked", began)
        sets = str(self.folder / "set")
        drawing = f"benchmarks.preferred {sets} {' '.join(pairs)} --like {given.like} --seed {seed} {given.draw}"
        print(self.python("preferred", drawing, threads=jobs), flush=True)
        self.say("drawn", began)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self.featurized, ("kept", "refused")))
        self.say("relaxed and featurized", began)
        self.moldiff(
            "train",
            f"train {sets}_kept --refused {sets}_refused --start-from {self.weights} --threads 1 --seed {seed} "
            f"--out {self.folder / 'taught'} {TEACH} {given.train}",
        )
        self.say("taught", began)
        return str(taught)

    def made(self, job: int, seed: int) -> str:
        """One process's part of the molecules, and their check, as `preferred` wants both."""
        part, own = f"{job}/{self.given.jobs}", self.folder / f"own-{job}"
        if (own / "summary.json").exists():
            return f"{own}.sdf={own}"
        self.moldiff(
            f"sample-{job}",
            f"sample {self.weights} --seed {seed} -n {self.given.n} --shard {part} --threads 1 --restarts 0 "
            f"--batch-pairs 200000 --out {own}.sdf {self.given.sample}",
        )
        self.moldiff(f"check-{job}", f"check {own}.sdf --train {self.given.known} --workers 1 --out {own}")
        return f"{own}.sdf={own}"

    def featurized(self, kind: str) -> None:
        """Preferred or refused molecules at their own minima, as a dataset."""
        drawn, jobs = self.folder / f"set_{kind}", max(1, self.given.jobs // 2)
        if (drawn / "dataset.json").exists():
            return
        self.python(f"relax-{kind}", f"benchmarks.relaxed {drawn}.sdf {drawn}_relaxed.sdf --jobs {jobs}", threads=1)
        self.moldiff(
            f"featurize-{kind}",
            f"featurize {drawn}_relaxed.sdf --for {self.weights} --duplicates keep --fragments keep --max-atoms 120 "
            f"--workers {jobs} --out {drawn}",
        )

    def moldiff(self, name: str, command: str) -> str:
        """What a command of moldiff printed."""
        return self.python(name, f"moldiff {command}", threads=1)

    def python(self, name: str, command: str, threads: int) -> str:
        """What a module printed.

        Raises:
            RuntimeError: it failed.
        """
        done = subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            capture_output=True,
            text=True,
            check=False,
        )
        log = self.folder / "log" / f"{name}.txt"
        log.write_text(f"{command}\n{done.stdout}{done.stderr}")
        if done.returncode:
            raise RuntimeError(f"{log}: {command}: {done.stderr[-2000:]}")
        return done.stdout

    def say(self, what: str, began: float) -> None:
        """How far the round is."""
        print(f"{self.folder}: {what} after {time.monotonic() - began:.0f} s", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the rounds; arguments are those of the command line by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="to begin with: a file, or the name of shipped ones")
    parser.add_argument("--known", required=True, help="whose ring systems are known: what check takes as --train")
    parser.add_argument("--like", type=Path, required=True, help="check of molecules of the training set")
    parser.add_argument("--out", type=Path, required=True, help="folder")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="no round begins that would end later, by the longest"
    )
    parser.add_argument("-n", type=int, default=6000, help="molecules of a round")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", default="", help="options of sample")
    parser.add_argument("--draw", default="", help="options of preferred")
    parser.add_argument("--train", default="", help="options of train")
    given = parser.parse_args(arguments)
    weights, began, longest = given.weights, time.monotonic(), 0.0
    for number in range(1, given.rounds + 1):
        start = time.monotonic()
        if start + longest > began + given.seconds:
            print(f"no time for round {number}: the longest took {longest:.0f} s")
            break
        weights = Round(given.out / str(number), weights, given).run(given.seed + number)
        longest = max(longest, time.monotonic() - start)


if __name__ == "__main__":
    main()
