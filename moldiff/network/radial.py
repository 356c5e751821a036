"""Functions of a distance that pairs are described by."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class RadialBasis(nn.Module):
    """Gaussians of a distance, dense below 4 Å, where bonds and angles are decided.

    Args:
        channels: number of Gaussians; three quarters have their centre below 4 Å, the last one at ``reach``.
        reach: largest centre, Å; distances beyond it saturate.
    """

    centre: Tensor
    inverse_width: Tensor

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
        self.register_buffer("centre", centre, persistent=False)
        self.register_buffer("inverse_width", 1 / width, persistent=False)
        self.channels = channels

    def forward(self, distance: Float[Tensor, "molecule pair"]) -> Float[Tensor, "molecule pair channel"]:
        """Values between 0 and 1."""
        scaled = (distance.clamp_max(self.centre[-1])[:, :, None] - self.centre) * self.inverse_width
        return (-0.5 * scaled * scaled).exp()
