"""Peak memory of `moldiff check` by number of records: `python benchmarks/memory.py FILES -n 10000 30000 100000`.

The first N records of the files are checked with one worker process; the peaks are those of the process that reads,
writes and merges, and of the worker (VmHWM of /proc, so Linux only).
"""

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from moldiff.chemistry.formats.records import read_records


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="SDF files")
    parser.add_argument("-n", type=int, nargs="+", default=[10_000, 30_000, 100_000], help="numbers of records")
    parser.add_argument("--train", help="training set of the check")
    arguments = parser.parse_args()
    print("| records | main process, MiB | worker, MiB | minutes |", "| --- | --- | --- | --- |", sep="\n", flush=True)
    for count in arguments.n:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "molecules.sdf"
            with path.open("w", encoding="utf-8") as file:
                for record in islice(read_records(arguments.files), count):
                    file.write(record.text.rstrip("\n") + "\n$$$$\n")
            command = [sys.executable, "-m", "moldiff", "check", str(path), "--out", f"{folder}/out", "--workers", "1"]
            command += ["--train", arguments.train] if arguments.train else []
            start = time.monotonic()
            main_peak, worker_peak = watch(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            minutes = (time.monotonic() - start) / 60
        print(f"| {count:,} | {main_peak / 1024:.0f} | {worker_peak / 1024:.0f} | {minutes:.1f} |", flush=True)


def watch(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Peak memory of a process and of its largest child until it ends, KiB."""
    own = child = 0
    while process.poll() is None:
        own = max(own, peak(process.pid))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        for pid in children.read_text().split() if children.exists() else []:
            child = max(child, peak(int(pid)))
        time.sleep(0.2)
    if process.returncode:
        sys.exit(f"moldiff check ended with status {process.returncode}")
    return own, child


def peak(pid: int) -> int:
    """VmHWM of a process, KiB; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    main()
