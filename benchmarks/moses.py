"""The MOSES benchmark's metrics of a file of molecules: `python -m benchmarks.moses samples.sdf --molsets FOLDER`.

Defined by Polykovskiy et al., Front. Pharmacol. 11, 565644 (2020), as their package molsets 0.3.1 (MIT) computes them:
share valid of all records, unique of the first 1,000 and 10,000 valid ones, novel beside the training split, passing
the MCF and PAINS filters, internal diversity; and beside the test set and the test set of other scaffolds the Fréchet
ChemNet distance, the similarity to the nearest neighbour (SNN), and the cosine of BRICS fragments and Murcko scaffolds.

FOLDER is the unpacked wheel of molsets (`pip download --no-deps molsets==0.3.1`, then unzip): its splits, filters and
the statistics of its test sets are read; its code, which needs packages of 2020, is not run. Those statistics are
pickled, so the wheel must be one that you trust. Needs the extra fcd. Prints a row of a Markdown table and its header.
"""

import argparse
import csv
import gzip
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, RDLogger
from rdkit.Chem import AllChem, rdFingerprintGenerator
from rdkit.Chem.Scaffolds import MurckoScaffold

from moldiff.chemistry.formats.records import read_records
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.molecule.validity import one_molecule
from moldiff.scoring.sets.frechet import activations

ELEMENTS = {"C", "N", "S", "O", "F", "Cl", "Br", "H"}
BITS = 1024
CHUNK = 2000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("molecules", help="SDF or SMILES file; records that cannot be read count as not valid")
    parser.add_argument("--molsets", type=Path, required=True, help="folder that holds moses/")
    parser.add_argument("--limit", type=int, help="only the first records")
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    folder = arguments.molsets / "moses"
    found = [valid_smiles(record) for record in list(read_records([arguments.molecules]))[: arguments.limit]]
    made = [smiles for smiles in found if smiles is not None]
    mols = [Chem.MolFromSmiles(smiles) for smiles in made]
    values = {
        "molecules": float(len(found)),
        "valid": len(made) / len(found),
        **{f"unique@{k}": len(set(made[:k])) / len(made[:k]) for k in (1000, 10000) if len(made) >= k},
        "novel": len(set(made) - training_set(folder)) / len(set(made)),
        "filters": sum(map(Filters(folder), mols)) / len(mols),
    }
    prints = fingerprints(mols)
    values["IntDiv"], values["IntDiv2"] = internal_diversity(prints, 1), internal_diversity(prints, 2)
    seen = activations(made)
    for name, stem in (("Test", "test_stats.npz"), ("TestSF", "test_scaffolds_stats.npz")):
        known: Mapping[str, Any] = np.load(folder / "dataset/data" / stem, allow_pickle=True)["stats"].item()
        values[f"FCD/{name}"] = frechet(seen, known["FCD"]["mu"], known["FCD"]["sigma"])
        values[f"SNN/{name}"] = nearest_similarity(prints, known["SNN"]["fps"])
        values[f"Frag/{name}"] = cosine(fragment_counts(mols), known["Frag"]["frag"])
        values[f"Scaf/{name}"] = cosine(scaffold_counts(mols), known["Scaf"]["scaf"])
    print(f"| {' | '.join(values)} |\n|{' --- |' * len(values)}")
    print(f"| {' | '.join(f'{value:.4g}' for value in values.values())} |")


def valid_smiles(record: Any) -> str | None:
    """Canonical flat SMILES of a record that is one sanitizable molecule."""
    mol = parse(record).mol
    if mol is None or (sane := one_molecule(mol)) is None:
        return None
    # through SMILES: the benchmark sees what the language models write, and nothing of coordinates
    again = Chem.MolFromSmiles(Chem.MolToSmiles(Chem.RemoveHs(sane), isomericSmiles=False))
    return None if again is None else Chem.MolToSmiles(again)


