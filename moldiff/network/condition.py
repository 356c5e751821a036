"""How a network sees the properties that molecules are asked for."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from moldiff.molecules.properties import PropertyScale

WAVES = 8
"""Cosines of a rank: the fastest has a half period of an eighth of the training set."""


class PropertyEmbedding(nn.Module):
    """Property values -> channels that are added to the embedding of the noise level.

    Each property enters with a mark of whether it is known; a number as its rank and cosines of it, a category as one
    of its classes. The output begins as zero, so that a network without properties goes on as it was.

    Args:
        scales: of the properties, in the order of their columns.
        channels: of the output.
    """

    def __init__(self, scales: Sequence[PropertyScale], channels: int) -> None:
        super().__init__()
        self.categories = tuple(len(scale.categories) for scale in scales)
        features = sum(1 + (categories or 1 + WAVES) for categories in self.categories)
        output = nn.Linear(2 * channels, channels)
        self.layers = nn.Sequential(nn.Linear(features, 2 * channels), nn.SiLU(), output)
        nn.init.zeros_(output.weight)
        nn.init.zeros_(output.bias)

    def forward(self, properties: Float[Tensor, "molecule property"]) -> Float[Tensor, "molecule channel"]:
        """What the layers are modulated by; zero for a molecule of which nothing is known."""
        known = properties.isfinite()
        values = properties.nan_to_num()
        parts = []
        for column, categories in enumerate(self.categories):
            value, mark = values[:, column], known[:, column, None].to(values.dtype)
            if categories:
                features = functional.one_hot(value.long(), categories).to(values.dtype)
            else:
                waves = torch.arange(1, WAVES + 1, device=value.device, dtype=value.dtype) * math.pi
                features = torch.cat([value[:, None], (value[:, None] * waves).cos()], 1)
            parts += [mark, features * mark]
        return self.layers(torch.cat(parts, 1)) * known.any(1, keepdim=True)
