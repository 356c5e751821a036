"""What training and sampling need to know of a set: vocabulary, marginals, sizes, spread of positions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from moldiff.dataset.storage import RaggedMolecules

BONDS = (0, 1, 2, 3)


def describe(molecules: RaggedMolecules, train: np.ndarray) -> dict[str, Any]:
    """Vocabulary of all molecules; marginals, size histogram and σ_data of those of the training split.

    Args:
        molecules: the whole set.
        train: numbers of the training molecules; if there is none, all are used.

    Returns:
        ``vocabulary`` (elements and charges that occur, ascending; bonds 0 to 3), ``marginals`` (probabilities
        in the order of the vocabulary; bonds over all unordered pairs of atoms of a molecule, 0 = none),
        ``sizes`` (molecules of each number of atoms) and ``position_std`` (Å, over components of positions
        centred in each molecule).
    """
    elements = np.unique(molecules.atomic_numbers)
    charges = np.unique(molecules.formal_charges)
    chosen = molecules.take(train) if len(train) else molecules
    sizes = chosen.sizes
    pairs = int((sizes * (sizes - 1) // 2).sum())
    bonded = np.bincount(chosen.bond_orders, minlength=len(BONDS))
    bond_counts = [pairs - int(bonded.sum()), *bonded[1:].tolist()]
    values, counts = np.unique(sizes, return_counts=True)
    return {
        "vocabulary": {"elements": elements.tolist(), "charges": charges.tolist(), "bonds": list(BONDS)},
        "marginals": {
            "element": _shares(chosen.atomic_numbers, elements),
            "charge": _shares(chosen.formal_charges, charges),
            "bond": [count / pairs for count in bond_counts] if pairs else [1.0, 0.0, 0.0, 0.0],
        },
        "sizes": {str(size): int(count) for size, count in zip(values.tolist(), counts.tolist(), strict=True)},
        "position_std": position_std(chosen),
    }


def position_std(molecules: RaggedMolecules) -> float:
    """Standard deviation of all components of positions centred in each molecule, Å; 0 for single atoms only."""
    positions = molecules.positions.astype(np.float64)
    starts = molecules.atom_offsets[:-1]
    means = np.add.reduceat(positions, starts, axis=0) / molecules.sizes[:, None]
    centred = positions - np.repeat(means, molecules.sizes, axis=0)
    return float(np.sqrt(np.mean(centred**2)))


def _shares(values: np.ndarray, vocabulary: np.ndarray) -> list[float]:
    counts = {int(value): int(count) for value, count in zip(*np.unique(values, return_counts=True), strict=True)}
    return [counts.get(int(word), 0) / len(values) for word in vocabulary]


def histogram(reasons: Mapping[str, int]) -> dict[str, int]:
    """Reasons with their counts, the most frequent first."""
    return dict(sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0])))
