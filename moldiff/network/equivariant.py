"""Features of irreps other than scalars on atoms: linear maps, norms and tensor products that keep E(3) symmetry.

A feature is one tensor [molecule, atom, component, channel]: the components of each irrep of an `o3.Irreps` one after
the other, in e3nn's order and normalisation, each irrep with the same number of channels. e3nn itself keeps one flat
axis (irrep, channel, component); with the channels last, a linear map is one matrix product and a product of features
runs along contiguous memory. `tests/network/test_equivariant.py` holds each layer to e3nn's own.
"""

from collections.abc import Iterator

import torch
from e3nn import o3
from jaxtyping import Float
from torch import Tensor, nn

Features = Float[Tensor, "molecule atom component channel"]


def places(irreps: o3.Irreps) -> Iterator[tuple[o3.Irrep, slice]]:
    """Each irrep with the slice of its components."""
    start = 0
    for _, irrep in irreps:
        yield irrep, slice(start, start + irrep.dim)
        start += irrep.dim


def components(irreps: o3.Irreps) -> int:
    """Number of components of all irreps, each counted once."""
    return sum(irrep.dim for _, irrep in irreps)


def channels(irreps: o3.Irreps) -> int:
    """Number of channels of each irrep; 0 where there are no irreps.

    Raises:
        ValueError: the irreps do not all have the same number, or one of them occurs twice.
    """
    if len({irrep for _, irrep in irreps}) < len(irreps) or len({count for count, _ in irreps}) > 1:
        raise ValueError(f"{irreps}: every irrep must occur once, with the same number of channels as the others")
    return irreps[0].mul if len(irreps) else 0


def with_channels(irreps: o3.Irreps, count: int) -> o3.Irreps:
    """The same irreps with another number of channels each."""
    return o3.Irreps([(count, irrep) for _, irrep in irreps])


def natural(irreps: o3.Irreps) -> o3.Irreps:
    """Those of parity (−1)^l, which a direction's spherical harmonics have."""
    return o3.Irreps([(count, irrep) for count, irrep in irreps if irrep.p == (-1) ** irrep.l])


def spherical_harmonics(vectors: Float[Tensor, "*place 3"], irreps: o3.Irreps) -> Float[Tensor, "*place component"]:
    """Spherical harmonics of the vectors' directions in the natural irreps, component normalised; 0 for a zero vector.

    `o3.spherical_harmonics`, whose degrees above 0 are homogeneous, so that a zero vector needs no case of its own.
    """
    # normalised here: a norm over an axis of three costs many times this sum on CPU
    directions = vectors * ((vectors * vectors).sum(-1, keepdim=True) + 1e-12).rsqrt()
    degrees = [irrep.l for _, irrep in natural(irreps)]
    return o3.spherical_harmonics(degrees, directions, normalize=False, normalization="component")


class IrrepsLinear(nn.Module):
    """A linear map of channels for each irrep, the same for all of its components; no bias, as symmetry asks.

    `o3.Linear` in this module's layout, without its factor 1/√channels.

    Args:
        irreps_in: of the features that enter, each irrep with the same number of channels.
        irreps_out: of those that leave; an irrep that does not enter leaves as zeros.
    """

    def __init__(self, irreps_in: o3.Irreps, irreps_out: o3.Irreps) -> None:
        super().__init__()
        self.irreps_in, self.irreps_out = irreps_in, irreps_out
        slices, sizes = dict(places(irreps_in)), (channels(irreps_in), channels(irreps_out))
        self.slices = [slices[irrep] for _, irrep in irreps_out if irrep in slices]
        self.maps = nn.ModuleList(nn.Linear(*sizes, bias=False) for _ in self.slices)
        self.places_out = [at for irrep, at in places(irreps_out) if irrep in slices]

    def forward(
        self, features: Float[Tensor, "molecule atom component channels_in"]
    ) -> Float[Tensor, "molecule atom components_out channels_out"]:
        """The mapped features."""
        parts = [layer(features[:, :, at]) for layer, at in zip(self.maps, self.slices, strict=True)]
        if len(parts) == len(self.irreps_out):
            return parts[0] if len(parts) == 1 else torch.cat(parts, 2)
        result = features.new_zeros(*features.shape[:2], components(self.irreps_out), channels(self.irreps_out))
        for part, at in zip(parts, self.places_out, strict=True):
            result[:, :, at] = part
        return result

    def extra_repr(self) -> str:
        """What enters and what leaves."""
        return f"{self.irreps_in} -> {self.irreps_out}"


