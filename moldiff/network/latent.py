"""The denoiser in the latent space of an autoencoder: noisy latents in, a prediction of the clean ones out."""

from e3nn import o3
from jaxtyping import Float
from torch import Tensor, nn

from moldiff.config.autoencode import AutoencoderOptions
from moldiff.config.network import NetworkOptions
from moldiff.molecules.batch import Vocabulary, centred
from moldiff.molecules.latents import LatentBatch, LatentLevels, LatentPrediction
from moldiff.molecules.space import LatentSpace
from moldiff.network.autoencoder import Autoencoder
from moldiff.network.body import Atoms, Body
from moldiff.network.equivariant import channels as channels_of
from moldiff.network.graph import CompleteGraph
from moldiff.network.latent_embeddings import LatentEmbeddings
from moldiff.network.preconditioning import Preconditioning


class Slots(nn.Module):
    """Between the slots of a node and what a body takes: a centre, which moves, and vectors from there.

    Args:
        group: slots of a node.
        vectors: channels of a body's vectors.
    """

    def __init__(self, group: int, vectors: int) -> None:
        super().__init__()
        self.group = group
        self.entering = nn.Linear(group, vectors, bias=False)
        self.leaving = nn.Linear(vectors, group, bias=False)
        nn.init.zeros_(self.leaving.weight)

    def enter(self, scalars: Float[Tensor, "molecule node channel"], pos: Float[Tensor, "molecule slot 3"]) -> Atoms:
        """The nodes: each at the mean of its slots, with vectors to them."""
        slots = pos.unflatten(1, (-1, self.group))
        centre = slots.mean(2)
        return Atoms(scalars, centre, self.entering((slots - centre[:, :, None]).transpose(2, 3)))

    def moves(self, before: Atoms, after: Atoms) -> Float[Tensor, "molecule slot 3"]:
        """How far a body moves each slot: with its node, and by the node's vectors."""
        if after.vectors is None:
            raise ValueError("a latent space of several atoms a node needs a body whose vectors leave it")
        own = self.leaving(after.vectors).transpose(2, 3)
        return ((after.pos - before.pos)[:, :, None] + own).flatten(1, 2)


class LatentNetwork(nn.Module):
    """Noisy latents in, a prediction of the clean ones out, around a body as `DenoisingNetwork` is.

    It holds the autoencoder, which does not learn any more, so that one file of weights makes molecules.

    Args:
        options: kind, widths and depth of the denoiser.
        autoencoder: whose latents are denoised.
        body: the architecture, an `nn.Module`.
    """

    def __init__(self, options: NetworkOptions, autoencoder: Autoencoder, body: Body) -> None:
        super().__init__()
        self.options, self.autoencoder = options, autoencoder.requires_grad_(False)
        channels, group = autoencoder.options.channels, autoencoder.options.group
        self.of_vectors, self.of_features = Preconditioning(autoencoder.sigma_data), Preconditioning(1.0)
        widths = body.atom_channels, body.pair_channels, options.outer_hidden
        self.embeddings = LatentEmbeddings(channels, *widths, group)
        self.body = body
        self.norm = nn.LayerNorm(body.atom_channels)
        self.feature = nn.Linear(body.atom_channels, channels)
        nn.init.zeros_(self.feature.weight)
        nn.init.zeros_(self.feature.bias)
        self.slots = Slots(group, channels_of(o3.Irreps(options.irreps)[1:])) if group > 1 else None

    @property
    def vocabulary(self) -> Vocabulary:
        """The categories that the autoencoder knows."""
        return self.autoencoder.vocabulary

    @property
    def sigma_data(self) -> float:
        """Standard deviation of the centred vectors, Å."""
        return self.autoencoder.sigma_data

    @property
    def space(self) -> LatentSpace:
        """The autoencoder's latent space."""
        return self.autoencoder.latent_space

    @property
    def parts(self) -> dict[str, NetworkOptions | AutoencoderOptions]:
        """The options of each part, by the name that a weights file has for it."""
        return {"network": self.options, "autoencoder": self.autoencoder.options}

    def forward(
        self, noisy: LatentBatch, levels: LatentLevels, previous: LatentPrediction | None = None
    ) -> LatentPrediction:
        """What are the clean latents?

        Args:
            noisy: latents at these noise levels.
            levels: noise level of each place.
            previous: the network's prediction at the levels before, if there is one (self-conditioning).
        """
        mask, slots = noisy.mask, noisy.slots
        graph = CompleteGraph.of(mask, noisy.pos.dtype)
        framed = centred(noisy.pos, slots)
        entered = self.of_vectors.enter(framed, levels.pos)
        features = self.of_features.enter(noisy.feature, levels.feature)
        scalars, pairs, condition = self.embeddings(features, levels.highest, previous, entered, graph)
        nodes = Atoms(scalars, entered) if self.slots is None else self.slots.enter(scalars, entered)
        atoms, _ = self.body(nodes, pairs, condition, graph)
        move = atoms.pos - nodes.pos if self.slots is None else self.slots.moves(nodes, atoms)
        moved = self.of_vectors.leave(framed, move, levels.pos)
        change = self.feature(self.norm(atoms.scalars))
        feature = self.of_features.leave(noisy.feature, change, levels.feature)
        return LatentPrediction(centred(moved, slots), feature * mask[:, :, None])

    def extra_repr(self) -> str:
        """What enters and leaves for each node."""
        irreps = f"{self.autoencoder.options.group}x1o + {self.autoencoder.options.channels}x0e"
        return f"{irreps} -> {irreps}"
