"""Rates and peak memory of featurize and check in shards, against the number of molecules.

    python benchmarks/scale.py smiles qm9_train.sdf.gz qm9_valid.sdf.gz -n 100000 --out qm9.smi    # SMILES of SDF files
    python benchmarks/scale.py featurize qm9.smi -n 1000 10000 100000 --shards 10
    python benchmarks/scale.py check qm9_train.sdf.gz qm9_valid.sdf.gz -n 10000 30000 100000 --shards 10 --train DATASET

Shards run one after the other, one worker each, as jobs of the workflow would on a node each. Prints a Markdown table:
seconds are processor time, memory is the largest resident set of any process, read by the system at its end.
"""

import argparse
import gzip
import json
import os
import sys
import tempfile
from pathlib import Path

SEPARATOR = "$$$$\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["smiles", "featurize", "check"])
    parser.add_argument("inputs", type=Path, nargs="+")
    parser.add_argument("-n", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--shards", type=int, default=10)
    parser.add_argument("--train", type=Path, help="dataset to compare with when checks are merged")
    parser.add_argument("--out", type=Path, default=Path("molecules.smi"), help="where `smiles` writes")
    given = parser.parse_args()
    if given.what == "smiles":
        write_smiles(given.inputs, given.n[0], given.out)
        return
    print("| stage | molecules | shards | a shard, s | all shards, s | molecules/s | peak of a shard, MB "
          "| merge, s | peak of the merge, MB |\n|---|---|---|---|---|---|---|---|---|", flush=True)  # fmt: skip
    for n in given.n:
        with tempfile.TemporaryDirectory() as folder:
            shards, merge = measure(given, n, Path(folder))
        seconds = sum(used for used, _ in shards)
        print(
            f"| {given.what} | {n:,} | {given.shards} | {seconds / given.shards:,.1f} | {seconds:,.0f} "
            f"| {n / seconds:,.0f} | {max(peak for _, peak in shards):,.0f} | {merge[0]:,.1f} | {merge[1]:,.0f} |",
            flush=True,
        )


def measure(given, n, folder):
    """Processor seconds and peak MB of each shard, and of the merge."""
    what, shards = given.what, given.shards
    if what == "featurize":
        options = ["--options", json.dumps({"inputs": [str(path.resolve()) for path in given.inputs], "limit": n})]
        inputs, merging = [], options
    else:
        inputs = [str(first(given.inputs, n, folder))]
        options, merging = [], ["--train", str(given.train.resolve())] if given.train else []
    workers = ["--workers", "1"]
    parts = [str(folder / f"part{number}") for number in range(1, shards + 1)]
    used = [
        spend([what, *inputs, *options, *workers, "--shard", f"{number}/{shards}", "--out", part])
        for number, part in enumerate(parts, start=1)
    ]
    merging += workers if what == "check" else []
    return used, spend(["merge", what, *parts, *merging, "--out", str(folder / "all")])


def spend(arguments):
    """Run a moldiff command; its seconds of processor time with its children's, and the largest resident set, MB."""
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "moldiff", *arguments],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"moldiff {' '.join(arguments)} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def first(paths, n, folder):
    """A file of the first n records of SDF files."""
    cut, seen = folder / "cut.sdf.gz", 0
    with gzip.open(cut, "wt", compresslevel=1) as target:
        for path in paths:
            with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as source:
                for line in source:
                    target.write(line)
                    seen += line == SEPARATOR
                    if seen == n:
                        return cut
    sys.exit(f"{seen} records, fewer than {n}")


def write_smiles(paths, n, out):
    """SMILES and names of the first n molecules of gzipped SDF files."""
    from rdkit import Chem

    written = 0
    with out.open("w") as target:
        for path in paths:
            with gzip.open(path) as source:
                for mol in Chem.ForwardSDMolSupplier(source):
                    if mol is not None and written < n:
                        target.write(f"{Chem.MolToSmiles(Chem.RemoveHs(mol))} {mol.GetProp('_Name')}\n")
                        written += 1


if __name__ == "__main__":
    main()
