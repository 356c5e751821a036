"""The loss on held-out molecules: always the same ones with the same noise."""

import torch
from torch import Generator, nn

from moldiff.dataset.loader import MoleculeLoader
from moldiff.seeds import Stream, stream_seed
from moldiff.training.objective import Objective, weighted

MOLECULES = 512
"""Held-out molecules of which the validation loss is the mean, at most twice as many."""


@torch.no_grad()
def validation_loss(objective: nn.Module, loader: MoleculeLoader, batch_size: int, seed: int) -> float:
    """The weighted loss, mean over molecules.

    Args:
        objective: holds the network that is followed.
        loader: the held-out molecules, one at least.
        batch_size: molecules of a batch.
        seed: of the training.
    """
    assert isinstance(objective, Objective)
    random = Generator().manual_seed(stream_seed(seed, Stream.VALIDATION))
    chosen = torch.arange(len(loader))[:: max(1, len(loader) // MOLECULES)]
    chosen = chosen[loader.sizes[chosen].argsort(stable=True)]
    total = 0.0
    for indices in chosen.split(batch_size):
        losses = objective(objective.draw(loader.gather(indices), random, slice(None)))
        total += float(weighted(objective.weights, {name: loss.sum() for name, loss in losses.items()}))
    return total / len(chosen)
