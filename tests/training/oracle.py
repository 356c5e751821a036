"""A network whose error is known, for objectives that need one with a parameter."""

import torch
from torch import nn

from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.levels import Levels
from tests.diffusion.test_process import exact_prediction


class Oracle(nn.Module):
    """Says of every molecule that it is the known one."""

    def __init__(self, known: MoleculeBatch) -> None:
        super().__init__()
        self.known, self.anchor = known, nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        exact = exact_prediction(self.known)
        return Prediction(exact.pos + self.anchor, exact.element, exact.charge, exact.bond)
