"""Does a model repeat its training set? Nearest training molecules of samples, beside those of held-out molecules.

    python -m benchmarks.memorisation samples.sdf dataset

``dataset`` is the featurized set that the weights learned from: its training part is what could be remembered, its
held-out part says how near molecules of the same source come to it by themselves. A model that remembers is nearer.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from moldiff.chemistry.formats.records import read_records
from moldiff.dataset.storage import open_dataset
from moldiff.scoring.molecule.keys import flat_key
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.molecule.validity import one_molecule
from moldiff.scoring.sets.fingerprints import fingerprint, nearest

NEAR = 0.8
"""Tanimoto similarity above which a molecule counts as a variation of a known one."""
DRAWS = 1000


def packed(smiles: Iterable[str]) -> NDArray[np.uint8]:
    """Fingerprints [N, 256] of SMILES."""
    return np.stack([np.frombuffer(fingerprint(Chem.MolFromSmiles(one)), dtype=np.uint8) for one in smiles])


def nearer(ours: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Chance that one of ours is nearer than one of the others, ties counted half: 0.5 for equal distributions."""
    below = np.searchsorted(np.sort(others), ours, side="left")
    upto = np.searchsorted(np.sort(others), ours, side="right")
    return float(np.mean(below + upto) / (2 * len(others)))


def interval(ours: NDArray[np.float64], others: NDArray[np.float64]) -> tuple[float, float]:
    """95 % of the chance, by bootstrap over both sets."""
    random = np.random.default_rng(0)
    drawn = [nearer(random.choice(ours, len(ours)), random.choice(others, len(others))) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description="Nearest training molecules of samples and of held-out molecules.")
    parser.add_argument("samples")
    parser.add_argument("dataset", type=Path)
    given = parser.parse_args()
    dataset = open_dataset(given.dataset)
    train, held_out = (sorted(set(dataset.smiles(split))) for split in ("train", "valid"))
    read = (parse(record).mol for record in read_records([given.samples]))
    whole = (one_molecule(mol) for mol in read if mol is not None)
    samples = [flat_key(mol) for mol in whole if mol is not None]
    known = packed(train)
    found = {"samples": nearest(packed(samples), known)[0], "held out": nearest(packed(held_out), known)[0]}
    print(f"{len(train)} training molecules")
    print("| | molecules | the same molecule, % | similarity above 0.8, % | median similarity | 95 % below |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (name, near), smiles in zip(found.items(), (samples, held_out), strict=True):
        same = 100 * np.mean([one in set(train) for one in set(smiles)])
        middle, most = np.quantile(near, [0.5, 0.95])
        print(f"| {name} | {len(near)} | {same:.1f} | {100 * np.mean(near > NEAR):.1f} | {middle:.2f} | {most:.2f} |")
    low, high = interval(found["samples"], found["held out"])
    print(
        f"a sample is nearer than a held-out molecule with chance {nearer(*found.values()):.3f} ({low:.3f}-{high:.3f})"
    )


if __name__ == "__main__":
    main()
