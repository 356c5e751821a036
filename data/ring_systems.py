"""Make moldiff/scoring/data/chembl_ring_systems.npz, the ring systems of ChEMBL by frequency, as hashes.

    python data/ring_systems.py chembl_ring_systems.csv.gz

The input is the table of useful_rdkit_utils (MIT; Walters, github.com/PatWalters/useful_rdkit_utils, counted from
ChEMBL, CC BY-SA 3.0): columns SMILES, InChI (the InChIKey) and Count, one row a ring system.
"""

import csv
import gzip
import sys
from pathlib import Path

import numpy as np

from moldiff.files.atomic import atomic_path
from moldiff.scoring.molecule.chembl import TABLE, encode_count, key_of


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    counts: dict[int, int] = {}
    with gzip.open(sys.argv[1], "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = key_of(row["InChI"])
            counts[key] = counts.get(key, 0) + int(row["Count"])
    keys = np.array(sorted(counts), dtype=np.uint64)
    codes = np.array([encode_count(counts[key]) for key in keys.tolist()], dtype=np.uint8)
    with atomic_path(TABLE) as temporary, Path(temporary).open("wb") as output:
        np.savez(output, keys=keys, codes=codes)
    print(f"{len(keys)} ring systems, {TABLE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
