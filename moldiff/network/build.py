"""From options to a network: the one place that names architectures."""

from collections.abc import Sequence

from moldiff.config.autoencode import AutoencoderOptions
from moldiff.config.network import NetworkOptions
from moldiff.molecules.batch import Vocabulary
from moldiff.molecules.properties import PropertyScale
from moldiff.network.autoencoder import Autoencoder
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.network.embeddings import CONDITION
from moldiff.network.latent import LatentNetwork
from moldiff.network.transformer import Transformer
from moldiff.network.unet import UNet

BODIES = {"transformer": Transformer, "unet": UNet}
"""The body of each kind of options."""
Network = DenoisingNetwork | LatentNetwork | Autoencoder
"""What a weights file can hold."""


def build_network(
    options: NetworkOptions,
    vocabulary: Vocabulary,
    sigma_data: float,
    properties: Sequence[PropertyScale] = (),
    latents: int = 0,
) -> DenoisingNetwork:
    """An untrained network; it predicts c_skip x.

    Args:
        options: kind, widths and depth.
        vocabulary: the categories.
        sigma_data: standard deviation of the data's centred coordinates, Å.
        properties: scales of the properties that it can be asked for, in the order of their columns.
        latents: values of the random input of a few-step student (`moldiff.diffusion.mixture`); 0 for none.
    """
    return DenoisingNetwork(
        options, vocabulary, sigma_data, BODIES[options.kind](options, CONDITION), properties, latents
    )


def build_autoencoder(options: AutoencoderOptions, vocabulary: Vocabulary, sigma_data: float) -> Autoencoder:
    """An untrained autoencoder, whose vectors are the positions themselves.

    Args:
        options: kind, widths and depth, and the size of the latent space.
        vocabulary: the categories.
        sigma_data: standard deviation of the data's centred coordinates, Å.
    """
    encoder, decoder = (BODIES[options.network.kind](options.network, CONDITION) for _ in range(2))
    return Autoencoder(options, vocabulary, sigma_data, encoder, decoder)


def build_latent_network(options: NetworkOptions, autoencoder: Autoencoder) -> LatentNetwork:
    """An untrained denoiser in the latent space of an autoencoder; it predicts c_skip x.

    Args:
        options: kind, widths and depth of the denoiser.
        autoencoder: whose latents are denoised.
    """
    return LatentNetwork(options, autoencoder, BODIES[options.kind](options, CONDITION))
