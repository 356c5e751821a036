"""Does the likelihood tell real molecules from broken ones? `python -m benchmarks.broken qm9-heavy FILE.sdf -n 100`.

Of each real molecule, best one that the weights have not learned from, copies are made that differ in one thing:

- one heavy atom is another element (C, N or O, valences still right);
- one bond that is in no ring is 0.15 Å longer, and all that hangs on it is moved along;
- one more bond closes a ring that makes a ring system which no training molecule has; as this needs another geometry,
  the copy and the molecule itself are both embedded by RDKit (ETKDGv3, MMFF94s) and compared with each other.

Printed are the area under the curve (a broken molecule is less likely than a real one, any of them), with its standard
error by resampling, and the share of molecules whose own copy is less likely, for the bound an atom and for its parts.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from rdkit import Chem, rdBase
from rdkit.Chem import rdMolTransforms

from moldiff.chemistry.arrays import to_arrays
from moldiff.chemistry.conformers import make_conformers
from moldiff.chemistry.parsing import Rejected
from moldiff.config.featurize import FeaturizeOptions
from moldiff.config.likelihood import LikelihoodOptions
from moldiff.sampling.intake import Intake, prepared
from moldiff.sampling.likelihood import Likelihood, likelihoods
from moldiff.sampling.sampler import Sampler
from moldiff.sampling.training_set import load_training_set
from moldiff.scoring.molecule.keys import flat_smiles
from moldiff.scoring.molecule.portrait import all_ring_systems
from moldiff.training.malloc import keep_large_buffers

STRETCH = 0.15
"""How much longer a bond is made, Å."""
OTHERS = {6: (7,), 7: (6, 8), 8: (7,)}
"""Elements that one is exchanged for."""
PARTS = ("all", "pos", "element", "charge", "bond")


def swapped(mol: Chem.Mol, random: np.random.Generator) -> Chem.Mol | None:
    """A copy with another element at one atom, whose hydrogens follow; None where no exchange has right valences."""
    for index in random.permutation(mol.GetNumAtoms()).tolist():
        for number in random.permutation(OTHERS.get(mol.GetAtomWithIdx(index).GetAtomicNum(), ())).tolist():
            made = Chem.RWMol(mol)
            atom = made.GetAtomWithIdx(index)
            atom.SetAtomicNum(int(number))
            atom.SetNumExplicitHs(0)
            if _sanitized(made):
                return made.GetMol()
    return None


def stretched(mol: Chem.Mol, random: np.random.Generator) -> Chem.Mol | None:
    """A copy with a longer bond; None where all bonds are in rings."""
    bonds = [bond for bond in mol.GetBonds() if not bond.IsInRing()]
    if not bonds:
        return None
    bond = bonds[int(random.integers(len(bonds)))]
    made = Chem.Mol(mol)
    ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    conformer = made.GetConformer()
    rdMolTransforms.SetBondLength(conformer, *ends, rdMolTransforms.GetBondLength(conformer, *ends) + STRETCH)
    return made


def ringed(mol: Chem.Mol, known: frozenset[str], random: np.random.Generator) -> Chem.Mol | None:
    """A copy, embedded, with one more bond that makes a ring system which is not known; None where none can be."""
    distances = Chem.GetDistanceMatrix(mol)
    pairs = np.argwhere(np.triu((distances >= 2) & (distances <= 5)))
    for first, second in random.permutation(pairs).tolist():
        made = Chem.RWMol(mol)
        made.AddBond(first, second, Chem.BondType.SINGLE)
        for index in (first, second):
            made.GetAtomWithIdx(index).SetNumExplicitHs(0)
        if _sanitized(made) and all_ring_systems([flat_smiles(made)]) - known:
            return embedded(made.GetMol())
    return None


def embedded(mol: Chem.Mol) -> Chem.Mol | None:
    """The molecule with a conformer of RDKit, without its hydrogens; None where there is none."""
    smiles = Chem.MolToSmiles(mol)
    try:
        return Chem.RemoveHs(make_conformers(Chem.MolFromSmiles(smiles), smiles, FeaturizeOptions()))
    except Rejected:
        return None


def _sanitized(mol: Chem.Mol) -> bool:
    with rdBase.BlockLogs():
        try:
            Chem.SanitizeMol(mol)
        except ValueError:
            return False
    return True


def values(found: list[Likelihood], part: str) -> np.ndarray:
    """Nats an atom of the bound or of one part of it."""
    return np.array([(one.nats if part == "all" else one.parts[part]) / one.atoms for one in found])


def area(real: np.ndarray, broken: np.ndarray) -> float:
    """How often a broken molecule is less likely than a real one; ties count half."""
    away = broken[:, None] - real[None]
    return float(((away > 0) + 0.5 * (away == 0)).mean())


def resampled(real: np.ndarray, broken: np.ndarray, random: np.random.Generator) -> float:
    """Standard error of `area` over molecules drawn again, each with its own copy."""
    draws = random.integers(len(real), size=(200, len(real)))
    return float(np.std([area(real[draw], broken[draw]) for draw in draws]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("molecules", help="SDF file of real molecules")
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("--levels", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--once", action="store_true", help="without self-conditioning, at half the cost")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_large_buffers()
    sampler, random = Sampler.load(arguments.weights), np.random.default_rng(0)
    intake = Intake.of(sampler.model)
    known = load_training_set(arguments.weights)
    assert known is not None
    options = LikelihoodOptions(
        levels=arguments.levels, repeats=arguments.repeats, threads=1, self_conditioning=not arguments.once
    )
    with rdBase.BlockLogs():
        read = (mol for mol in Chem.SDMolSupplier(arguments.molecules, removeHs=True) if mol is not None)
        mols = [own for mol in read if (own := prepared(mol, intake, fixed=True)[0]) is not None]
        mols = [mols[index] for index in random.permutation(len(mols))[: arguments.n]]
    ways = {
        "element swapped": [(mol, swapped(mol, random)) for mol in mols],
        f"bond {STRETCH} Å longer": [(mol, stretched(mol, random)) for mol in mols],
        "unknown ring system": [(embedded(mol), ringed(mol, known.ring_systems, random)) for mol in mols],
    }
    print("| broken | pairs | part | area under the curve | its own copy is less likely |\n" + "| --- " * 5 + "|")
    start, count, errors = time.process_time(), 0, []
    for name, pairs in ways.items():
        whole = [(real, copy) for real, copy in pairs if real is not None and copy is not None]
        found = [likelihoods(sampler, [to_arrays(pair[side]) for pair in whole], options) for side in (0, 1)]
        count += 2 * len(whole)
        errors += [one.error for own in found for one in own]
        for part in PARTS:
            real, broken = (values(own, part) for own in found)
            error = resampled(real, broken, random)
            own = (broken > real).mean()
            print(
                f"| {name} | {len(whole)} | {part} | {area(real, broken):.3f} ± {error:.3f} | {own:.2f} |", flush=True
            )
    seconds = time.process_time() - start
    print(
        f"\n{options.evaluations} evaluations and {1e3 * seconds / count:.0f} ms of processor time a molecule; "
        f"standard error of a molecule's bound {np.mean(errors):.2f} nats on average"
    )
    real = likelihoods(sampler, [to_arrays(mol) for mol in mols], options, number=1)
    parts = ", ".join(f"{part} {values(real, part).mean():.2f}" for part in PARTS)
    print(f"{Path(arguments.molecules).name}: nats an atom of {len(mols)} molecules on average: {parts}")


if __name__ == "__main__":
    main()
