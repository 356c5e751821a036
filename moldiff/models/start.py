"""What a training starts from: a fresh model for a dataset, or weights that are fine-tuned or distilled on it."""

from dataclasses import replace

from moldiff.config.autoencode import AutoencoderOptions
from moldiff.config.train import TaskShares, TrainOptions
from moldiff.dataset.validation import DatasetInfo
from moldiff.errors import UserError
from moldiff.models.abilities import require_kind
from moldiff.models.checkpoint import Model, load_model, new_model
from moldiff.models.growth import with_chirality, with_latents
from moldiff.models.shipped import weights_path
from moldiff.network.autoencoder import Autoencoder
from moldiff.network.build import build_autoencoder, build_latent_network
from moldiff.network.denoiser import DenoisingNetwork


def start_model(options: TrainOptions, info: DatasetInfo) -> Model:
    """An untrained model for the dataset, or the given weights with the dataset's sizes.

    Where only the handedness learns, the sizes stay those of the weights, and what is made without it as it was.

    In the latent space of given weights the denoiser is untrained, and the autoencoder as they have it.

    A student has the random input that the options ask for; that of its teacher is forgotten if it has other values.

    Raises:
        UserError: the weights cannot be read, are of another kind, or the dataset has other hydrogens.
    """
    fresh = new_model(options.network, info, options.placeholders if options.begins_with is None else 0.0)
    if options.begins_with is None:
        return _autoencoder(options, fresh) if options.objective == "autoencode" else fresh
    path = options.begins_with
    start = load_model(weights_path(path))
    purpose, *wanted = _wanted(options)
    require_kind(path, start.kind, purpose, *wanted)
    if start.statistics.hydrogens != fresh.statistics.hydrogens:
        raise UserError(
            f"{path}: trained with {start.statistics.hydrogens} hydrogens, the dataset has "
            f"{fresh.statistics.hydrogens}; featurize with hydrogens: {start.statistics.hydrogens}"
        )
    if options.objective == "prefer":
        return start  # preferred molecules are a choice among its own, which must not become smaller ones
    # the noise stays that of the weights: its marginals and σ_d are what the network was trained on
    if options.learn == "all":
        start = replace(start, statistics=replace(start.statistics, sizes=fresh.statistics.sizes))
    if options.autoencoder is not None:
        assert isinstance(start.network, Autoencoder)  # as `require_kind` says
        return Model.of(build_latent_network(options.network, start.network), start.statistics)
    if options.network.chirality:
        start = with_chirality(start)
    knows = isinstance(start.network, DenoisingNetwork) and start.network.chirality is not None
    if options.learn == "chirality" and not knows:
        raise UserError(f"{path}: knows no handedness; learn: chirality needs network.chirality")
    return with_latents(start, options.distill.latents) if options.objective == "distill" else start


def _wanted(options: TrainOptions) -> tuple[str, ...]:
    """What the weights to begin with are for, and the kinds that they may be of."""
    if options.autoencoder is not None:
        return "a latent space", "autoencoder"
    if options.objective == "autoencode":
        return "objective autoencode", "autoencoder"
    if options.network.chirality or options.learn != "all":
        return "handedness", "denoiser"
    usual = options.tasks == TaskShares() and not options.placeholders and not options.properties
    if options.objective == "denoise" and usual:
        return "fine-tuning", "denoiser", "latent denoiser"
    asked = "fine-tuning with tasks, placeholders or properties"
    return {"distill": "a student", "prefer": "objective prefer"}.get(options.objective, asked), "denoiser"


def _autoencoder(options: TrainOptions, fresh: Model) -> Model:
    """An untrained autoencoder of the molecules that a fresh model knows; empty slots of its nodes are placeholders.

    Raises:
        UserError: there would be empty slots, and no atom of the set has charge 0.
    """
    asked, vocabulary, statistics = options.autoencode, fresh.network.vocabulary, fresh.statistics
    described = AutoencoderOptions(
        network=options.network, channels=asked.channels, noise=asked.noise, group=asked.group
    )
    if asked.group > 1:
        if 0 not in vocabulary.charges:
            raise UserError(
                f"autoencode.group needs the charge 0, and the dataset has only {list(vocabulary.charges)}; set it to 1"
            )
        vocabulary = replace(vocabulary, placeholder=True)
        element = [*statistics.marginals["element"], 0.0]  # of the molecules, which have no empty slots
        statistics = replace(statistics, marginals={**statistics.marginals, "element": element})
    return Model.of(build_autoencoder(described, vocabulary, statistics.sigma_data), statistics)
