"""Write what the weights that ship learned from, as `moldiff check --train NAME` and `--novel` take it.

    python data/references.py drugs drugs.smi --structures conformers.sdf
    python data/references.py qm9 qm9.sdf
    python data/references.py qm9-heavy qm9.sdf --without-hydrogens

Molecules come from the files that the model card of the weights names; --structures gives conformers of some of them
where the first file has none, --without-hydrogens takes the distributions of the heavy atoms alone.
"""

import argparse
import tempfile
from pathlib import Path

from rdkit import Chem

from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.models.shipped import FOLDER
from moldiff.parallel import default_workers
from moldiff.scoring.sets.compact import ENDING, write_compact
from moldiff.scoring.sets.reference import Reference, load_reference

TIMEOUT = 60.0
MOST_STRUCTURES = 4_000


def heavy_atoms_of(path: Path, folder: Path) -> Path:
    """Every k-th molecule of an SDF without its hydrogens, at most 4,000."""
    supplier = Chem.SDMolSupplier(str(path))
    step = max(len(supplier) // MOST_STRUCTURES, 1)
    out = folder / "heavy.sdf"
    with out.open("w", encoding="utf-8") as file:
        for place in range(0, len(supplier), step):
            if (mol := supplier[place]) is not None:
                file.write(write_sdf_block(mol))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the reference of weights that ship.")
    parser.add_argument("name", help="of the weights")
    parser.add_argument("molecules", type=Path, help="all that they learned from")
    parser.add_argument("--structures", type=Path, help="SDF with conformers of some of them")
    parser.add_argument("--without-hydrogens", action="store_true", help="distributions of heavy atoms alone")
    parser.add_argument("--workers", type=int, default=default_workers())
    given = parser.parse_args()
    structures: Reference | None = None
    with tempfile.TemporaryDirectory() as temporary:
        file = heavy_atoms_of(given.molecules, Path(temporary)) if given.without_hydrogens else given.structures
        if file is not None:
            structures = load_reference(file, workers=given.workers, timeout=TIMEOUT)
    known = load_reference(given.molecules, workers=given.workers, timeout=TIMEOUT)
    path = FOLDER / f"{given.name}{ENDING}"
    write_compact(path, known, structures, source=f"what {given.name} learned from")
    print(
        f"{path}: {path.stat().st_size / 1e6:.2f} MB, {len(known.keys)} keys, {len(known.ring_systems)} ring systems, "
        f"{len(known.scaffolds)} scaffolds, {(structures or known).profiled_count} molecules in the distributions"
    )


if __name__ == "__main__":
    main()
