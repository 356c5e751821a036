"""That a network learns: what every body has to show."""

import torch

from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.levels import Levels
from moldiff.network.denoiser import DenoisingNetwork
from tests import tiny


def assert_learns(network: DenoisingNetwork, clean: MoleculeBatch) -> None:
    """Thirty steps on three molecules with the same noise halve the loss."""
    process = tiny.process()
    levels, losses = Levels.of(tiny.levels(0.3, 0.5, 0.7), clean), []
    noisy = process.corrupt(clean, levels, tiny.seeded(1))
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(30):
        loss = process.total(process.loss(network(noisy, levels), clean, levels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
