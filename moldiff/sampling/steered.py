"""The network with all that the options of a sampling put around it: precision, guidance, the number of atoms."""

from dataclasses import fields, replace

import torch

from moldiff.config.sample import SampleOptions
from moldiff.dataset.placeholders import exactly, spare_atoms
from moldiff.diffusion.guidance import guided
from moldiff.models.checkpoint import Model
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.denoiser import Denoiser
from moldiff.molecules.levels import Levels


def steered(network: Denoiser, options: SampleOptions, model: Model, start: MoleculeBatch) -> Denoiser:
    """The denoiser that a sampling goes by.

    Args:
        network: of the model, on its device.
        options: of the sampling.
        model: what belongs to the network.
        start: the molecules; all of them have as many atoms as are offered.
    """
    denoiser = reduced(network) if options.precision == "bfloat16" else network
    if start.properties.isfinite().any():
        denoiser = guided(denoiser, options.guidance, options.guidance_low, options.guidance_high)
    if _asked(options, model):
        offered = start.mask.shape[1]
        denoiser = exactly(denoiser, offered - _wanted(offered, model.statistics.placeholders))
    return denoiser


def spare(options: SampleOptions, model: Model, atoms: int) -> int:
    """Placeholders that are offered beside the atoms of molecules whose number of atoms is asked for."""
    return spare_atoms(atoms, model.statistics.placeholders) if _asked(options, model) else 0


def reduced(network: Denoiser) -> Denoiser:
    """The network with matrix products in bfloat16 (autocast); positions and what it returns stay float32."""

    def denoise(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        with torch.autocast(noisy.pos.device.type, torch.bfloat16):
            made = network(noisy, levels, previous)
        return replace(made, **{field.name: getattr(made, field.name).float() for field in fields(made)})

    return denoise


def _asked(options: SampleOptions, model: Model) -> bool:
    """Whether a number of atoms is asked for of weights that otherwise decide it."""
    asked = options.atom_range is not None or options.new_range is not None
    return asked and model.network.vocabulary.placeholder


def _wanted(offered: int, share: float) -> int:
    """The number of atoms for which as many are offered."""
    return next(atoms for atoms in range(offered, 0, -1) if atoms + spare_atoms(atoms, share) <= offered)
