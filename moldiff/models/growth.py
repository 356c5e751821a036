"""Weights to start from that know less than is wanted: placeholders, properties, handedness, a random input."""

from dataclasses import replace

import torch
from torch import Tensor

from moldiff.dataset.placeholders import offered_marginals
from moldiff.models.checkpoint import Model
from moldiff.molecules.batch import Vocabulary
from moldiff.molecules.properties import PropertyScale
from moldiff.network.build import build_network
from moldiff.network.denoiser import DenoisingNetwork

OWN = "embeddings.properties."
"""Where the weights of the properties are."""
CHIRAL = "chirality."
"""Where the weights of the handedness are."""
LATENT = "embeddings.latents."
"""Where the weights of the random input are."""
UNLIKELY = -2.0
"""Logit of a placeholder at first: the network offers none until it learns to."""


def with_placeholder(model: Model, share: float, sizes: dict[int, int]) -> Model:
    """The model with one more class of element, the last, which it neither sees nor predicts yet.

    Its marginals become those of molecules with placeholders; a model that has them is returned with its own marginals.

    Args:
        model: to start from.
        share: largest number of placeholders as a share of a molecule's atoms.
        sizes: number of training molecules of each number of atoms.
    """
    network, statistics = _denoiser(model), model.statistics
    old = network.vocabulary
    if old.placeholder:
        return replace(model, statistics=replace(statistics, placeholders=share))
    vocabulary = Vocabulary(old.elements, old.charges, placeholder=True)
    marginals = offered_marginals(statistics.marginals, sizes, share, vocabulary)
    grown = build_network(network.options, vocabulary, network.sigma_data, statistics.properties, statistics.latents)
    elements, nodes = old.sizes["element"], old.sizes["element"] + old.sizes["charge"]
    tensors = dict(network.state_dict())
    # an atom's input: classes as they are, classes as predicted before, the rest
    seen = tensors["embeddings.atom.weight"]
    tensors["embeddings.atom.weight"] = _inserted(_inserted(seen, nodes + elements, 1, 0.0), elements, 1, 0.0)
    tensors["heads.atom.weight"] = _inserted(tensors["heads.atom.weight"], elements, 0, 0.0)
    tensors["heads.atom.bias"] = _inserted(tensors["heads.atom.bias"], elements, 0, UNLIKELY)
    grown.load_state_dict(tensors)
    changed = replace(statistics, marginals=marginals, placeholders=share)
    return Model.of(grown, changed, model.history, model.checksum)


def with_properties(model: Model, scales: tuple[PropertyScale, ...]) -> Model:
    """The model with these properties; what it knew of others, or of the same on another scale, is forgotten."""
    network, statistics = _denoiser(model), model.statistics
    if scales == statistics.properties:
        return model
    grown = build_network(network.options, network.vocabulary, network.sigma_data, scales, statistics.latents)
    fresh = {name: value for name, value in grown.state_dict().items() if name.startswith("embeddings.properties.")}
    kept = {
        name: value for name, value in network.state_dict().items() if not name.startswith("embeddings.properties.")
    }
    grown.load_state_dict({**kept, **fresh})
    return replace(model, network=grown, statistics=replace(statistics, properties=scales))


def with_chirality(model: Model) -> Model:
    """The model with an input for the handedness of atoms, which has no effect at first.

    A model that has one is returned as it is.
    """
    network, statistics = _denoiser(model), model.statistics
    if network.chirality is not None:
        return model
    options = network.options.model_copy(update={"chirality": True})
    grown = build_network(options, network.vocabulary, network.sigma_data, statistics.properties, statistics.latents)
    fresh = {name: value for name, value in grown.state_dict().items() if name.startswith(CHIRAL)}
    grown.load_state_dict({**network.state_dict(), **fresh})
    return replace(model, network=grown)


def with_latents(model: Model, latents: int) -> Model:
    """The model with a random input of this many values, each at first close to what the model was without.

    A model that has as many is returned as it is.
    """
    network, statistics = _denoiser(model), model.statistics
    if latents == statistics.latents:
        return model
    grown = build_network(network.options, network.vocabulary, network.sigma_data, statistics.properties, latents)
    tensors = {name: value for name, value in network.state_dict().items() if not name.startswith(LATENT)}
    fresh = {name: value for name, value in grown.state_dict().items() if name.startswith(LATENT)}
    grown.load_state_dict({**tensors, **fresh})
    return replace(model, network=grown, statistics=replace(statistics, latents=latents))


def _denoiser(model: Model) -> DenoisingNetwork:
    """The network of a model that denoises molecules: `moldiff.models.start` lets no other come here."""
    assert isinstance(model.network, DenoisingNetwork)
    return model.network


def _inserted(tensor: Tensor, place: int, axis: int, value: float) -> Tensor:
    """The tensor with one more slice of this value before ``place``."""
    before, after = tensor.split([place, tensor.shape[axis] - place], axis)
    return torch.cat([before, torch.full_like(before.narrow(axis, 0, 1), value), after], axis)
