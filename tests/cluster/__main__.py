"""The workflow on a real Slurm, with jobs that are cancelled, killed and lost: `make test-cluster`.

Starts a Slurm of two nodes on loopback (installing Debian's packages where they are missing, as root), runs a tiny
configuration through the profile `workflows/profiles/slurm`, disturbs it, and compares what comes out with an
undisturbed run on this machine. Everything that was started is stopped at the end, whatever the end.

    python -m tests.cluster [--optional] [--keep FOLDER]

--optional: where there can be no Slurm, say why and succeed, as CI does.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import tiny_workflow
from tests.cluster.slurm import Slurm, Unavailable, install

SHARDS = 4
LIMIT = 420.0
"""Seconds that a run through Slurm may take."""
# The profile as it is; only the waiting is shorter than a large cluster likes it, and without a database Slurm
# is asked by squeue. Slurm's own requeueing of a lost node's job would wait for two minutes before Snakemake's retry.
QUICK = ["--slurm-no-requeue"]
QUICK += ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
QUICK += ["--seconds-between-status-checks", "1", "--max-status-checks-per-second", "10", "--latency-wait", "10"]


def main() -> int:
    """Install, start, run, disturb, compare, stop; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optional", action="store_true", help="succeed where there can be no Slurm")
    parser.add_argument("--keep", type=Path, help="run in this folder and leave everything there")
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))  # by way of every `finally`
    started = time.monotonic()
    try:
        import snakemake_executor_plugin_slurm  # noqa: F401
    except ImportError:
        return _unavailable("snakemake-executor-plugin-slurm is not installed (the extra `slurm`)", given.optional)
    try:
        install()
    except Unavailable as reason:
        return _unavailable(str(reason), given.optional)
    folder = given.keep or Path(tempfile.mkdtemp(prefix="moldiff-cluster-", dir="/tmp"))
    try:
        with Slurm() as slurm:
            say(started, f"{slurm.ask('slurmd', '-V').strip()} is up")
            failures, missed = compare(slurm, folder, started)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        # a machine on which Slurm does not come up, or that is too slow: no verdict on moldiff
        if not given.optional:
            raise
        return _unavailable(str(error), given.optional)
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    for name in missed:
        print(f"{'NOTE' if given.optional else 'FAILED'}: could not disturb: {name}", file=sys.stderr)
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    if not failures:
        say(started, "the outputs of the disturbed run on Slurm are those of an undisturbed one, byte for byte")
    return bool(failures or (missed and not given.optional))


def compare(slurm: Slurm, folder: Path, started: float) -> tuple[list[str], list[str]]:
    """Run the workflow undisturbed here and disturbed on Slurm; returns what is wrong, and what was not disturbed."""
    runs = {}
    for name, shards in (("here", 1), ("slurm", SHARDS)):  # the number of shards changes no result
        changes = {
            "featurize": {"shards": shards},
            "train": {"steps": 300},
            "sample": {"shards": shards, "n": 96, "steps": 60, "batch_pairs": 400},
        }
        runs[name] = tiny_workflow.write(folder / name, copies=12, **changes)
    local = [*tiny_workflow.snakemake(), "--cores", "1"]
    with (folder / "here.log").open("w") as log:
        subprocess.run(local, cwd=folder / "here", stdout=log, stderr=log, check=True, timeout=LIMIT)
    say(started, "undisturbed run on this machine done")
    output = folder / "slurm.log"
    with running(slurm, folder / "slurm", output) as process:
        done = disturb(slurm, runs["slurm"], process, started)
        status = process.wait(timeout=LIMIT)
    failures = []
    if status:
        text = output.read_text()
        failures.append(f"snakemake ended with status {status}:\n{text[-4000:]}")
    say(started, f"run through Slurm ended with status {status}")
    failures += tiny_workflow.differences(runs["slurm"], runs["here"])
    return failures + account(slurm), [name for name, could in done.items() if not could]


def disturb(slurm: Slurm, run: Path, process: "subprocess.Popen[bytes]", started: float) -> dict[str, bool]:
    """Lose a node in training, cancel one running sample job, kill another's process; returns what could be done."""
    done = dict.fromkeys(("node lost in training", "sample job cancelled", "sample job killed"), False)

    def training() -> bool:
        return any("\n50," in path.read_text() for path in run.glob("state/*/metrics.csv"))

    if wait(process, training):
        number = slurm.running("rule_train")
        node = slurm.lose_node(number)
        done["node lost in training"] = True
        say(started, f"node {node} lost with job {number}, training")
    if wait(process, lambda: begun(run, 1)):
        number = slurm.running(f"rule_sample_wildcards_1-of-{SHARDS}")
        slurm.ask("scancel", number)
        done["sample job cancelled"] = True
        say(started, f"scancel of job {number}, sample 1 of {SHARDS}")
    if wait(process, lambda: begun(run, 2)):
        for pid in processes_of(f"2-of-{SHARDS}.sdf"):
            os.kill(pid, signal.SIGKILL)
            done["sample job killed"] = True
            say(started, f"SIGKILL to process {pid}, sample 2 of {SHARDS}")
    return done


def begun(run: Path, shard: int) -> bool:
    """Whether a sample job has finished a batch and not yet all of them."""
    return any(run.glob(f"shards/sample/.{shard}-of-{SHARDS}.sdf.*.parts/[0-9]*.sdf"))


def processes_of(words: str) -> Iterator[int]:
    """Running `moldiff sample` programs, no shell or launcher, whose command holds the words."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if len(command) > 2 and command[1].endswith("/moldiff") and "sample" in command and words in " ".join(command):
            yield int(path.parent.name)


def account(slurm: Slurm) -> list[str]:
    """Show what Slurm itself reports about the jobs; returns what is missing in it."""
    jobs = slurm.jobs()
    print("\n  job  state       comment")
    for number, comment, state in jobs:
        print(f"{number:>5}  {state:<10}  {comment}")
    ended = Counter(entry["JobState"] for entry in slurm.completions())
    print("Slurm's job completion log:", ", ".join(f"{count} {state}" for state, count in sorted(ended.items())), "\n")
    failures = []
    for rule, wanted in (("featurize", SHARDS), ("train", 1), ("sample", SHARDS), ("check", SHARDS), ("report", 1),
                         ("merge_featurized", 1), ("merge_samples", 1), ("merge_checks", 1)):  # fmt: skip
        found = sum(
            state == "COMPLETED" for _, comment, state in jobs if comment.split("_wildcards")[0] == f"rule_{rule}"
        )
        if found < wanted:
            failures.append(f"Slurm completed {found} jobs of {rule}, expected {wanted}")
    return failures


@contextmanager
def running(slurm: Slurm, folder: Path, output: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The workflow through Slurm; ended, if it has not ended by itself, with its whole group."""
    with output.open("wb") as log:
        process = subprocess.Popen(
            [*tiny_workflow.snakemake("slurm"), *QUICK], cwd=folder, env=slurm.environment,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait(process: "subprocess.Popen[bytes]", ready: Callable[[], bool]) -> bool:
    """Wait until something is there; False if the workflow ended before."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and process.poll() is None:
        if ready():
            return True
        time.sleep(0.02)
    return False


def say(started: float, text: str) -> None:
    """A line with the seconds since the start."""
    print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)


def _unavailable(reason: str, optional: bool) -> int:
    print(f"{'SKIPPED' if optional else 'error'}: no test on a real Slurm: {reason}", file=sys.stderr)
    return 0 if optional else 1


if __name__ == "__main__":
    sys.exit(main())
