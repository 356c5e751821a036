"""Training with two processes of one thread against one process of two: `python benchmarks/processes.py DATASET`.

Prints a Markdown table of molecules a second, by the log of each training, its first row (start-up) left out. Needs two
cores with nothing else to do.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="a featurized dataset")
    parser.add_argument("--batch-size", type=int, nargs="+", default=[24, 128])
    parser.add_argument("--steps", type=int, default=300)
    given = parser.parse_args()
    print("| molecules in a batch | 1 process × 1 thread | 1 × 2 | 2 × 1 |\n|---|---|---|---|", flush=True)
    for size in given.batch_size:
        rates = [rate(given, size, *setting) for setting in ((1, 1), (1, 2), (2, 1))]
        print(f"| {size} | " + " | ".join(f"{each:,.0f}" for each in rates) + " |", flush=True)


def rate(given, batch_size, processes, threads):
    """Molecules a second of one training."""
    options = {"steps": given.steps, "batch_size": batch_size, "accelerator": "cpu", "validate_every": 1_000_000}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "moldiff", "train", str(given.dataset), "--out", folder]
        command += ["--options", json.dumps(options), "--devices", str(processes), "--threads", str(threads)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        with (Path(folder) / "metrics.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
    first, last = rows[0], rows[-1]
    molecules = int(last["molecules"]) - int(first["molecules"])
    return molecules / (60 * (float(last["minutes"]) - float(first["minutes"])))


if __name__ == "__main__":
    main()
