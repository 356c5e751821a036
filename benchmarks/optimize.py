"""Metropolis moves beside best-of-N: `python benchmarks/optimize.py WEIGHTS START [SCORE] [ROUNDS] [POPULATION] [REF]`.

`moldiff optimize` from the molecules of a file, then as many new molecules of the same weights as cost the same number
of network evaluations, scored alike. START and REF are SDF files. With REF, the reference of the score `shape`, only
molecules count whose graph is not like it (Tanimoto of Morgan fingerprints of radius 2 below 0.3): the same shape of
another molecule is what is asked for. Markdown on standard output: the mean and the best of the best POPULATION.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from moldiff.config.optimize import OptimizeOptions
from moldiff.config.sample import SampleOptions
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.stages.optimize import Scorer, optimize

ALIKE = 0.3
"""Similarity of graphs from which a molecule counts as the reference itself."""


def main() -> None:
    weights, start = sys.argv[1], Path(sys.argv[2])
    score = sys.argv[3] if len(sys.argv) > 3 else "qed"
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 20
    population = int(sys.argv[5]) if len(sys.argv) > 5 else 16
    reference = sys.argv[6] if len(sys.argv) > 6 else None
    known = next(iter(Chem.SDMolSupplier(reference))) if reference else None
    options = OptimizeOptions(score=score, rounds=rounds, population=population, reference=reference)
    with tempfile.TemporaryDirectory(prefix="moldiff-") as folder:
        output = Path(folder) / "out.sdf"
        record = optimize(options, start, weights, output)
        members = {
            Chem.MolToSmiles(mol): float(mol.GetProp("moldiff_score"))
            for mol in Chem.SDMolSupplier(str(output))
            if mol is not None
        }
    moved = ranked(members, known)
    sampler = Sampler.load(weights)
    plan = Plan.of(SampleOptions(restarts=0))
    n = round(record["network_evaluations"] / plan.evaluations)
    plan = Plan.of(SampleOptions(restarts=0, n=n))
    made = [one.arrays for batch in plan.batches(sampler.model.statistics) for one in sampler.batch(plan, batch)]
    scored = Scorer(sampler.decoder, score, reference=known)(made)
    best = ranked({one.key: one.score for one in scored if one.score is not None}, known)
    count = min(population, len(moved), len(best))
    print(f"{score}, {record['network_evaluations']} network evaluations each, start {record['start']}\n")
    print(f"| | scored | mean of the best {count} | best |\n|---|---|---|---|")
    for name, number, scores in (
        ("Metropolis moves", record["evaluations"], moved),
        (f"best of {n}", len(best), best),
    ):
        print(f"| {name} | {number} | {np.mean(scores[:count]):.4f} | {max(scores, default=float('nan')):.4f} |")


def ranked(members: dict[str, float], reference: Chem.Mol | None) -> list[float]:
    """The scores of the molecules (SMILES) that are unlike the reference, if there is one, the best first."""
    if reference is not None:
        fingerprints = rdFingerprintGenerator.GetMorganGenerator(radius=2)
        own = fingerprints.GetFingerprint(reference)
        members = {
            smiles: score
            for smiles, score in members.items()
            if DataStructs.TanimotoSimilarity(own, fingerprints.GetFingerprint(Chem.MolFromSmiles(smiles))) < ALIKE
        }
    return sorted(members.values(), reverse=True)


if __name__ == "__main__":
    main()
