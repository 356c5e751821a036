"""An autoencoder learns to give molecules back, from latents with a little noise on them."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from moldiff.diffusion.process import Process
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.latents import LatentBatch, LatentLevels
from moldiff.network.autoencoder import Autoencoder
from moldiff.network.graph import length
from moldiff.training.objective import Drawn

ACCURACY = 0.1
"""Error of a position, Å, that weighs as much as one nat."""


class AutoencodingObjective(nn.Module):
    """The error of molecules that are encoded and decoded; an `moldiff.training.objective.Objective`.

    Each molecule's latents get noise of a standard deviation between zero and the largest, evenly. There is no other
    bound on what they hold (no divergence from a prior): their scale is fixed by the encoder, and the noise decides how
    fine a difference can be.

    Args:
        network: the autoencoder.
        process: of molecules, whose modalities say what the error of a category is.
        bonded: weight of the error of bonded distances.
    """

    def __init__(self, network: Autoencoder, process: Process, bonded: float) -> None:
        super().__init__()
        self.network, self.process, self.bonded = network, process, bonded
        self.latents = Process.of_latents(network.sigma_data, network.options.channels)

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each loss."""
        return {"pos": 1.0, "distance": self.bonded, "element": 1.0, "charge": 1.0, "bond": 1.0}

    def draw(self, clean: MoleculeBatch, random: Generator, part: slice) -> Drawn:
        """The molecules of the part, the noise on their latents and its level; see `Objective`."""
        molecules, described = self.network.arranged(clean), self.network.options
        sigma = described.noise * torch.rand(len(molecules), generator=random)
        nodes = molecules.mask[:, :: described.group]
        still = LatentBatch.blank(nodes, described.channels, group=described.group)
        noise = self.latents.corrupt(still, LatentLevels.of(sigma, still), random)
        return Drawn(len(clean), (*(each.map(lambda tensor: tensor[part]) for each in (molecules, noise)), sigma[part]))

    def forward(self, drawn: Drawn) -> dict[str, Tensor]:
        """The loss of each modality and of bonded distances of the part; see `Objective`."""
        like = next(self.network.parameters())
        molecules, noise, sigma = (each.to(like.device, like.dtype) for each in drawn.content)
        latents = self.network.encode(molecules)
        noisy = latents.replace(pos=latents.pos + noise.pos, feature=latents.feature + noise.feature)
        predicted = self.network.decode(noisy, sigma)
        return self._losses(predicted, molecules)

    def _losses(self, predicted: Prediction, clean: MoleculeBatch) -> dict[str, Tensor]:
        atoms = clean.sizes.to(predicted.pos.dtype)
        error = ((predicted.pos - clean.pos) ** 2).mean(2).masked_fill(~clean.mask, 0).sum(1)
        losses = {"pos": error / atoms / ACCURACY**2, "distance": stretched(predicted.pos, clean) / ACCURACY**2}
        for name in ("element", "charge", "bond"):
            places, modality = clean.places(name), self.process.modalities[name]
            everywhere = places.to(predicted.pos.dtype)  # a level above 0: no place is given
            losses[name] = modality.loss(getattr(predicted, name), getattr(clean, name), places, everywhere)
        return losses


def stretched(pos: Float[Tensor, "molecule atom 3"], clean: MoleculeBatch) -> Float[Tensor, " molecule"]:
    """Squared error of the bonded distances, Å², summed over the bonds and divided by the number of atoms."""
    pairs, bonded = clean.pairs, clean.bond > 0
    made, true = (length(each[:, pairs.row] - each[:, pairs.column]) for each in (pos, clean.pos))
    return ((made - true) ** 2).masked_fill(~bonded, 0).sum(1) / clean.sizes.to(pos.dtype)