def training_set(folder: Path) -> set[str]:
    """The training split's SMILES, which are canonical; those of today's RDKit differ for few."""
    with gzip.open(folder / "dataset/data/train.csv.gz", "rt") as file:
        return {row["SMILES"] for row in csv.DictReader(file)}


class Filters:
    """Whether a molecule passes the MCF and PAINS filters, is neutral, of allowed elements and without large rings."""

    def __init__(self, folder: Path) -> None:
        with (folder / "metrics/mcf.csv").open() as file:
            smarts = [row["smarts"] for row in csv.DictReader(file)]
        with (folder / "metrics/wehi_pains.csv").open() as file:
            smarts += [row[0].strip() for row in csv.reader(file)]
        self.patterns = [Chem.MolFromSmarts(text) for text in smarts]

    def __call__(self, mol: Chem.Mol) -> bool:
        """The verdict."""
        if any(len(ring) >= 8 for ring in mol.GetRingInfo().AtomRings()):
            return False
        if any(atom.GetFormalCharge() or atom.GetSymbol() not in ELEMENTS for atom in mol.GetAtoms()):
            return False
        with_hydrogens = Chem.AddHs(mol)
        return not any(with_hydrogens.HasSubstructMatch(pattern) for pattern in self.patterns)


def fingerprints(mols: Sequence[Chem.Mol]) -> NDArray[np.float32]:
    """Morgan fingerprints [N, 1024] of radius 2."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS)
    return np.array([generator.GetFingerprintAsNumPy(mol) for mol in mols], np.float32).reshape(-1, BITS)


def similarities(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Tanimoto similarities [N, M] of fingerprints."""
    both = left @ right.T
    return both / np.maximum(left.sum(1)[:, None] + right.sum(1) - both, 1)


def nearest_similarity(prints: NDArray[np.float32], known: NDArray[np.uint8]) -> float:
    """Mean over molecules of the similarity to the most similar known one."""
    nearest = np.zeros(len(prints), np.float32)
    for start in range(0, len(known), CHUNK):
        part = known[start : start + CHUNK].astype(np.float32)
        nearest = np.maximum(nearest, similarities(prints, part).max(1))
    return float(nearest.mean())


def internal_diversity(prints: NDArray[np.float32], power: int) -> float:
    """1 − (mean of similarityᵖ over all ordered pairs, a molecule with itself too)^(1/p)."""
    total = sum(
        float((similarities(prints[start : start + CHUNK], prints) ** power).sum(dtype=np.float64))
        for start in range(0, len(prints), CHUNK)
    )
    return float(1 - (total / len(prints) ** 2) ** (1 / power))


def frechet(seen: NDArray[np.float64], mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> float:
    """Fréchet distance of activations [N, 512] to a known normal distribution."""
    between = seen.mean(axis=0) - mean
    own = np.cov(seen, rowvar=False)
    root = np.sqrt(np.clip(np.linalg.eigvals(own @ covariance).real, 0, None)).sum()
    return float(between @ between + np.trace(own) + np.trace(covariance) - 2 * root)


def fragment_counts(mols: Sequence[Chem.Mol]) -> Counter[str]:
    """BRICS fragments."""
    return Counter(part for mol in mols for part in Chem.MolToSmiles(AllChem.FragmentOnBRICSBonds(mol)).split("."))


def scaffold_counts(mols: Sequence[Chem.Mol]) -> Counter[str]:
    """Murcko scaffolds of two rings or more."""
    scaffolds = map(MurckoScaffold.GetScaffoldForMol, mols)
    return Counter(Chem.MolToSmiles(one) for one in scaffolds if one.GetRingInfo().NumRings() >= 2)


def cosine(left: Mapping[str, int], right: Mapping[str, int]) -> float:
    """Cosine of two histograms."""
    dot = sum(count * right.get(key, 0) for key, count in left.items())
    lengths = [sum(count**2 for count in one.values()) ** 0.5 for one in (left, right)]
    return float(dot / (lengths[0] * lengths[1])) if all(lengths) else 0.0


if __name__ == "__main__":
    main()
