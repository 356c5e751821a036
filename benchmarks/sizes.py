"""Weights whose molecules come out as large as those of the training set: `python -m benchmarks.sizes W --out F`.

    moldiff sample --weights W -n 1000 --out own.sdf
    moldiff check own.sdf --out own
    moldiff check training.sdf --out training
    python -m benchmarks.sizes W --made own --like training --out F

Weights that know placeholders decide the size of a molecule themselves, and those that have learned from what was
refused leave more atoms out than their training set did. How often each size is asked for is therefore tilted by
exp(a n + b n²), so that its mean and variance move by what is missing in the molecules that were made.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root

from moldiff.models.checkpoint import load_model, save_model
from moldiff.models.shipped import weights_path
from moldiff.reporting.evidence import read_rows

TOTAL = 1_000_000
"""Sum of the tilted histogram, whose counts are whole."""


def tilted(histogram: dict[int, int], mean: float, variance: float) -> dict[int, int]:
    """The histogram, tilted so that its mean and variance grow by these.

    Raises:
        ValueError: no tilt does that.
    """
    sizes, counts = np.array(list(histogram), dtype=float), np.array(list(histogram.values()), dtype=float)
    before = moments(sizes, counts)
    wanted = before + np.array([mean, variance])
    deviation = float(np.sqrt(before[1]))
    scaled = (sizes - before[0]) / deviation

    def weights(tilt: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(counts * np.exp(tilt[0] * scaled + tilt[1] * scaled**2))

    found = root(lambda tilt: (moments(sizes, weights(tilt)) - wanted) / (deviation, before[1]), np.zeros(2))
    if not found.success:
        raise ValueError(f"no tilt of the sizes gives a mean of {wanted[0]:.1f} and a variance of {wanted[1]:.1f}")
    share = weights(found.x)
    rounded = np.round(share / share.sum() * TOTAL).astype(int)
    return {size: max(1, count) for size, count in zip(histogram, rounded.tolist(), strict=True)}


def moments(sizes: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and variance of a histogram."""
    mean = np.average(sizes, weights=counts)
    return np.array([mean, np.average((sizes - mean) ** 2, weights=counts)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="a weights file or the name of shipped weights")
    parser.add_argument("--made", type=Path, required=True, help="check of molecules that they made")
    parser.add_argument("--like", type=Path, required=True, help="check of molecules of the training set")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    made, like = (read_rows(folder)["heavy_atoms"].dropna().to_numpy(float) for folder in (given.made, given.like))
    missing = (like.mean() - made.mean(), like.var() - made.var())
    model = load_model(weights_path(given.weights))
    sizes = tilted(model.statistics.sizes, *missing)
    save_model(replace(model, statistics=replace(model.statistics, sizes=sizes)), given.out)
    print(f"mean {missing[0]:+.2f}, variance {missing[1]:+.1f}; {given.out}: {load_model(given.out).checksum}")


if __name__ == "__main__":
    main()
