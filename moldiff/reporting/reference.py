"""What the training molecules are like, for comparison: property values, alerts, nearest neighbours."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem, DataStructs
from rdkit.Chem import QED, Descriptors, FilterCatalog, rdFingerprintGenerator, rdMolDescriptors
from rdkit.Contrib.SA_Score import sascorer
from tqdm import tqdm

from moldiff.reporting.pictures import from_smiles

SAMPLE = 1000
"""Molecules of each side of a comparison."""
MOST_SEARCHED = 200_000
"""Training molecules among which a nearest neighbour is looked for; of more, as many are drawn."""


@dataclass(frozen=True)
class Property:
    """A number of a molecule: its column in the rows of a check, and how people read it."""

    column: str
    label: str
    meaning: str
    whole: bool = False


PROPERTIES = (
    Property("qed", "QED", "drug-likeness, 0 to 1; higher is more like an oral drug"),
    Property("sa", "SA score", "how hard it looks to make, 1 easy to 10 hard"),
    Property("logp", "logP (Crippen)", "lipophilicity: logarithm of the octanol-water partition"),
    Property("mw", "molecular weight, g/mol", "average mass, hydrogens included"),
    Property("tpsa", "TPSA, Å²", "topological polar surface area"),
    Property("heavy_atoms", "heavy atoms", "atoms other than hydrogen", True),
    Property("rotatable_bonds", "rotatable bonds", "strict definition of RDKit", True),
    Property("hbd", "H-bond donors", "RDKit's CalcNumHBD", True),
    Property("hba", "H-bond acceptors", "RDKit's CalcNumHBA", True),
    Property("fsp3", "Fsp3", "share of carbons that are sp3"),
)


@dataclass(frozen=True)
class Reference:
    """A seeded sample of the training set. ``values`` [molecule] per column; the two halves share no molecule."""

    smiles: Sequence[str]
    values: dict[str, np.ndarray]
    flagged: int
    alerts: Counter[str]


@dataclass(frozen=True)
class Neighbour:
    """The training molecule most like a given one: Tanimoto similarity of Morgan fingerprints."""

    smiles: str
    similarity: float


def describe(mol: Chem.Mol) -> dict[str, float]:
    """The `PROPERTIES` of a sanitized molecule without hydrogens, defined as in the check's rows."""
    quick = QED.properties(mol)
    return {
        "qed": QED.qed(mol, qedProperties=quick),
        "sa": sascorer.calculateScore(mol),
        "logp": quick.ALOGP,
        "mw": Descriptors.MolWt(mol),
        "tpsa": rdMolDescriptors.CalcTPSA(mol),
        "heavy_atoms": mol.GetNumHeavyAtoms(),
        "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds(mol),
        "hbd": rdMolDescriptors.CalcNumHBD(mol),
        "hba": rdMolDescriptors.CalcNumHBA(mol),
        "fsp3": rdMolDescriptors.CalcFractionCSP3(mol),
    }


def take_reference(smiles: Sequence[str], generated: int, seed: int = 0) -> Reference:
    """Describe a seeded sample of training molecules, twice as many as there are generated ones (at most 2,000).

    Two halves of equal size are what the noise floor of a distance needs.
    """
    wanted = min(2 * min(max(generated, 1), SAMPLE), len(smiles) // 2 * 2)
    chosen = np.random.default_rng(seed).permutation(len(smiles))[:wanted]
    drawn, described = [], []
    alerts: Counter[str] = Counter()
    flagged = 0
    catalogs = _catalogs()
    for position in chosen.tolist():
        mol = from_smiles(smiles[position])
        if mol is None or mol.GetNumAtoms() == 0:
            continue
        names = {f"{name} {e.GetDescription()}" for name, catalog in catalogs.items() for e in catalog.GetMatches(mol)}
        flagged += bool(names)
        alerts.update(names)
        drawn.append(smiles[position])
        described.append(describe(mol))
    values = {p.column: np.array([entry[p.column] for entry in described], dtype=float) for p in PROPERTIES}
    return Reference(drawn, values, flagged, alerts)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Wasserstein-1 distance of two samples of equal size: mean difference of the sorted values, in their unit."""
    return float(np.abs(np.sort(one) - np.sort(other)).mean())


def compare(generated: np.ndarray, reference: np.ndarray, seed: int = 0) -> tuple[float, float, int] | None:
    """Distance of generated values to reference values, its noise floor, and the N of both; None below 10 molecules.

    The floor is the same distance between two disjoint halves of the reference at the same N.
    """
    count = min(len(generated), len(reference) // 2, SAMPLE)
    if count < 10:
        return None
    drawn = np.random.default_rng(seed).permutation(generated)[:count]
    first, second = reference[:count], reference[count : 2 * count]
    return distance(drawn, first), distance(first, second), count


def neighbours(queries: Sequence[str], train: Sequence[str], seed: int = 0) -> tuple[list[Neighbour | None], int]:
    """For each query SMILES the most similar training molecule, and how many of these were looked at.

    Morgan fingerprints of radius 2 and 2048 bits. Memory does not grow with the training set.
    """
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    mols = [from_smiles(query) for query in queries]
    prints = [generator.GetFingerprint(mol) if mol is not None else None for mol in mols]
    kept = [index for index, entry in enumerate(prints) if entry is not None]
    best: list[Neighbour | None] = [None] * len(queries)
    if not kept:
        return best, 0
    searched = range(len(train))
    if len(train) > MOST_SEARCHED:
        searched = np.sort(np.random.default_rng(seed).permutation(len(train))[:MOST_SEARCHED]).tolist()
    vectors = [prints[index] for index in kept]
    similarity = np.full(len(kept), -1.0)
    place = np.zeros(len(kept), dtype=np.int64)
    quiet = not sys.stderr.isatty()
    for position in tqdm(searched, desc="nearest training molecules", unit="mol", disable=quiet, dynamic_ncols=True):
        mol = from_smiles(train[position])
        if mol is None:
            continue
        found = np.asarray(DataStructs.BulkTanimotoSimilarity(generator.GetFingerprint(mol), vectors))
        closer = found > similarity
        similarity[closer], place[closer] = found[closer], position
    for index, value, at in zip(kept, similarity.tolist(), place.tolist(), strict=True):
        best[index] = Neighbour(train[at], value) if value >= 0 else None
    return best, len(searched)


def _catalogs() -> dict[str, FilterCatalog.FilterCatalog]:
    """The alert sets by the names that the check's rows give them."""
    known = FilterCatalog.FilterCatalogParams.FilterCatalogs
    found = {}
    for name, alerts in (("pains", known.PAINS), ("brenk", known.BRENK), ("glaxo", known.CHEMBL_Glaxo)):
        parameters = FilterCatalog.FilterCatalogParams()
        parameters.AddCatalog(alerts)
        found[name] = FilterCatalog.FilterCatalog(parameters)
    return found
