"""How a network sees the handedness that is asked of atoms (`moldiff.molecules.handedness`).

Everything else in a network is the same for a molecule and its mirror image. A sign that is asked for, times a signed
volume, is a scalar that says how far it is right; times a cross product it is a polar vector that says where to go.
Both hold for mirror images if their signs are turned over, and for no mirror image if they are not.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from moldiff.molecules.handedness import directions, normals, signed_volume

HIDDEN = 64
"""Hidden width."""
SEEN = 5
"""Inputs of a centre: its volume now and in the previous prediction, each also sharpened, and whether there is one."""
SHARP = 0.1
"""Volume at which it is settled on which side the third neighbour is."""
ROLES = 2
"""What an atom can be to a centre: the centre, or one of the three that it names."""


class ChiralEmbedding(nn.Module):
    """Adds to the scalars and vectors of atoms that something is asked of, and of those that these name.

    The output begins as zero, so that a network without this input goes on as it was.

    Args:
        scalars: channels of the atoms' scalars.
        vectors: channels of their vectors.
        condition: channels of the condition.
    """

    def __init__(self, scalars: int, vectors: int, condition: int) -> None:
        super().__init__()
        self.split = [scalars, 2 * ROLES * vectors]
        output = nn.Linear(HIDDEN, sum(self.split))
        self.layers = nn.Sequential(nn.Linear(SEEN + condition, HIDDEN), nn.SiLU(), output)
        nn.init.zeros_(output.weight)
        nn.init.zeros_(output.bias)

    def forward(
        self,
        handedness: Int[Tensor, "molecule atom 4"],
        entered: Float[Tensor, "molecule atom 3"],
        previous: Float[Tensor, "molecule atom 3"] | None,
        condition: Float[Tensor, "molecule condition"],
    ) -> tuple[Float[Tensor, "molecule atom scalar"], Float[Tensor, "molecule atom 3 vector"]]:
        """What is added to scalars, and the vectors.

        Args:
            handedness: what is asked.
            entered: the positions that the body takes, Å.
            previous: the positions that were predicted before, if they were.
            condition: of the molecules.
        """
        molecule, atom = handedness[..., 0].nonzero(as_tuple=True)
        sign = handedness[molecule, atom, :1].to(entered.dtype)
        seen: list[Tensor] = []
        pulls: list[Tensor] = []
        for pos in (entered, previous):
            if pos is None:
                seen.append(torch.zeros_like(sign).expand(-1, 2))
                pulls.append(entered.new_zeros(len(sign), 3, 3))
                continue
            own = directions(pos, handedness)[molecule, atom]
            right = sign * signed_volume(own)[:, None]
            seen.append(torch.cat([right, (right / SHARP).tanh()], 1))
            pulls.append(sign[:, :, None] * normals(own))
        seen.append(torch.full_like(sign, float(previous is not None)))
        made = self.layers(torch.cat([*seen, condition[molecule]], 1)).to(entered.dtype)
        scalars, weights = made.split(self.split, 1)
        own_weight, named_weight = weights.unflatten(1, (ROLES, len(pulls), -1)).unbind(1)
        pull = torch.stack(pulls, 1)  # [centre, source, named, component]
        named = torch.einsum("csnx,csv->cnxv", pull, named_weight)
        centre = -torch.einsum("csnx,csv->cxv", pull, own_weight)

        molecules, atoms = handedness.shape[:2]
        first = molecule * atoms
        vectors = entered.new_zeros(molecules * atoms, 3, named.shape[-1])
        vectors = vectors.index_add(0, first + atom, centre)
        vectors = vectors.index_add(0, (first[:, None] + handedness[molecule, atom, 1:]).flatten(), named.flatten(0, 1))
        added = entered.new_zeros(molecules * atoms, scalars.shape[1]).index_add(0, first + atom, scalars)
        return added.unflatten(0, (molecules, atoms)), vectors.unflatten(0, (molecules, atoms))
