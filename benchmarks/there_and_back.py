"""Where along the noise does a model lose its way? `python -m benchmarks.there_and_back DATASET --weights drugs`.

Held-out molecules of one size are noised to a level and denoised from there, as a restart does it. What differs from
the molecules themselves was lost below that level. `--rows` gives other settings: 'noise_below=0.5 step_scale=1'.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rdkit import Chem, RDLogger
from rdkit.Chem import rdMolDescriptors

from moldiff.config.options import parse
from moldiff.config.sample import SampleOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import open_dataset
from moldiff.diffusion.solvers import generate
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.levels import Levels
from moldiff.sampling.plan import Plan, tail
from moldiff.sampling.sampler import Sampler
from moldiff.sampling.steered import reduced
from moldiff.scoring.molecule.strain import strain
from moldiff.scoring.molecule.validity import sanitize

COLUMNS = ("valid_strict", "rotatable bonds", "rings", "aromatic rings", "gyration², Å²", "strain, kcal/mol")


def main() -> None:
    """Noise, denoise, describe and print, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--weights", default="drugs", help="a weights file or the name of shipped weights")
    parser.add_argument("--atoms", type=int, default=24, help="size of the molecules")
    parser.add_argument("-n", type=int, default=128)
    parser.add_argument("--levels", type=float, nargs="+", default=[0.1, 0.25, 0.5, 1.0, 2.0, 5.0], help="Å")
    parser.add_argument("--rows", nargs="+", default=["steps=50"], help="options of sampling")
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    torch.set_num_threads(1)
    sampler = Sampler.load(arguments.weights)
    clean = held_out(sampler, arguments.dataset, arguments.atoms, arguments.n)
    print("| settings | from, Å | evaluations | " + " | ".join(COLUMNS) + " |")
    print("| --- " * (3 + len(COLUMNS)) + "|")
    print(f"| the molecules themselves | | | {described(sampler, clean)} |", flush=True)
    denoiser = reduced(sampler.model.network)
    for row in arguments.rows:
        options = parse(SampleOptions, {"accelerator": "cpu", **dict(pair.split("=") for pair in row.split())})
        plan, process = Plan.of(options), sampler.model.process
        for level in arguments.levels:
            grid = tail(plan.grid, 1.001 * level)
            random, levels = torch.Generator().manual_seed(0), Levels.along(clean)
            with torch.inference_mode():
                *_, made = generate(
                    process, denoiser, plan.solver, grid, clean, random, levels, plan.numbers, from_clean=True
                )
            cells = described(sampler, made)
            print(f"| {row} | {float(grid[0]):.2f} | {len(grid) - 1} | {cells} |", flush=True)


def held_out(sampler: Sampler, folder: Path, atoms: int, count: int) -> MoleculeBatch:
    """The first validation molecules of a size."""
    dataset = open_dataset(folder)
    sizes = dataset.molecules.sizes[dataset.rows("valid")]
    loader = MoleculeLoader.of(dataset, "valid", sampler.model.network.vocabulary)
    return loader.gather(torch.tensor(np.flatnonzero(sizes == atoms)[:count]))


def described(sampler: Sampler, batch: MoleculeBatch) -> str:
    """Share of valid_strict molecules in percent, and means (of strain the median) of these, as cells of a table."""
    made = sampler.sampled(batch, range(len(batch)), [0] * len(batch))
    mols = [sanitize(sampler.to_rdkit(one)).mol for one in made if sampler.decoder.strict(one.arrays)]
    valid = [mol for mol in mols if mol is not None]
    strains = [energy for mol in valid if (energy := strain(mol).energy) is not None]
    columns = [
        f"{100 * len(valid) / len(made):.1f}",
        f"{np.mean([rdMolDescriptors.CalcNumRotatableBonds(mol) for mol in valid]):.2f}",
        f"{np.mean([rdMolDescriptors.CalcNumRings(mol) for mol in valid]):.2f}",
        f"{np.mean([rdMolDescriptors.CalcNumAromaticRings(mol) for mol in valid]):.2f}",
        f"{mean_gyration(valid):.1f}",
        f"{np.median(strains):.1f}",
    ]
    return " | ".join(columns)


def mean_gyration(mols: Sequence[Chem.Mol]) -> float:
    """Mean squared radius of gyration, Å²."""
    return float(np.mean([mol.GetConformer().GetPositions().var(axis=0).sum() for mol in mols]))


if __name__ == "__main__":
    main()
