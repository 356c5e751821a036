"""Classifier-free guidance: a denoiser around a denoiser that knows properties (Ho and Salimans, arXiv:2207.12598)."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch

Denoise = Callable[[Any, Any, Any], Any]
"""(noisy state with a field ``properties``, its levels, previous prediction or None) → prediction."""


def guided(denoiser: Denoise, weight: float, low: float = 0.0, high: float = math.inf) -> Denoise:
    """The denoiser led to the properties that its states carry: D(x) + w (D(x | properties) − D(x)).

    Outside an interval of noise levels the weight is 1 (Kynkäänniemi et al. 2024, arXiv:2404.07724).

    Positions and logits are mixed alike. With weight 1 it is the conditional denoiser itself, with 0 the
    unconditional one; above 1 the properties are met more closely by less diverse molecules. Other weights cost two
    evaluations a step.

    Args:
        denoiser: knows the states' properties; NaN for those that are not asked for.
        weight: how far to go.
        low: noise level, Å, from which the weight counts; levels have to say their ``highest`` [molecule].
        high: noise level, Å, up to which it does.
    """
    if weight == 1:
        return denoiser

    def denoise(noisy: Any, levels: Any, previous: Any = None) -> Any:
        inside = (low <= levels.highest) & (levels.highest <= high)
        if not inside.any():
            return denoiser(noisy, levels, previous)
        nothing = noisy.replace(properties=torch.full_like(noisy.properties, torch.nan))
        without = denoiser(nothing, levels, previous)
        if weight == 0 and inside.all():
            return without
        asked = denoiser(noisy, levels, previous)
        weights = torch.where(inside, weight, 1.0)[:, None, None]
        mixed = {}
        for field in dataclasses.fields(without):
            plain, wanted = getattr(without, field.name), getattr(asked, field.name)
            mixed[field.name] = plain + weights.to(plain.dtype) * (wanted - plain)
        return dataclasses.replace(without, **mixed)

    return denoise
