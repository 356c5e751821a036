"""The molecules of a featurized dataset as SDF on standard output: `python benchmarks/as_sdf.py DATASET`."""

import sys
from pathlib import Path

import numpy as np

from moldiff.chemistry.arrays import MoleculeArrays, to_rdkit
from moldiff.chemistry.sdf import write_sdf_block
from moldiff.dataset.storage import open_dataset


def main() -> None:
    dataset = open_dataset(Path(sys.argv[1]))
    molecules = dataset.molecules
    for place, name in enumerate(dataset.table(["id"])["id"].to_pylist()):
        atoms = slice(molecules.atom_offsets[place], molecules.atom_offsets[place + 1])
        bonds = slice(molecules.bond_offsets[place], molecules.bond_offsets[place + 1])
        arrays = MoleculeArrays(
            molecules.positions[atoms].astype(np.float64),
            molecules.atomic_numbers[atoms],
            molecules.formal_charges[atoms],
            molecules.bonds[bonds],
            molecules.bond_orders[bonds],
        )
        mol = to_rdkit(arrays)
        mol.SetProp("_Name", name)
        sys.stdout.write(write_sdf_block(mol))


if __name__ == "__main__":
    main()
