"""Functions of a distance that pairs are described by."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

FLAT = 50.0
"""Largest exponent; exp(−50) is nothing, but exp(−90) is a denormal number, with which processors are slow."""


class RadialBasis(nn.Module):
    """Gaussians of a distance, dense below 4 Å, where bonds and angles are decided.

    Args:
        channels: number of Gaussians; three quarters have their centre below 4 Å, the last one at ``reach``.
        reach: largest centre, Å; distances beyond it saturate.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, channels: int = 24, reach: float = 16.0) -> None:
        super().__init__()
        near = channels * 3 // 4
        centre = torch.cat(
            [
                torch.linspace(0.4, 4.0, near),
                torch.logspace(2, torch.log2(torch.tensor(reach)).item(), channels - near + 1, 2.0)[1:],
            ]
        )
        width = torch.diff(centre, append=2 * centre[-1:] - centre[-2:-1])
        self.register_buffer("scale", 0.5**0.5 / width, persistent=False)
        self.register_buffer("shift", -centre * 0.5**0.5 / width, persistent=False)
        self.channels, self.reach = channels, reach

    def forward(self, distance: Float[Tensor, "molecule pair"]) -> Float[Tensor, "molecule pair channel"]:
        """Values between 0 and 1."""
        scaled = torch.addcmul(self.shift, distance.clamp_max(self.reach)[:, :, None], self.scale)
        return (-(scaled * scaled).clamp_max(FLAT)).exp()
