"""The denoiser in the latent space of an autoencoder: noisy latents in, a prediction of the clean ones out."""

from torch import nn

from moldiff.config.autoencode import AutoencoderOptions
from moldiff.config.network import NetworkOptions
from moldiff.molecules.batch import Vocabulary, centred
from moldiff.molecules.latents import LatentBatch, LatentLevels, LatentPrediction
from moldiff.molecules.space import LatentSpace
from moldiff.network.autoencoder import Autoencoder
from moldiff.network.body import Atoms, Body
from moldiff.network.graph import CompleteGraph
from moldiff.network.latent_embeddings import LatentEmbeddings
from moldiff.network.preconditioning import Preconditioning


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
        channels = autoencoder.options.channels
        self.of_vectors, self.of_features = Preconditioning(autoencoder.sigma_data), Preconditioning(1.0)
        self.embeddings = LatentEmbeddings(channels, body.atom_channels, body.pair_channels, options.outer_hidden)
        self.body = body
        self.norm = nn.LayerNorm(body.atom_channels)
        self.feature = nn.Linear(body.atom_channels, channels)
        nn.init.zeros_(self.feature.weight)
        nn.init.zeros_(self.feature.bias)

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
        mask = noisy.mask
        graph = CompleteGraph.of(mask, noisy.pos.dtype)
        framed = centred(noisy.pos, mask)
        entered = self.of_vectors.enter(framed, levels.pos)
        features = self.of_features.enter(noisy.feature, levels.feature)
        scalars, pairs, condition = self.embeddings(features, levels.highest, previous, entered, graph)
        atoms, _ = self.body(Atoms(scalars, entered), pairs, condition, graph)
        moved = self.of_vectors.leave(framed, atoms.pos - entered, levels.pos)
        change = self.feature(self.norm(atoms.scalars))
        feature = self.of_features.leave(noisy.feature, change, levels.feature)
        return LatentPrediction(centred(moved, mask), feature * mask[:, :, None])

    def extra_repr(self) -> str:
        """What enters and leaves for each atom."""
        irreps = f"1x1o + {self.autoencoder.options.channels}x0e"
        return f"{irreps} -> {irreps}"