class IrrepsNorm(nn.Module):
    """Scales each irrep of an atom to unit root mean square, with a learned weight a channel and irrep."""

    def __init__(self, irreps: o3.Irreps) -> None:
        super().__init__()
        self.irreps = irreps
        self.weight = nn.Parameter(torch.ones(len(irreps), channels(irreps)))

    def forward(self, features: Features) -> Features:
        """The same shape; a feature of zeros stays zero."""
        parts = []
        for weight, (_, at) in zip(self.weight, places(self.irreps), strict=True):
            part = features[:, :, at]
            scale = ((part * part).mean((2, 3), keepdim=True) + 1e-4).rsqrt()
            parts.append(part * (scale * weight))
        return parts[0] if len(parts) == 1 else torch.cat(parts, 2)

    def extra_repr(self) -> str:
        """What enters and what leaves."""
        return f"{self.irreps} -> {self.irreps}"


class NodeProduct(nn.Module):
    """Tensor product of two features of the same atom, channel by channel (``uuu``), a weight a path and channel.

    Every path of irreps a × b → c that e3nn knows and whose three are among ``irreps`` is used, coupled by
    `o3.wigner_3j`; `o3.TensorProduct` in this module's layout. On atoms this costs N products, where a product on
    edges would cost N².

    Args:
        irreps: of both factors and of the product, without scalars, each with the same number of channels.
    """

    def __init__(self, irreps: o3.Irreps) -> None:
        super().__init__()
        self.irreps, slices = irreps, dict(places(irreps))
        self.paths = [
            (first, second, third)
            for first in slices
            for second in slices
            for third in first * second
            if third in slices
        ]
        self.slices = [tuple(slices[irrep] for irrep in path) for path in self.paths]
        for number, path in enumerate(self.paths):
            # float64 and cast when used: a network made in float32 is symmetric to 1e-9 after `double()` too
            coupling = o3.wigner_3j(*(irrep.l for irrep in path), dtype=torch.float64) * path[2].dim ** 0.5
            self.register_buffer(f"coupling{number}", coupling, persistent=False)
        # without paths there is nothing to learn, and DDP waits for the gradient of every parameter that asks for one
        self.weight = nn.Parameter(torch.full((len(self.paths), channels(irreps)), 0.5), requires_grad=bool(self.paths))

    def scalars(self, first: Features, second: Features) -> Float[Tensor, "molecule atom invariant"]:
        """The paths a × a → 0e: dot products, one an irrep and channel."""
        both = first * second
        parts = [both[:, :, at].sum(2) * irrep.dim**-0.5 for irrep, at in places(self.irreps)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, -1)

    def forward(
        self, first: Features, second: Features
    ) -> tuple[Float[Tensor, "molecule atom invariant"], Features | None]:
        """The scalars and, where paths lead to them, the features."""
        scalars = self.scalars(first, second)
        if not self.paths:
            return scalars, None
        result = torch.zeros_like(first)
        for number, (left, right, out) in enumerate(self.slices):
            coupling = getattr(self, f"coupling{number}").to(first)
            outer = first[:, :, left, None, :] * second[:, :, None, right, :] * self.weight[number]
            result[:, :, out] += torch.einsum("bnijc,ijk->bnkc", outer, coupling)
        return scalars, result

    def extra_repr(self) -> str:
        """What enters and what leaves."""
        scalars = o3.Irreps([(channels(self.irreps) * len(self.irreps), (0, 1))])
        reached = {third for _, _, third in self.paths}
        coupled = o3.Irreps([(count, irrep) for count, irrep in self.irreps if irrep in reached])
        return f"{self.irreps} x {self.irreps} -> {scalars + coupled}"
