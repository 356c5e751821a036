"""The molecules of a featurized dataset as SDF on standard output: `python benchmarks/as_sdf.py DATASET`."""

import sys
from pathlib import Path

from moldiff.chemistry.arrays import to_rdkit
from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.dataset.storage import open_dataset
from moldiff.scoring.sets.reference import arrays_at


def main() -> None:
    dataset = open_dataset(Path(sys.argv[1]))
    molecules = dataset.molecules
    for place, name in enumerate(dataset.table(["id"])["id"].to_pylist()):
        mol = to_rdkit(arrays_at(molecules, place))
        mol.SetProp("_Name", name)
        sys.stdout.write(write_sdf_block(mol))


if __name__ == "__main__":
    main()
