"""Faults other than a kill, on the workflow as a whole: `python -m tests.faults.cases [CASE ...]`.

disk      the disk is full in the middle (a small tmpfs, which needs root); there is room again, and the rerun ends
truncated a finished file loses its end; the next stage refuses it by name, it is removed, and the rerun ends
two       two workflows start in one folder at the same moment: one is refused, the other ends
changed   killed in training and in sampling, each time going on with another option: the files are those of a run that
          had these options from the beginning

Each ends with the files of an undisturbed run, byte for byte; exit status 1 if one does not.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from tests import tiny_workflow
from tests.faults.kill import CHANGES, command, finish

TOO_SMALL = 600_000
"""Bytes of the full disk: enough to begin, not enough for the training's states and logs."""


def main() -> int:
    """Run the cases; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help="all by default")
    given = parser.parse_args()
    if unknown := set(given.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of every `finally`
    base = Path(tempfile.mkdtemp(prefix="moldiff-faults-", dir="/tmp"))
    failed = 0
    try:
        undisturbed = tiny_workflow.write(base / "undisturbed", **CHANGES)
        finish(base / "undisturbed", 1)
        for name in given.cases or CASES:
            wrong = CASES[name](base / name, undisturbed)
            failed += bool(wrong)
            print(f"{name}: {'; '.join(wrong) or 'as undisturbed'}", flush=True)
            shutil.rmtree(base / name, ignore_errors=True)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return bool(failed)


def disk(folder: Path, undisturbed: Path) -> list[str]:
    """A disk that is full in the middle."""
    if os.geteuid() != 0:
        return ["skipped: a small tmpfs needs root"] if os.environ.get("CI") is None else []
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={TOO_SMALL}", "moldiff", str(folder)], check=True)
    try:
        run = tiny_workflow.write(folder / "run", **CHANGES)
        output = failing(folder / "run")
        if "room" not in output and "No space left" not in output:
            return [f"the full disk is not named:\n{output[-2000:]}"]
        subprocess.run(["mount", "-o", "remount,size=1G", str(folder)], check=True)
        finish(folder / "run", 1)
        return tiny_workflow.differences(run, undisturbed)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def truncated(folder: Path, undisturbed: Path) -> list[str]:
    """Finished files that lose their ends."""
    run = tiny_workflow.write(folder, **CHANGES)
    finish(folder, 1)
    wrong = []
    for name in ("samples.sdf", "training/model.safetensors", "dataset/arrays.safetensors"):
        path = run / name
        os.truncate(path, path.stat().st_size - 100)
        output = failing(folder)
        if path.name not in output or "; " not in output:
            wrong.append(f"{name} is read though its end is missing")
        path.unlink()
        finish(folder, 1)
        wrong += tiny_workflow.differences(run, undisturbed)
    return wrong


def two(folder: Path, undisturbed: Path) -> list[str]:
    """Two workflows in one folder."""
    run = tiny_workflow.write(folder, **CHANGES)
    both = [
        subprocess.Popen(command(1), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    output = [process.communicate(timeout=3600)[0] for process in both]
    refused = [text for process, text in zip(both, output, strict=True) if process.returncode]
    wrong = [] if len(refused) == 1 and "another workflow is running there" in refused[0] else ["none was refused"]
    return wrong + tiny_workflow.differences(run, undisturbed)


def changed(folder: Path, undisturbed: Path) -> list[str]:
    """Options that change while the workflow is down."""
    run = tiny_workflow.write(folder, **CHANGES)
    kill_when(folder, lambda: any(run.glob("state/*/state.pt")))
    change(folder, "train", seed=1)
    kill_when(folder, lambda: any(run.glob("shards/sample/.*.parts/[0-9]*.sdf")))
    change(folder, "sample", seed=1)
    finish(folder, 1)
    changes = {name: dict(values) for name, values in CHANGES.items()}
    changes["train"]["seed"] = changes["sample"]["seed"] = 1
    other = folder.with_name("changed-undisturbed")
    expected = tiny_workflow.write(other, **changes)
    finish(other, 1)
    return tiny_workflow.differences(run, expected)


def change(folder: Path, section: str, **values: int) -> None:
    """Change the configuration of a run."""
    path = folder / "run.yaml"
    options = yaml.safe_load(path.read_text())
    options[section] |= values
    path.write_text(yaml.safe_dump(options))


def failing(folder: Path) -> str:
    """What a run says that must fail.

    Raises:
        AssertionError: it succeeds.
    """
    done = subprocess.run(
        command(1), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=3600
    )
    assert done.returncode != 0, done.stdout
    return done.stdout


def kill_when(folder: Path, ready: Callable[[], bool]) -> None:
    """Start the workflow and kill it with all its jobs as soon as something is there."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command(1), cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            while process.poll() is None and not ready():
                time.sleep(0.02)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


CASES: dict[str, Callable[[Path, Path], list[str]]] = {
    "disk": disk,
    "truncated": truncated,
    "two": two,
    "changed": changed,
}

if __name__ == "__main__":
    sys.exit(main())
