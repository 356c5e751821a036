"""Stereocentres as asked, before any rejection: `python benchmarks/chirality.py MOLECULES WEIGHTS [WEIGHTS ...]`.

Of a file of molecules those with stereocentres are taken that `moldiff featurize` holds out by their hash, so that no
weights of this project have learned from them. One conformer of each comes from each of the weights: how many
stereocentres, and how many molecules with all of theirs, have the asked hand as they came, and how many molecules if
the mirror image is taken where all came out turned, as `moldiff conformers` does. Weights that know handedness are also
run without being asked. Times are processor time, one thread. Markdown on standard output.
"""

import argparse
import time
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from rdkit import Chem, RDLogger

from moldiff.chemistry.formats.records import read_records
from moldiff.chemistry.reading import molecules_of
from moldiff.chemistry.stereo import asked_hands, right_handed
from moldiff.config.featurize import FeaturizeOptions
from moldiff.config.sample import SampleOptions
from moldiff.dataset.splits import TRAIN, split_by_hash
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.sampling.conformers import known_graphs
from moldiff.sampling.intake import Intake, prepared
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.scoring.sets.statistics import rate

BATCH = 24
"""Molecules that are made together."""
CHUNK = 1000
"""Records that are read at a time."""
VALID = FeaturizeOptions.model_fields["valid_fraction"].default


@dataclass
class Counts:
    """What came out of one sampling.

    Attributes:
        centres: for each stereocentre whether it has the asked hand.
        alone: for each molecule with one stereocentre whether it has the asked hand.
        molecules: for each molecule whether all have.
        mirrored: whether the molecule or its mirror image has, double bonds too.
        seconds: processor time.
    """

    centres: list[bool] = field(default_factory=list)
    alone: list[bool] = field(default_factory=list)
    molecules: list[bool] = field(default_factory=list)
    mirrored: list[bool] = field(default_factory=list)
    seconds: float = 0.0


def held_out(mol: Chem.Mol) -> bool:
    """Whether the hash of the molecule's connectivity keeps it out of training."""
    key = Chem.MolToInchiKey(mol).partition("-")[0]
    return bool(key) and split_by_hash([key], VALID, 0.0) != [TRAIN]


def chosen(paths: list[str], intake: Intake, most: int) -> list[Chem.Mol]:
    """The first held-out molecules with stereocentres, each connectivity once."""
    mols: dict[str, Chem.Mol] = {}
    records, prepare = read_records(paths), partial(prepared, intake=intake)
    while len(mols) < most:
        batch = [record for record, _ in zip(records, range(CHUNK), strict=False)]
        if not batch:
            break
        for mol, _ in molecules_of(batch, prepare):
            if mol is not None and asked_hands(mol).any() and held_out(mol):
                mols.setdefault(Chem.MolToSmiles(mol, isomericSmiles=False), mol)
    return sorted(list(mols.values())[:most], key=Chem.Mol.GetNumAtoms)


def measured(sampler: Sampler, mols: list[Chem.Mol], steps: int, *, asked: bool) -> Counts:
    """One conformer of each molecule, nothing rejected."""
    plan, counts = Plan.of(SampleOptions(steps=steps, restarts=0, threads=1, accelerator="cpu")), Counts()
    for number, start in enumerate(range(0, len(mols), BATCH)):
        batch = mols[start : start + BATCH]
        known, given = known_graphs(batch, sampler.model.network.vocabulary)
        if not asked:
            known = known.replace(handedness=known.handedness[:, :0])
        begin = time.process_time()
        made = sampler.complete(plan, known, given, seed=number)
        counts.seconds += time.process_time() - begin
        for mol, pos in zip(batch, made.pos.double().numpy(), strict=True):
            judge(counts, mol, pos[: mol.GetNumAtoms()])
    return counts


def judge(counts: Counts, mol: Chem.Mol, pos: np.ndarray) -> None:
    """Count one molecule at these positions, [atom, 3]."""
    hands = asked_hands(mol)
    centres = np.flatnonzero(hands[:, 0])
    volumes = np.linalg.det(pos[hands[centres, 1:]] - pos[centres, None])
    right = (np.sign(volumes) == hands[centres, 0]).tolist()
    counts.centres += right
    counts.molecules.append(all(right))
    counts.alone += right if len(right) == 1 else []
    counts.mirrored.append(right_handed(mol, pos)[0] is not None)


def shown(values: list[bool]) -> str:
    """A share in percent with its interval."""
    one = rate(sum(values), len(values))
    if one.value is None or one.low is None or one.high is None:
        return "none"
    return f"{100 * one.value:.1f} ({100 * one.low:.1f}-{100 * one.high:.1f}) of {len(values)}"


def main() -> None:
    """Measure and print."""
    RDLogger.DisableLog("rdApp.*")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("molecules", help="file of molecules: SMILES, or SDF with poses that say the stereochemistry")
    parser.add_argument("weights", nargs="+", help="files, or names of shipped weights")
    parser.add_argument("--most", type=int, default=500, help="molecules, at most")
    parser.add_argument("--steps", type=int, default=50, help="evaluations of the network")
    options = parser.parse_args()
    torch.set_num_threads(1)
    samplers = {name: Sampler.load(name) for name in options.weights}
    intake = Intake.of(samplers[options.weights[0]].model)
    mols = chosen([options.molecules], intake, options.most)
    print(f"{len(mols)} molecules of {np.mean([mol.GetNumAtoms() for mol in mols]):.1f} atoms on average\n")
    titles = (
        "stereocentres right",
        "the only stereocentre right",
        "all of a molecule's right",
        "with mirror images",
    )
    print(f"| weights | {' | '.join(titles)} | s a molecule |\n|---|{'---|' * 5}", flush=True)
    for name, sampler in samplers.items():
        network = sampler.model.network
        knows = isinstance(network, DenoisingNetwork) and network.chirality is not None
        for asked in (True, False) if knows else (True,):
            made = measured(sampler, mols, options.steps, asked=asked)
            shares = [shown(one) for one in (made.centres, made.alone, made.molecules, made.mirrored)]
            row = name if asked else f"{name}, not asked"
            print(f"| {row} | {' | '.join(shares)} | {made.seconds / len(mols):.2f} |", flush=True)


if __name__ == "__main__":
    main()
