"""Conformers against a reference: `python benchmarks/conformers.py WEIGHTS REFERENCE.sdf [N] [MOLECULES]`.

The reference holds one or several poses of each molecule (the records of one molecule share its canonical SMILES), such
as minima of GFN2 or DFT. For each molecule N conformers come from the weights, from ETKDGv3, and from ETKDGv3 with
MMFF94s. COV-R is the share of reference poses with a conformer within 0.5 or 0.75 Å, MAT-R the mean distance to the
nearest, both by heavy-atom RMSD after the best alignment over symmetries. Markdown on standard output.
"""

import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from rdkit import Chem, RDLogger
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolAlign

from moldiff.chemistry.formats.records import read_records
from moldiff.chemistry.parsing import parse_record
from moldiff.chemistry.stereo import with_positions
from moldiff.config.sample import SampleOptions
from moldiff.sampling.conformers import pose
from moldiff.sampling.intake import Intake, unfit
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler

LIMITS = (0.5, 0.75)


def references(path: Path) -> dict[str, list[Chem.Mol]]:
    groups: dict[str, list[Chem.Mol]] = defaultdict(list)
    for record in read_records([str(path)]):
        mol = parse_record(record)
        Chem.SanitizeMol(mol)
        Chem.AssignStereochemistryFrom3D(mol)
        heavy = Chem.RemoveHs(mol)
        groups[Chem.MolToSmiles(heavy)].append(heavy)
    return groups


def of_weights(sampler: Sampler, mols: list[Chem.Mol], n: int) -> list[list[Chem.Mol]]:
    explicit = sampler.model.statistics.hydrogens == "explicit"
    given = [Chem.AddHs(mol) if explicit else Chem.Mol(mol) for mol in mols]
    for mol in given:
        mol.RemoveAllConformers()
        Chem.Kekulize(mol)
    made = pose(sampler, Plan.of(SampleOptions(restarts=0)), given, n)
    return [
        [Chem.RemoveHs(with_positions(mol, one)) for one in its.conformers]
        for mol, its in zip(given, made, strict=True)
    ]


def of_rdkit(mol: Chem.Mol, n: int, *, minimized: bool) -> list[Chem.Mol]:
    full = Chem.AddHs(mol)
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = 1
    parameters.numThreads = 1
    conformers = list(rdDistGeom.EmbedMultipleConfs(full, n, parameters))
    if minimized and conformers:
        rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(full, mmffVariant="MMFF94s", maxIters=1000)
    heavy = Chem.RemoveHs(full)
    return [with_positions(heavy, heavy.GetConformer(one).GetPositions()) for one in conformers]


def main() -> None:
    RDLogger.DisableLog("rdApp.*")
    sampler = Sampler.load(sys.argv[1])
    groups = references(Path(sys.argv[2]))
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    most = int(sys.argv[4]) if len(sys.argv) > 4 else 200
    intake = Intake.of(sampler.model)
    chosen = [poses for poses in groups.values() if not unfit(poses[0], intake)][:most]
    first = [poses[0] for poses in chosen]
    print(f"{len(chosen)} molecules, {sum(map(len, chosen))} reference poses, {n} conformers of each\n")
    print("| | COV-R 0.5 | COV-R 0.75 | MAT-R, Å | made | molecules a second |\n|---|---|---|---|---|---|")
    methods = {
        "weights": lambda: of_weights(sampler, first, n),
        "ETKDGv3": lambda: [of_rdkit(mol, n, minimized=False) for mol in first],
        "ETKDGv3 + MMFF94s": lambda: [of_rdkit(mol, n, minimized=True) for mol in first],
    }
    for name, method in methods.items():
        start = time.monotonic()
        made = method()
        seconds = time.monotonic() - start
        nearest = np.array(
            [
                min((rdMolAlign.GetBestRMS(Chem.Mol(one), Chem.Mol(reference)) for one in generated), default=np.inf)
                for generated, poses in zip(made, chosen, strict=True)
                for reference in poses
            ]
        )
        reached = nearest[np.isfinite(nearest)]
        shares = " | ".join(f"{(nearest <= limit).mean():.1%}" for limit in LIMITS)
        total = sum(map(len, made))
        print(
            f"| {name} | {shares} | {reached.mean():.3f} | {total} of {n * len(first)} | {len(first) / seconds:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
