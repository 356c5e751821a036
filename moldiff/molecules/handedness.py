"""The handedness that is asked of an atom: on which side of two of its neighbours a third one is.

Four integers for each atom: a sign, 0 where nothing is asked, and three atoms a, b, c. The sign is that of the signed
volume (a − x) × (b − x) · (c − x), x being the atom itself, so a mirror image has the other one, and two named atoms
change places only together with the sign. An atom that names itself as the third one asks for the side on which its
new neighbour is to be, whichever atom that becomes.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

SOFT = 0.01
"""Added to squared distances, Å²: directions of atoms that are nearly at one place become short."""

Named = Int[Tensor, "molecule centre 4"]


def directions(
    pos: Float[Tensor, "molecule atom 3"], handedness: Named
) -> Float[Tensor, "molecule centre 3 component"]:
    """From each atom to the three that it names, each of length one; zero where it names itself.

    Args:
        pos: positions, Å.
        handedness: a row for each atom.
    """
    molecule = torch.arange(len(pos), device=pos.device)[:, None, None]
    away = pos[molecule, handedness[..., 1:]] - pos[:, :, None]
    return away * ((away * away).sum(-1, keepdim=True) + SOFT).rsqrt()


def normals(directions: Float[Tensor, "*place 3 component"]) -> Float[Tensor, "*place 3 component"]:
    """For each of three directions the cross product of the other two: the gradient of their signed volume."""
    return torch.linalg.cross(directions.roll(-1, -2), directions.roll(-2, -2))


def signed_volume(directions: Float[Tensor, "*place 3 component"]) -> Float[Tensor, "*place"]:
    """Of the parallelepiped of three directions, −1 to 1; about ±0.77 for tetrahedral angles, 0 in a plane."""
    first, *_ = directions.unbind(-2)
    return (first * normals(directions)[..., 0, :]).sum(-1)
