"""References for `benchmarks/conformers.py`: `python -m benchmarks.minima molecules.smi OUT.sdf -n 40 --atoms 18:35`.

Of a SMILES file N random molecules are taken that `moldiff featurize` holds out by their hash, so that no weights of
this project have learned from them. Written are up to two MMFF94s minima of each with all hydrogens: the lowest of
those that 15 ETKDGv3 conformers relax to, and the next one within 3 kcal/mol that is 0.75 Å away from it.
"""

import argparse
import random
from pathlib import Path

from rdkit import Chem, RDLogger
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolAlign

from benchmarks.chirality import held_out

EMBEDDED = 15
ITERATIONS = 2000
WINDOW = 3.0
"""Of the energies, kcal/mol."""
APART = 0.75
"""Heavy-atom RMSD of two minima that count as different, Å."""
ELEMENTS = {"C", "N", "O", "F", "P", "S", "Cl", "Br"}


def minima(mol: Chem.Mol) -> tuple[Chem.Mol, list[int]]:
    """The molecule with hydrogens and its conformers, and the numbers of up to two of these that are minima."""
    full = Chem.AddHs(mol)
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = 11
    if not rdDistGeom.EmbedMultipleConfs(full, EMBEDDED, parameters):
        return full, []
    relaxed = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(full, maxIters=ITERATIONS, mmffVariant="MMFF94s")
    order = sorted(range(len(relaxed)), key=lambda one: relaxed[one][1])
    heavy, found = Chem.RemoveHs(full), list[int]()
    for one in order:
        unfinished, energy = relaxed[one]
        if unfinished or energy > relaxed[order[0]][1] + WINDOW:
            continue
        if all(rdMolAlign.AlignMol(Chem.Mol(heavy), heavy, one, other) > APART for other in found):
            found.append(one)
    return full, found[:2]


def main() -> None:
    """Choose, relax and write."""
    RDLogger.DisableLog("rdApp.*")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("molecules", type=Path, help="SMILES file")
    parser.add_argument("out", help="SDF file to write")
    parser.add_argument("-n", type=int, default=40, help="molecules")
    parser.add_argument("--atoms", default="18:35", help="heavy atoms, from and to")
    given = parser.parse_args()
    low, high = map(int, given.atoms.split(":"))
    lines = given.molecules.read_text(encoding="utf-8").split("\n")
    random.Random(5).shuffle(lines)
    written = 0
    with Chem.SDWriter(given.out) as writer:
        for line in filter(str.strip, lines):
            mol = Chem.MolFromSmiles(line.split()[0])
            if mol is None or len(Chem.GetMolFrags(mol)) > 1 or not low <= mol.GetNumAtoms() <= high:
                continue
            if not held_out(mol) or not {atom.GetSymbol() for atom in mol.GetAtoms()} <= ELEMENTS:
                continue
            full, found = minima(mol)
            for one in found:
                writer.write(full, confId=one)
            written += bool(found)
            if written == given.n:
                break
    print(f"{written} molecules")


if __name__ == "__main__":
    main()
