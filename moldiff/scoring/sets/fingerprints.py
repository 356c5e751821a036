"""Morgan fingerprints (radius 2, 2048 bits) as packed bits, and what is said of a set of them."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

BITS = 2048
BYTES = BITS // 8
EXACT_PAIRS_UP_TO = 10_000
DRAWN_PAIRS = 200_000
CIRCLE_SIMILARITY = 0.65


def fingerprint(heavy: Chem.Mol) -> bytes:
    """Morgan fingerprint of a molecule without hydrogens, 256 bytes; stereo does not enter."""
    return DataStructs.BitVectToBinaryText(_generator().GetFingerprint(heavy))


def similarities(one: NDArray[np.uint8], many: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Tanimoto similarity [N] of a packed fingerprint [256] to others [N, 256]; 1 for two empty ones."""
    return _tanimoto(one[None], many)


def internal_diversity(packed: NDArray[np.uint8], seed: int) -> tuple[float, int] | None:
    """Mean Tanimoto distance of pairs, none with itself, and the number of pairs; None for fewer than two.

    Args:
        packed: fingerprints [N, 256] in an order that does not depend on the file's (by key), so that drawn pairs
            do not either. Exact up to 10,000 molecules, then 200,000 drawn pairs.
        seed: seed of the drawn pairs.
    """
    count = len(packed)
    if count < 2:
        return None
    if count > EXACT_PAIRS_UP_TO:
        draw = np.random.default_rng(seed)
        left = draw.integers(0, count, DRAWN_PAIRS)
        right = (left + draw.integers(1, count, DRAWN_PAIRS)) % count
        total = sum(
            float(np.sum(_tanimoto(packed[left[low : low + 10_000]], packed[right[low : low + 10_000]])))
            for low in range(0, DRAWN_PAIRS, 10_000)
        )
        return 1 - total / DRAWN_PAIRS, DRAWN_PAIRS
    vectors = bit_vectors(packed)
    total = 0.0
    for index in range(1, count):
        total += float(np.sum(DataStructs.BulkTanimotoSimilarity(vectors[index], vectors[:index])))
    pairs = count * (count - 1) // 2
    return 1 - total / pairs, pairs


def circles(packed: NDArray[np.uint8]) -> int:
    """#Circles (Xie et al. 2023): molecules that a greedy pass keeps, each below 0.65 similarity to all kept.

    Args:
        packed: fingerprints [N, 256], in an order that does not depend on the file's, for the pass is greedy.
    """
    kept: list[DataStructs.ExplicitBitVect] = []
    for vector in bit_vectors(packed):
        if not kept or max(DataStructs.BulkTanimotoSimilarity(vector, kept)) < CIRCLE_SIMILARITY:
            kept.append(vector)
    return len(kept)


def nearest(packed: NDArray[np.uint8], known: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Similarity [N] of each fingerprint [N, 256] to its nearest neighbour among ``known`` [K, 256], and its place."""
    vectors = bit_vectors(known)
    best = np.zeros(len(packed))
    place = np.zeros(len(packed), dtype=np.int64)
    for index, vector in enumerate(bit_vectors(packed)):
        similarity = np.asarray(DataStructs.BulkTanimotoSimilarity(vector, vectors))
        place[index] = int(np.argmax(similarity))
        best[index] = float(similarity[place[index]])
    return best, place


def bit_vectors(packed: NDArray[np.uint8]) -> list[DataStructs.ExplicitBitVect]:
    """RDKit bit vectors of packed fingerprints [N, 256]."""
    return [DataStructs.CreateFromBinaryText(row.tobytes()) for row in packed]


def _tanimoto(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.float64]:
    shared = np.bitwise_count(left & right).sum(axis=1, dtype=np.int64)
    either = np.bitwise_count(left | right).sum(axis=1, dtype=np.int64)
    return np.where(either > 0, shared / np.maximum(either, 1), 1.0)


@cache
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS)
