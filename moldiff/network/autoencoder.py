"""Molecules to latents and back: vectors and a few invariant numbers, of each atom or of a few. E(3)-equivariant."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from moldiff.config.autoencode import AutoencoderOptions
from moldiff.molecules.batch import MoleculeBatch, Prediction, Vocabulary, centred
from moldiff.molecules.grouping import arranged, grouped, with_empty
from moldiff.molecules.latents import LatentBatch
from moldiff.molecules.levels import Levels
from moldiff.molecules.space import MOLECULES, LatentSpace, MoleculeSpace
from moldiff.network.body import Atoms, Body
from moldiff.network.embeddings import Embeddings
from moldiff.network.graph import EPSILON, CompleteGraph
from moldiff.network.heads import Heads
from moldiff.network.latent_embeddings import LatentEmbeddings


class Autoencoder(nn.Module):
    """An encoder and a decoder of two bodies of the same kind; the decoder is told how noisy the latents are.

    The scale of the latents is fixed, or the encoder would drown the noise in large numbers: vectors spread about their
    mean as the positions of their molecule do, and the mean square of a node's invariant numbers is 1.

    With groups of atoms a node has a slot for each of its atoms, of which some are empty: placeholders, as `arranged`
    gives them and the decoder, which works on all slots, predicts them. The state of a node's atoms becomes one row of
    numbers, and this a row for each of its slots, which tells the slots apart.

    An atom that others of its molecule equal by symmetry has the invariant numbers that these have. What still tells
    them apart, such as which neighbour in a ring has the double bond, is in the vectors, which the encoder moves.

    Args:
        options: kind, widths and depth, and the size of the latent space.
        vocabulary: the categories.
        sigma_data: standard deviation of the data's centred coordinates, Å, and so of the vectors.
        encoder, decoder: the architecture, `nn.Module`s.
    """

    def __init__(
        self, options: AutoencoderOptions, vocabulary: Vocabulary, sigma_data: float, encoder: Body, decoder: Body
    ) -> None:
        super().__init__()
        self.options, self.vocabulary, self.sigma_data = options, vocabulary, sigma_data
        widths = encoder.atom_channels, encoder.pair_channels, options.network.outer_hidden
        self.embeddings = Embeddings(vocabulary, *widths)
        self.encoder = encoder
        self.feature = nn.Linear(options.group * encoder.atom_channels, options.channels)
        self.unpool = nn.Linear(options.channels, options.group * options.channels) if options.group > 1 else None
        self.latent_embeddings = LatentEmbeddings(options.channels, *widths)
        self.decoder = decoder
        self.heads = Heads(vocabulary, *widths)

    @property
    def space(self) -> MoleculeSpace:
        """What it learns from."""
        return MOLECULES

    @property
    def latent_space(self) -> LatentSpace:
        """What it makes of molecules, as a process takes it."""
        return LatentSpace(self.options.channels, self.latents, self.molecules, self.options.group)

    @property
    def parts(self) -> dict[str, AutoencoderOptions]:
        """The options of each part, by the name that a weights file has for it."""
        return {"autoencoder": self.options}

    def arranged(self, molecules: MoleculeBatch) -> MoleculeBatch:
        """The molecules with each atom in its slot (see `grouping`); themselves where a node is an atom."""
        group = self.options.group
        if group == 1:
            return molecules
        return arranged(molecules, grouped(molecules, group), group, self.vocabulary)

    def encode(self, molecules: MoleculeBatch) -> LatentBatch:
        """The latents of clean molecules that are `arranged`; the vector of an empty slot is its node's mean."""
        slots, group, channels = molecules.mask, self.options.group, self.options.channels
        # empty slots of a node are alike and in one place, where a network can only amplify the rounding
        molecules = molecules.replace(mask=slots & (molecules.element < len(self.vocabulary.elements)))
        mask, framed = molecules.mask, centred(molecules.pos, molecules.mask)
        graph = CompleteGraph.of(mask, framed.dtype, lambda: (molecules.bond > 0).to(framed.dtype))
        levels = Levels.of(framed.new_zeros(len(mask)), molecules)
        scalars, pairs, condition = self.embeddings(molecules, levels, None, framed, graph)
        atoms, _ = self.encoder(Atoms(scalars, framed), pairs, condition, graph)
        vectors = centred(atoms.pos, mask)
        spread = ((_squares(framed) + EPSILON) / (_squares(vectors) + EPSILON)).sqrt()
        vectors = centred(with_empty(vectors * spread, mask, group), slots)
        of_slots = atoms.scalars * mask[:, :, None]
        feature = functional.layer_norm(self.feature(of_slots.unflatten(1, (-1, group)).flatten(2)), (channels,))
        real = slots[:, ::group]
        return LatentBatch(vectors, feature * real[:, :, None], real)

    @torch.no_grad()
    def latents(self, molecules: MoleculeBatch) -> LatentBatch:
        """The latents of clean molecules, where the molecules are and in their precision; nothing learns from them."""
        like = self.feature.weight
        made = self.encode(self.arranged(molecules.to(like.device, like.dtype)))
        return made.to(molecules.pos.device, molecules.pos.dtype)

    def decode(self, latents: LatentBatch, sigma: Float[Tensor, " molecule"]) -> Prediction:
        """What molecules, as `arranged`, these are the latents of.

        Args:
            latents: of molecules, perhaps with noise.
            sigma: standard deviation of the noise on each molecule's, Å.
        """
        mask = latents.slots
        vectors, feature = centred(latents.pos, mask), latents.feature
        if self.unpool is not None:
            feature = self.unpool(feature).unflatten(2, (self.options.group, -1)).flatten(1, 2)
        graph = CompleteGraph.of(mask, vectors.dtype)
        scalars, pairs, condition = self.latent_embeddings(feature, sigma, None, vectors, graph)
        atoms, pairs = self.decoder(Atoms(scalars, vectors), pairs, condition, graph)
        clean = centred(atoms.pos, mask)
        return Prediction(clean, *self.heads(atoms.scalars, pairs, clean, graph))

    def molecules(self, latents: LatentBatch) -> MoleculeBatch:
        """The molecules of latents that a denoiser made: the likeliest class of each place.

        They are decoded as if they had half of the largest noise that the decoder learned from.
        """
        level = latents.pos.new_full((len(latents),), self.options.noise / 2)
        return self.decode(latents, level).likeliest(latents.slots)

    def forward(self, molecules: MoleculeBatch) -> Prediction:
        """The molecules, `arranged`, encoded and decoded without noise."""
        return self.decode(self.encode(self.arranged(molecules)), molecules.pos.new_zeros(len(molecules)))


def _squares(pos: Float[Tensor, "molecule atom 3"]) -> Float[Tensor, "molecule 1 1"]:
    return torch.sum(pos * pos, (1, 2), keepdim=True)
