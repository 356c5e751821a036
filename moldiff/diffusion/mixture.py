"""A random input of the denoiser, so that what is drawn in one step agrees (Di4C, Hayakawa et al. 2024, 2410.08709).

Given noisy molecules, a denoiser says of each place alone what it may be. Where a step is long, and a bond may be here
or there, drawing each place by itself makes two bonds or none. A denoiser that sees a random number beside the noisy
molecules is a mixture of such products, and a mixture knows that it is one or the other.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from moldiff.diffusion.guidance import Denoise

EVIDENCE = {"pos": 1.5}
"""Nats of an atom in one unit of a modality's loss: 1 for a mean cross entropy; of the mean squared error of three
components over their variance it is 3/2."""


def mixed(
    network: Callable[..., Any], latents: int, random: Generator, around: Callable[[Denoise], Denoise]
) -> Denoise:
    """The network with a latent value drawn for each molecule in each evaluation, all values alike.

    Args:
        network: takes the latent as its fourth argument.
        latents: how many values there are.
        random: of the draws.
        around: what else stands around the network; it sees one and the same draw within an evaluation.
    """

    def denoise(noisy: Any, levels: Any, previous: Any = None) -> Any:
        drawn = torch.randint(latents, (len(noisy),), generator=random, device=random.device).to(noisy.pos.device)

        def inner(state: Any, at: Any, before: Any = None) -> Any:
            return network(state, at, before, drawn)

        return around(inner)(noisy, levels, previous)

    return denoise


def responsibilities(
    losses: list[dict[str, Float[Tensor, " molecule"]]], atoms: Float[Tensor, " molecule"], floor: float
) -> Float[Tensor, "draw molecule"]:
    """How much each draw of the latent has to learn of a molecule: its share in the mixture's likelihood.

    The gradient of −log Σ_z p(molecule | z) is the sum of the draws' own gradients, weighted by these shares. A value
    that explains a molecule best takes most of it, and so the values part; a little goes to each, or one that explains
    nothing would learn nothing and still be drawn.

    Args:
        losses: of each draw the loss of each modality, a mean over atoms.
        atoms: of each molecule.
        floor: what is shared evenly.
    """
    nats = torch.stack(
        [sum((EVIDENCE.get(name, 1.0) * loss for name, loss in own.items()), torch.zeros_like(atoms)) for own in losses]
    )
    shares = (-nats.detach() * atoms).softmax(0)
    return (1 - floor) * shares + floor / len(losses)
