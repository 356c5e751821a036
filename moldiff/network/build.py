"""From options to a network: the one place that names architectures."""

from moldiff.config.network import NetworkOptions
from moldiff.molecules.batch import Vocabulary
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.network.embeddings import CONDITION
from moldiff.network.transformer import Transformer

BODIES = {"transformer": Transformer}
"""The body of each kind of options."""


def build_network(options: NetworkOptions, vocabulary: Vocabulary, sigma_data: float) -> DenoisingNetwork:
    """An untrained network; it predicts c_skip x.

    Args:
        options: kind, widths and depth.
        vocabulary: the categories.
        sigma_data: standard deviation of the data's centred coordinates, Å.
    """
    return DenoisingNetwork(options, vocabulary, sigma_data, BODIES[options.kind](options, CONDITION))
