"""The denoiser: noisy molecules in, a prediction of the clean ones out. E(3)-equivariant, atoms in any order.

A handedness that is asked of atoms is part of the input, and a mirror has to turn it over as well.
"""

from collections.abc import Sequence
from functools import partial

import torch
from e3nn import o3
from jaxtyping import Float, Int
from torch import Tensor, nn

from moldiff.config.network import NetworkOptions
from moldiff.molecules.batch import MoleculeBatch, Prediction, Vocabulary, centred
from moldiff.molecules.levels import Levels
from moldiff.molecules.properties import PropertyScale
from moldiff.molecules.space import MOLECULES, MoleculeSpace
from moldiff.network.body import Atoms, Body
from moldiff.network.chirality import ChiralEmbedding
from moldiff.network.embeddings import CONDITION, Embeddings
from moldiff.network.equivariant import channels
from moldiff.network.graph import CompleteGraph
from moldiff.network.heads import Heads
from moldiff.network.preconditioning import Preconditioning


class DenoisingNetwork(nn.Module):
    """A `moldiff.molecules.denoiser.Denoiser` that learns: embeddings, heads and preconditioning around a body.

    Args:
        options: kind, widths and depth.
        vocabulary: the categories.
        sigma_data: standard deviation of the data's centred coordinates, Å.
        body: the architecture, an `nn.Module`.
        properties: scales of the properties that it can be asked for, in the order of their columns.
        latents: values of the random input; 0 for a network without.
    """

    def __init__(
        self,
        options: NetworkOptions,
        vocabulary: Vocabulary,
        sigma_data: float,
        body: Body,
        properties: Sequence[PropertyScale] = (),
        latents: int = 0,
    ) -> None:
        super().__init__()
        self.options, self.vocabulary, self.sigma_data = options, vocabulary, sigma_data
        self.preconditioning = Preconditioning(sigma_data)
        widths = body.atom_channels, body.pair_channels, options.outer_hidden
        self.embeddings = Embeddings(vocabulary, *widths, properties, latents)
        self.body = body
        self.heads = Heads(vocabulary, *widths)
        vectors = channels(o3.Irreps(options.irreps)[1:])
        self.chirality = ChiralEmbedding(body.atom_channels, vectors, CONDITION) if options.chirality else None

    @property
    def space(self) -> MoleculeSpace:
        """What is noised: molecules themselves."""
        return MOLECULES

    @property
    def parts(self) -> dict[str, NetworkOptions]:
        """The options of each part, by the name that a weights file has for it."""
        return {"network": self.options}

    def forward(
        self,
        noisy: MoleculeBatch,
        levels: Levels,
        previous: Prediction | None = None,
        latent: Int[Tensor, " molecule"] | None = None,
    ) -> Prediction:
        """What are the clean molecules?

        Args:
            noisy: molecules at these noise levels.
            levels: noise level of each place.
            previous: the network's prediction at the levels before, if there is one (self-conditioning).
            latent: the value of each molecule's random input, for a network that has one; None shows it none.
        """
        mask, frame = noisy.mask, levels.frame(noisy.mask)
        graph = CompleteGraph.of(mask, noisy.pos.dtype, partial(_bonded, noisy, previous))
        framed = centred(noisy.pos, frame, mask)
        entered = self.preconditioning.enter(framed, levels.pos)
        scalars, pairs, condition = self.embeddings(noisy, levels, previous, entered, graph, latent)
        vectors = None
        if self.chirality is not None and noisy.handedness.shape[1]:
            before = None if previous is None else previous.pos
            own, vectors = self.chirality(noisy.handedness, entered, before, condition)
            scalars = scalars + own
        atoms, pairs = self.body(Atoms(scalars, entered, vectors), pairs, condition, graph)
        moved = self.preconditioning.leave(framed, atoms.pos - entered, levels.pos)
        clean = centred(moved, frame, mask)
        return Prediction(clean, *self.heads(atoms.scalars, pairs, clean, graph))


def _bonded(noisy: MoleculeBatch, previous: Prediction | None) -> Float[Tensor, "molecule pair"]:
    """How probable a bond of each pair is, where a body asks for it (`CompleteGraph.bonded`)."""
    noisily = (noisy.bond > 0).to(noisy.pos.dtype)
    return noisily if previous is None else torch.maximum(noisily, 1 - previous.bond.detach().softmax(-1)[..., 0])
