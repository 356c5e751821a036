"""Fréchet ChemNet distance: how far apart are two sets in the activations of a network that knows bioactivities?

Needs the package fcd (LGPL-3), which the extra ``moldiff[fcd]`` installs and which holds the network's weights, so
nothing is downloaded when it runs. It imports torch; this module does so only when it is called.
"""

import importlib.util
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from moldiff.errors import UserError

SMALLEST = 2
"""Fewest molecules that have a covariance."""


def require_fcd() -> None:
    """Make sure that fcd can be imported, without doing so.

    Raises:
        UserError: it is not installed.
    """
    if importlib.util.find_spec("fcd") is None:
        raise UserError(
            "the Fréchet ChemNet distance needs fcd, which is not installed; run: pip install 'moldiff[fcd]'"
        )


def activations(smiles: Sequence[str]) -> NDArray[np.float64]:
    """ChemNet's last hidden layer [N, 512] of canonical SMILES (Preuer et al., J. Chem. Inf. Model. 58, 1736, 2018).

    It runs on a GPU where torch finds one.

    Raises:
        UserError: fcd is not installed.
    """
    require_fcd()
    import fcd
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    predictions = fcd.get_predictions(fcd.load_ref_model(), list(smiles), n_jobs=0, device=device)
    return np.asarray(predictions, dtype=np.float64)


def frechet_distance(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Fréchet distance of the normal distributions fitted to two sets of activations [N, F] and [M, F].

    |m - m'|² + tr(C + C' - 2 (C C')^½); the root's trace is the sum of the square roots of the eigenvalues of the
    product, which are real and not negative.
    """
    between = left.mean(axis=0) - right.mean(axis=0)
    one, other = np.cov(left, rowvar=False), np.cov(right, rowvar=False)
    eigenvalues = np.linalg.eigvals(one @ other)
    root = np.sqrt(np.clip(eigenvalues.real, 0, None)).sum()
    return float(max(between @ between + np.trace(one) + np.trace(other) - 2 * root, 0.0))
