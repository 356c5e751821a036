"""Records that featurize treats in a second of one core: `python benchmarks/featurize.py [INPUT]`.

Prints a Markdown table. The default input is QM9's SDF, which has coordinates; SMILES need conformers and
`--limit 200`. On a busy machine processor time is the steadier measure, and still too long.
"""

import argparse
import platform
import resource
import tempfile
import time
from pathlib import Path

from moldiff.config.featurize import FeaturizeOptions
from moldiff.stages.featurize import featurize


def cpu_seconds():
    """Of this process and the ended ones that it started."""
    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", nargs="?", default="../shared/data/qm9/qm9_valid.sdf.gz")
    parser.add_argument("--hydrogens", choices=["implicit", "explicit"], default="implicit")
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    options = FeaturizeOptions(inputs=[given.input], hydrogens=given.hydrogens, limit=given.limit)
    with tempfile.TemporaryDirectory() as folder:
        started, used = time.perf_counter(), cpu_seconds()
        info = featurize(options, Path(folder) / "set", workers=given.workers)
        seconds, used = time.perf_counter() - started, cpu_seconds() - used
    records = info["records_read"]
    print("| input | hydrogens | records | records/s of CPU time | records/s of wall time | workers | machine |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {Path(given.input).name} | {given.hydrogens} | {records} | {records / used:,.0f} | "
        f"{records / seconds:,.0f} | {given.workers} | {platform.machine()} |"
    )


if __name__ == "__main__":
    main()
