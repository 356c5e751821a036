"""Classifier-free guidance: a denoiser around a denoiser that knows properties (Ho and Salimans, arXiv:2207.12598)."""

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

Denoise = Callable[[Any, Any, Any], Any]
"""(noisy state with a field ``properties``, its levels, previous prediction or None) → prediction."""


def guided(denoiser: Denoise, weight: float) -> Denoise:
    """The denoiser led to the properties that its states carry: D(x) + w (D(x | properties) − D(x)).

    Positions and logits are mixed alike. With weight 1 it is the conditional denoiser itself, with 0 the
    unconditional one; above 1 the properties are met more closely by less diverse molecules. Other weights cost two
    evaluations a step.

    Args:
        denoiser: knows the states' properties; NaN for those that are not asked for.
        weight: how far to go.
    """
    if weight == 1:
        return denoiser

    def denoise(noisy: Any, levels: Any, previous: Any = None) -> Any:
        nothing = noisy.replace(properties=torch.full_like(noisy.properties, torch.nan))
        without = denoiser(nothing, levels, previous)
        if weight == 0:
            return without
        asked = denoiser(noisy, levels, previous)
        mixed = {}
        for field in dataclasses.fields(without):
            low, high = getattr(without, field.name), getattr(asked, field.name)
            mixed[field.name] = low + weight * (high - low)
        return dataclasses.replace(without, **mixed)

    return denoise
