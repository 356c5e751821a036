"""What a training starts from: a fresh model for a dataset, or weights that are fine-tuned or distilled on it."""

from dataclasses import replace

from moldiff.config.train import TrainOptions
from moldiff.dataset.validation import DatasetInfo
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, load_model, new_model
from moldiff.models.growth import with_latents
from moldiff.models.shipped import weights_path


def start_model(options: TrainOptions, info: DatasetInfo) -> Model:
    """An untrained model for the dataset, or the given weights with the dataset's statistics.

    A student has the random input that the options ask for; that of its teacher is forgotten if it has other values.

    Raises:
        UserError: the weights cannot be read, or the dataset has other hydrogens.
    """
    fresh = new_model(options.network, info, options.placeholders if options.begins_with is None else 0.0)
    if options.begins_with is None:
        return fresh
    path = options.begins_with
    start = load_model(weights_path(path))
    if start.statistics.hydrogens != fresh.statistics.hydrogens:
        raise UserError(
            f"{path}: trained with {start.statistics.hydrogens} hydrogens, the dataset has "
            f"{fresh.statistics.hydrogens}; featurize with hydrogens: {start.statistics.hydrogens}"
        )
    if options.objective == "prefer":
        return start  # preferred molecules are a choice among its own, which must not become smaller ones
    # the noise stays that of the weights: its marginals and σ_d are what the network was trained on
    start = replace(start, statistics=replace(start.statistics, sizes=fresh.statistics.sizes))
    return with_latents(start, options.distill.latents) if options.objective == "distill" else start
