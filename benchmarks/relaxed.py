"""Molecules at their own MMFF94s minima: `python -m benchmarks.relaxed IN.sdf OUT.sdf [--jobs N]`.

At their minima preferred and refused molecules have the geometry of a training set that comes from the same force
field, and differ in their graphs alone. Whether weights learn more from them is open: see the log of the rounds.
Molecules that cannot be minimized (those in pieces, with a valence that is none, without parameters, or not finished
after 1,000 iterations) stay as they are, and all stay in their order.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rdkit import Chem, rdBase

from moldiff.chemistry.formats.sdf import RECORD_END, written_blocks
from moldiff.chemistry.hydrogens import ITERATIONS, force_field, with_hydrogens
from moldiff.chemistry.stereo import with_positions

END = "M  END\n"


def relaxed(block: str) -> str:
    """The molecule of a block of SDF at its nearest minimum, without data fields; or the block as it is."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromMolBlock(block, removeHs=False)
        if mol is None or len(Chem.GetMolFrags(mol)) > 1:
            return block
        try:
            full = with_hydrogens(mol)
            if (field := force_field(full)) is None or field.Minimize(maxIts=ITERATIONS):
                return block
            there = with_positions(mol, full.GetConformer().GetPositions()[: mol.GetNumAtoms()])
            return str(Chem.MolToMolBlock(there))
        except (RuntimeError, ValueError):  # RDKit's ways to refuse what it cannot handle
            return block


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    given = parser.parse_args()
    blocks = [block.split(END)[0] + END for block in written_blocks(given.source.read_text())]
    with ProcessPoolExecutor(given.jobs) as pool:
        minima = list(pool.map(relaxed, blocks, chunksize=8))
    given.out.write_text("".join(block + RECORD_END for block in minima))
    moved = sum(one != other for one, other in zip(blocks, minima, strict=True))
    print(f"{given.out}: {moved} of {len(blocks)} molecules minimized")


if __name__ == "__main__":
    main()
