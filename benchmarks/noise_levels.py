"""The denoising loss of weights at single noise levels and sizes: which network is better, where, and from what size.

    python -m benchmarks.noise_levels dataset transformer/model.safetensors unet/model.safetensors --sizes 60 90 120 160

Held-out molecules of a featurized set are noised to each level, with the same noise for all weights, and the training's
loss of each is taken, which says more of weights that were trained briefly than molecules of which none is whole.
Printed are its mean, its part for positions (in units of the weighted loss), and the difference from the first weights,
molecule by molecule, with its standard error.
"""

import argparse
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import open_dataset
from moldiff.diffusion.process import Process
from moldiff.errors import UserError
from moldiff.models.checkpoint import load_model
from moldiff.molecules.batch import MoleculeBatch
from moldiff.training.malloc import keep_large_buffers
from moldiff.training.objective import Noised, weighted


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("weights", nargs="+", type=Path, help="of denoisers of the same elements and charges")
    parser.add_argument("--split", default="valid", choices=["train", "valid", "test"])
    parser.add_argument("--limit", type=int, default=200, help="molecules at most, evenly from the split")
    parser.add_argument("--sigma", type=float, nargs="+", default=[0.1, 0.3, 1.0, 3.0], help="noise levels, Å")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 100_000], help="limits between groups of sizes")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_large_buffers()
    models = [load_model(path) for path in arguments.weights]
    vocabulary = models[0].network.vocabulary
    if any(model.network.vocabulary != vocabulary for model in models):
        raise UserError("the weights know different elements or charges; train them on one dataset")
    loader = MoleculeLoader.of(open_dataset(arguments.dataset), arguments.split, vocabulary, known_only=True)
    chosen = torch.arange(len(loader))[:: max(1, len(loader) // arguments.limit)][: arguments.limit]
    chosen = chosen[loader.sizes[chosen].argsort(stable=True)]
    sizes = loader.sizes[chosen]
    batches = [loader.gather(indices) for indices in chosen.split(arguments.batch_size)]
    print("| σ, Å | atoms | molecules | weights | loss | of positions | difference from the first |")
    print("| --- " * 7 + "|")
    for sigma in arguments.sigma:
        # the process of the first: another's weights of the parts would make losses that cannot be compared
        found = [losses(model.network, models[0].process, batches, sigma, arguments.seed) for model in models]
        for low, high in pairwise(arguments.sizes):
            own = (sizes >= low) & (sizes < high)
            for path, (total, positions) in zip(arguments.weights, found, strict=True):
                cells = [f"{sigma:g}", f"{low}-{high - 1}", str(int(own.sum())), path.parent.name or path.stem]
                cells += [f"{float(total[own].mean()):.3f}", f"{float(positions[own].mean()):.3f}"]
                print(f"| {' | '.join([*cells, _difference(total[own] - found[0][0][own])])} |", flush=True)


@torch.no_grad()
def losses(
    network: Callable[..., Any], process: Process, batches: Sequence[MoleculeBatch], sigma: float, seed: int
) -> tuple[Float[Tensor, " molecule"], Float[Tensor, " molecule"]]:
    """The weighted loss of each molecule at a noise level, Å, and its part of the positions; the network sees itself.

    Args:
        network: a denoiser.
        process: of the noise.
        batches: clean molecules.
        sigma: the noise level, Å.
        seed: of the noise, which depends on it and on the batch's place alone.
    """
    totals, positions = [], []
    for number, batch in enumerate(batches):
        random = Generator().manual_seed(seed * len(batches) + number)
        noised = Noised.of(batch, process, torch.full((len(batch),), sigma), None, random)
        parts = noised.losses(network, process, twice=True)
        totals.append(weighted(process.weights, parts))
        positions.append(process.weights["pos"] * parts["pos"])
    return torch.cat(totals), torch.cat(positions)


def _difference(values: Float[Tensor, " molecule"]) -> str:
    if not values.any():
        return ""
    return f"{float(values.mean()):+.3f} ± {float(values.std()) / len(values) ** 0.5:.3f}"


if __name__ == "__main__":
    main()
