"""From numbers about candidates to a short list: percentiles, Pareto fronts, and picks far from each other."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit.SimDivFilters import rdSimDivPickers

from moldiff.scoring.sets.fingerprints import bit_vectors, similarities


def percentiles(values: NDArray[np.float64], *, largest: bool) -> NDArray[np.float64]:
    """Share of candidates [N] that each value [N] beats, ties by half: 0 for the worst of all, near 1 for the best.

    Args:
        values: numbers without NaN.
        largest: whether a larger number is better.
    """
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    share = (below + (upto - below - 1) / 2) / max(len(values) - 1, 1)
    return share if largest else 1 - share


def pareto_fronts(goodness: NDArray[np.float64]) -> NDArray[np.int64]:
    """Front [N], from 1, of each candidate by its goodness [N, K] in K columns (non-dominated sorting).

    A candidate is dominated by one that is as good in every column and better in one.
    """
    fronts = np.zeros(len(goodness), dtype=np.int64)
    remaining = np.arange(len(goodness))
    front = 0
    while len(remaining):
        front += 1
        rest = goodness[remaining]
        # Candidates of larger sum come first: none of them can be dominated by a later one.
        order = np.argsort(-rest.sum(axis=1), kind="stable")
        kept: list[int] = []
        for place in order:
            best = rest[kept]
            dominates = (best >= rest[place]).all(axis=1) & (best > rest[place]).any(axis=1)
            if not dominates.any():
                kept.append(int(place))
        fronts[remaining[kept]] = front
        remaining = np.delete(remaining, kept)
    return fronts


def diverse_pool(scores: NDArray[np.float64], n: int, *, times: int, share: float, floor: float) -> list[int]:
    """Places among which diversity may pick, ascending: a candidate far down the order is not worth its difference.

    Args:
        scores: score [N] of each candidate, in the order of the ranks.
        n: candidates wanted.
        times: at most the best ``times * n`` are in it.
        share: at most this share of all is in it, or the best n.
        floor: none of a lower score is in it, unless fewer than n reach it: then it is the best n.
    """
    reach = max(n, min(times * n, math.ceil(share * len(scores))))
    pool = [place for place in range(min(reach, len(scores))) if scores[place] >= floor]
    return pool if len(pool) >= n else list(range(min(n, len(scores))))


def pick_diverse(packed: NDArray[np.uint8], count: int, seed: int) -> list[int]:
    """Places of ``count`` molecules far from each other by Tanimoto distance (MaxMin; Ashton et al. 2002).

    Args:
        packed: fingerprints [N, 256], the best candidate first; it is the first pick.
        count: number to pick.
        seed: seed of the picker, for ties.
    """
    if count >= len(packed):
        return list(range(len(packed)))
    picker = rdSimDivPickers.MaxMinPicker()
    picked = picker.LazyBitVectorPick(bit_vectors(packed), len(packed), count, firstPicks=[0], seed=seed)
    return [int(place) for place in picked]


def nearest_of_others(packed: NDArray[np.uint8], chosen: Sequence[int]) -> list[float]:
    """Largest similarity of each chosen molecule to the other chosen ones; 0 for one alone."""
    highest = []
    for place in chosen:
        others = [other for other in chosen if other != place]
        highest.append(float(similarities(packed[place], packed[others]).max()) if others else 0.0)
    return highest
