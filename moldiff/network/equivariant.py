"""Features of degree l ≥ 1 on atoms: linear maps, norms and tensor products that keep E(3) symmetry.

A feature of all degrees 1..L is one tensor [molecule, atom, component, channel], its components the 2l + 1 of each
degree one after the other, in the order and normalisation of ``e3nn.o3.spherical_harmonics``. Parity is natural,
(−1)^l, so the maps respect reflections as well as rotations.
"""

from collections.abc import Iterator

import torch
from e3nn import o3
from jaxtyping import Float
from torch import Tensor, nn

Features = Float[Tensor, "molecule atom component channel"]


def degrees(highest: int) -> Iterator[tuple[int, slice]]:
    """Each degree from 1 to the highest with the slice of its components."""
    for degree in range(1, highest + 1):
        start = degree * degree - 1
        yield degree, slice(start, start + 2 * degree + 1)


def components(highest: int) -> int:
    """Number of components of all degrees from 1 to the highest."""
    return (highest + 1) ** 2 - 1


def spherical_harmonics(
    vectors: Float[Tensor, "molecule atom atom 3"], highest: int
) -> Float[Tensor, "molecule atom atom component"]:
    """Spherical harmonics of degrees 1..highest of the vectors' directions; zero for a zero vector."""
    # normalised here: a norm over an axis of three costs many times this sum on CPU
    directions = vectors * ((vectors * vectors).sum(-1, keepdim=True) + 1e-12).rsqrt()
    if highest == 1:
        return directions * 3**0.5  # what e3nn returns, without the cost of its general code
    irreps = [degree for degree, _ in degrees(highest)]
    return o3.spherical_harmonics(irreps, directions, normalize=False, normalization="component")


class DegreeLinear(nn.Module):
    """A linear map of channels for each degree, the same for all components of a degree: no bias, as symmetry asks.

    ``Cx1o + Cx2e + ... -> Dx1o + Dx2e + ...``, the map of ``e3nn.o3.Linear`` in this module's layout.
    """

    def __init__(self, channels_in: int, channels_out: int, highest: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(channels_in, channels_out, bias=False) for _ in range(highest))
        self.highest = highest

    def forward(
        self, features: Float[Tensor, "molecule atom component channels_in"]
    ) -> Float[Tensor, "molecule atom component channels_out"]:
        """[..., component, channels_in] to [..., component, channels_out]."""
        if self.highest == 1:
            return self.maps[0](features)
        parts = [layer(features[:, :, at]) for layer, (_, at) in zip(self.maps, degrees(self.highest), strict=True)]
        return torch.cat(parts, 2)


class DegreeNorm(nn.Module):
    """Scales each degree of an atom to unit root mean square, with a learned weight a channel and degree."""

    def __init__(self, channels: int, highest: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(highest, channels))
        self.highest = highest

    def forward(self, features: Features) -> Features:
        """The same shape; a feature of zeros stays zero."""
        parts = []
        for weight, (_, at) in zip(self.weight, degrees(self.highest), strict=True):
            part = features[:, :, at]
            scale = ((part * part).mean((2, 3), keepdim=True) + 1e-4).rsqrt()
            parts.append(part * (scale * weight))
        return parts[0] if len(parts) == 1 else torch.cat(parts, 2)


class NodeProduct(nn.Module):
    """Tensor product of two features of the same atom, channel by channel (``uuu``), a weight a path and channel.

    Every path l₁ × l₂ → l₃ of natural parity (l₁ + l₂ + l₃ even) within the highest degree is used, coupled by
    ``e3nn.o3.wigner_3j``. On atoms this costs N products, where a product on edges would cost N².
    """

    def __init__(self, channels: int, highest: int) -> None:
        super().__init__()
        slices = dict(degrees(highest))
        self.paths = [
            (slices[first], slices[second], slices[third])
            for first in slices
            for second in slices
            for third in slices
            if abs(first - second) <= third <= first + second and (first + second + third) % 2 == 0
        ]
        for number, (first, second, third) in enumerate(self.paths):
            sizes = [(at.stop - at.start - 1) // 2 for at in (first, second, third)]
            # float64 and cast when used: a network made in float32 is symmetric to 1e-9 after `double()` too
            coupling = o3.wigner_3j(*sizes, dtype=torch.float64) * (2 * sizes[2] + 1) ** 0.5
            self.register_buffer(f"coupling{number}", coupling, persistent=False)
        # without paths there is nothing to learn, and DDP waits for the gradient of every parameter that asks for one
        self.weight = nn.Parameter(torch.full((len(self.paths), channels), 0.5), requires_grad=bool(self.paths))
        self.highest = highest

    def scalars(self, first: Features, second: Features) -> Float[Tensor, "molecule atom invariant"]:
        """The products l × l → 0: dot products, one a degree and channel."""
        both = first * second
        parts = [both[:, :, at].sum(2) * (at.stop - at.start) ** -0.5 for _, at in degrees(self.highest)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, -1)

    def forward(
        self, first: Features, second: Features
    ) -> tuple[Float[Tensor, "molecule atom invariant"], Features | None]:
        """The scalars and, where paths lead to them, the features of degree ≥ 1."""
        scalars = self.scalars(first, second)
        if not self.paths:
            return scalars, None
        result = torch.zeros_like(first)
        for number, (left, right, out) in enumerate(self.paths):
            coupling = getattr(self, f"coupling{number}").to(first)
            outer = first[:, :, left, None, :] * second[:, :, None, right, :] * self.weight[number]
            result[:, :, out] += torch.einsum("bnijc,ijk->bnkc", outer, coupling)
        return scalars, result
