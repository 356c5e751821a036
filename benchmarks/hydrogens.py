"""Hydrogens on given heavy atoms: `python benchmarks/hydrogens.py WEIGHTS REFERENCE.sdf [MOLECULES]`.

The reference holds molecules with all their hydrogens, such as QM9's DFT geometries. The hydrogens are taken away and
placed again by the weights, by RDKit, and by RDKit with MMFF94s (heavy atoms fixed, as `--hydrogens add` does). Judged
by the energy of GFN2-xTB above the minimum that it relaxes the reference to, kcal/mol; the reference's own energy is
what is left of the difference between the two methods. Needs the extra xtb. Markdown on standard output.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rdkit import Chem, RDLogger

from moldiff.chemistry.formats.records import read_records
from moldiff.chemistry.gfn2 import energy, minimise
from moldiff.chemistry.hydrogens import with_hydrogens
from moldiff.chemistry.parsing import parse_record
from moldiff.sampling.conformers import with_conformers
from moldiff.sampling.intake import Intake, unfit
from moldiff.sampling.sampler import Sampler

Placed = list[Chem.Mol | None]


def references(path: Path, sampler: Sampler, most: int) -> list[Chem.Mol]:
    """The first molecules of the file that the weights can make."""
    intake, fit = Intake.of(sampler.model), []
    for record in read_records([str(path)]):
        mol = parse_record(record)
        Chem.SanitizeMol(mol)
        Chem.AssignStereochemistryFrom3D(mol)
        if not unfit(mol, intake):
            fit.append(mol)
        if len(fit) == most:
            break
    return fit


def energy_above(mol: Chem.Mol, lowest: float) -> float:
    """GFN2-xTB energy above another one, kcal/mol; NaN if there is none."""
    try:
        return energy(mol) - lowest
    except (RuntimeError, ValueError):
        return float("nan")


def as_in(reference: Chem.Mol, mol: Chem.Mol | None) -> Chem.Mol | None:
    """The molecule with its atoms in the order of the reference, heavy atoms first in both; None without a pose."""
    if mol is None or not mol.GetNumConformers():
        return None
    match = mol.GetSubstructMatch(reference, useChirality=False)
    return Chem.RenumberAtoms(mol, list(match)) if len(match) == mol.GetNumAtoms() else None


def main() -> None:
    RDLogger.DisableLog("rdApp.*")
    sampler = Sampler.load(sys.argv[1])
    whole = references(Path(sys.argv[2]), sampler, int(sys.argv[3]) if len(sys.argv) > 3 else 200)
    bare = [Chem.RemoveHs(mol) for mol in whole]
    methods: dict[str, Callable[[], Placed]] = {
        "the reference's own": lambda: list(whole),
        "the weights": lambda: list(with_conformers(sampler, bare, 1, 0, hydrogens=True)),
        "RDKit": lambda: [Chem.AddHs(mol, addCoords=True) for mol in bare],
        "RDKit and MMFF94s": lambda: [with_hydrogens(mol) for mol in bare],
    }
    minima: list[float | None] = []
    for mol in whole:
        try:
            minima.append(energy(mol) - minimise(mol)[0])
        except (RuntimeError, ValueError):
            minima.append(None)
    known = sum(lowest is not None for lowest in minima)
    print(f"{len(whole)} molecules, of {known} a GFN2-xTB minimum; energy above it, kcal/mol\n")
    print("| hydrogens | placed | median | mean | 90th percentile | molecules a second |\n|---|---|---|---|---|---|")
    for name, method in methods.items():
        start = time.process_time()
        placed = [as_in(reference, mol) for reference, mol in zip(whole, method(), strict=True)]
        seconds = time.process_time() - start
        found = [
            energy_above(mol, lowest)
            for mol, lowest in zip(placed, minima, strict=True)
            if mol is not None and lowest is not None
        ]
        values = np.array(found)[np.isfinite(found)]
        numbers = f"{np.median(values):.2f} | {values.mean():.2f} | {np.quantile(values, 0.9):.2f}"
        count = sum(mol is not None for mol in placed)
        print(f"| {name} | {count} of {len(whole)} | {numbers} | {len(whole) / seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
