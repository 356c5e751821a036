"""Property targets: `python benchmarks/steer_properties.py WEIGHTS MOLECULES [N] [GUIDANCE] [PROPERTY ...]`.

Targets are drawn as (value, number of atoms) together from molecules that the weights did not learn from (an SDF or
SMILES file, or a dataset folder, of which the held-out ones are taken); RDKit judges what was made. Beside the mean
absolute error of N molecules stands the ladder: the same molecules against shuffled targets, molecules of the right
number of atoms of which nothing else was asked, another held-out molecule of the same size, and the best of as many
unguided molecules as cost the same. Markdown on standard output.
"""

import sys
from pathlib import Path

import numpy as np
from rdkit import Chem, RDLogger

from moldiff.chemistry.formats.records import read_records
from moldiff.chemistry.parsing import parse_record
from moldiff.config.sample import SampleOptions
from moldiff.dataset.storage import open_dataset
from moldiff.sampling.plan import LARGEST_BATCH, Plan, PlannedBatch
from moldiff.sampling.sampler import Sampled, Sampler
from moldiff.scoring.computed import COMPUTED, descriptors_of
from moldiff.scoring.molecule.validity import sanitize


def held_out(path: Path, hydrogens: str) -> tuple[list[dict[str, float]], np.ndarray]:
    """Descriptors and numbers of atoms of the molecules."""
    if path.is_dir():
        dataset = open_dataset(path)
        rows = dataset.rows("valid")
        texts = np.array(dataset.table(["smiles"])["smiles"].to_pylist(), dtype=object)[rows]
        return [descriptors_of(Chem.MolFromSmiles(text)) for text in texts], dataset.molecules.sizes[rows]
    mols = []
    for record in read_records([str(path)]):
        mol = parse_record(record)
        Chem.SanitizeMol(mol)
        mols.append(Chem.RemoveHs(mol))
    sizes = [Chem.AddHs(mol).GetNumAtoms() if hydrogens == "explicit" else mol.GetNumAtoms() for mol in mols]
    return [descriptors_of(mol) for mol in mols], np.array(sizes)


def made(sampler: Sampler, plan: Plan, sizes: np.ndarray, properties: np.ndarray) -> list[dict[str, float] | None]:
    """Descriptors of one molecule for each size and row of properties; None where it is not valid_strict."""
    result: list[dict[str, float] | None] = [None] * len(sizes)
    number = 0
    for size in np.unique(sizes):
        places = np.flatnonzero(sizes == size)
        for start in range(0, len(places), LARGEST_BATCH):
            chosen = places[start : start + LARGEST_BATCH]
            batch = PlannedBatch(number, tuple(chosen.tolist()), int(size), properties[chosen])
            number += 1
            for one in sampler.batch(plan, batch):
                result[one.index] = judged(sampler, one)
    return result


def judged(sampler: Sampler, one: Sampled) -> dict[str, float] | None:
    if not sampler.strict(one):
        return None
    mol = sanitize(sampler.to_rdkit(one)).mol
    return None if mol is None else descriptors_of(Chem.RemoveHs(mol))


def error(found: list[dict[str, float] | None], name: str, targets: np.ndarray) -> float:
    pairs = [(one[name], target) for one, target in zip(found, targets, strict=True) if one is not None]
    return float(np.mean([abs(value - target) for value, target in pairs])) if pairs else float("nan")


def main() -> None:
    RDLogger.DisableLog("rdApp.*")
    sampler = Sampler.load(sys.argv[1])
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    weight = float(sys.argv[4]) if len(sys.argv) > 4 else 2.0
    scales = sampler.model.statistics.properties
    names = sys.argv[5:] or [scale.name for scale in scales if scale.name in COMPUTED]
    values, sizes = held_out(Path(sys.argv[2]), sampler.model.statistics.hydrogens)
    random = np.random.default_rng(0)
    chosen = random.choice(len(values), n, replace=len(values) < n)
    wanted = sizes[chosen]
    # a fixed size, so that every atom that is offered is used: how many stands in the batches
    plan = Plan.of(SampleOptions(n=n, atoms="1", guidance=weight))
    nothing = np.full((n, len(scales)), np.nan)
    plain = made(sampler, plan, wanted, nothing)
    again = made(sampler, Plan.of(SampleOptions(n=n, atoms="1", seed=1)), wanted, nothing)
    print(f"{n} molecules a row, guidance {weight:g}; unguided valid_strict {share(plain)}\n")
    titles = [
        "guided",
        "shuffled targets",
        "number of atoms only",
        "another of the size",
        "best of 2 unguided",
        "valid",
    ]
    print(f"| MAE | {' | '.join(titles)} |\n|{'---|' * (len(titles) + 1)}")
    for name in names:
        column = next(place for place, scale in enumerate(scales) if scale.name == name)
        targets = np.array([values[place][name] for place in chosen])
        asked = nothing.copy()
        asked[:, column] = scales[column].encode(targets)
        guided = made(sampler, plan, wanted, asked)
        others = [values[int(random.choice(np.flatnonzero(sizes == size)))] for size in wanted]
        # a guided step costs two evaluations, so two unguided molecules cost what one guided one does
        best = [
            min((one for one in pair if one is not None), key=lambda one: abs(one[name] - target), default=None)
            for *pair, target in zip(plain, again, targets, strict=True)
        ]
        row = [guided, guided, plain, others, best]
        against = [targets, random.permutation(targets), targets, targets, targets]
        errors = [error(found, name, goal) for found, goal in zip(row, against, strict=True)]
        print(f"| {name} | {' | '.join(f'{value:.3g}' for value in errors)} | {share(guided)} |", flush=True)


def share(found: list[dict[str, float] | None]) -> str:
    return f"{sum(one is not None for one in found) / len(found):.1%}"


if __name__ == "__main__":
    main()
