"""Molecules of an SDF file as XYZ on standard output; or how many rows of two checks have the same key.

`python benchmarks/as_xyz.py FILE`, `python benchmarks/as_xyz.py --compare SDF_ROWS XYZ_ROWS`
"""

import csv
import sys
from pathlib import Path

from moldiff.chemistry.formats.records import read_records
from moldiff.scoring.molecule.parsing import parse


def write(path: str) -> None:
    for record in read_records([path]):
        mol = parse(record).mol
        if mol is None:
            raise SystemExit(f"{path}, record {record.index}: cannot be read")
        charge = sum(atom.GetFormalCharge() for atom in mol.GetAtoms())
        lines = [
            f"{atom.GetSymbol()} {x:.6f} {y:.6f} {z:.6f}"
            for atom, (x, y, z) in zip(mol.GetAtoms(), mol.GetConformer().GetPositions(), strict=True)
        ]
        print(mol.GetNumAtoms(), f"{record.name} charge={charge}", *lines, sep="\n")


def compare(written: str, perceived: str) -> None:
    with Path(written).open(encoding="utf-8") as left, Path(perceived).open(encoding="utf-8") as right:
        pairs = list(zip(csv.DictReader(left), csv.DictReader(right), strict=True))
    same = sum(one["key"] == other["key"] != "" for one, other in pairs)
    print(f"{same} of {len(pairs)} perceived as the molecule that was written ({same / len(pairs):.2%})")
    for one, other in pairs:
        if one["key"] != other["key"]:
            print(one["name"], one["key"], other["key"] or other["reasons"], sep="  ")


if __name__ == "__main__":
    if sys.argv[1] == "--compare":
        compare(*sys.argv[2:])
    else:
        write(sys.argv[1])
