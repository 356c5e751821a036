"""Broken files by the thousand: no crash, no hang, no lost record, no memory. `python -m tests.faults.fuzz 10000`.

Each case of `tests.faults.broken` is a function of its number, so that one that fails can be run again alone:
`python -m tests.faults.fuzz 1 --first NUMBER --kind KIND`. Exit status 1 if any case fails.
"""

import argparse
import random
import resource
import signal
import sys
import tempfile
import traceback
from collections import Counter
from functools import partial
from pathlib import Path

from moldiff.models.checkpoint import Model, Statistics, save_model
from moldiff.parallel import Lost, run_all
from moldiff.scoring.score import warm_up
from tests import tiny
from tests.faults.broken import CASES

SLOW = 20.0
"""Seconds above which a case hangs."""
MEMORY = 1 << 30
"""Bytes that a process may take."""


def main() -> int:
    """Run the cases; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="?", type=int, default=10_000, help="of each kind")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kind", action="append", choices=sorted(CASES), help="all by default")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of every `finally`
    warm_up()
    with tempfile.TemporaryDirectory(prefix="moldiff-faults-", dir="/tmp") as base:
        prepare(Path(base))
        return sum([failures(kind, Path(base), given.first, given.cases) for kind in given.kind or CASES]) > 0


def failures(kind: str, folder: Path, first: int, count: int) -> int:
    """Run cases of a kind and say what became of them, also if interrupted; returns how many failed."""
    outcome: Counter[str] = Counter()
    peak = 0
    numbers = range(first, first + count)
    try:
        for piece in run_all(partial(one, kind, folder), list, numbers, workers=1, chunk=200, timeout=SLOW):
            lost = [(f"FAILED case {piece.item}: {piece.reason}", 0)] if isinstance(piece, Lost) else []
            for word, memory in lost or piece:
                peak = max(peak, memory)
                if word.startswith("FAILED"):
                    print(f"{kind}: {word}", flush=True)
                outcome[word if not word.startswith("FAILED") else "failed"] += 1
    finally:
        print(f"{kind}: {outcome.total()} cases, {dict(outcome)}, at most {peak >> 20} MB", flush=True)
    return outcome["failed"] + (peak > MEMORY)


def prepare(folder: Path) -> None:
    """The weights and the featurized set whose headers are changed."""
    statistics = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {4: 3, 6: 1}, "implicit")
    save_model(Model.of(tiny.network().float(), statistics, {"steps": 12}), folder / "model.safetensors")
    tiny.dataset(folder / "dataset", tiny.random_molecules(12), valid=2)


def one(kind: str, folder: Path, number: int) -> tuple[str, int]:
    """What became of a case, and the most memory that its process has taken."""
    try:
        word = CASES[kind](random.Random(f"{kind} {number}"), folder)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        word = f"FAILED case {number}: {type(error).__name__} in {last.name}: {str(error)[:3000]}"
    return word, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
