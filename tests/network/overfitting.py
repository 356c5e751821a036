"""A few molecules learned by heart, for tests of what an autoencoder gives back."""

import torch

from moldiff.molecules.batch import MoleculeBatch
from moldiff.network.autoencoder import Autoencoder
from moldiff.training.autoencoding import AutoencodingObjective
from moldiff.training.objective import weighted
from tests import tiny


def overfit(network: Autoencoder, clean: MoleculeBatch, steps: int) -> list[float]:
    """Train the network on nothing but these molecules; the loss of each step."""
    objective = AutoencodingObjective(network, tiny.process(), 10.0)
    optimizer, losses = torch.optim.Adam(network.parameters(), 5e-3), []
    for step in range(steps):
        optimizer.zero_grad()
        made = tiny.losses(objective, clean, tiny.seeded(step), slice(None))
        loss = weighted(objective.weights, {name: each.mean() for name, each in made.items()})
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses
