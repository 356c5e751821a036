"""Optimisers and learning rates; a training takes either as an argument."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from moldiff.config.train import TrainOptions

Optimizers = Callable[[nn.Module, TrainOptions], list[Optimizer]]
"""The optimisers of a network's parameters, each parameter in one of them."""
Rate = Callable[[TrainOptions, int, float], float]
"""(options, step, share of the training that is done) → learning rate."""


def hold(network: nn.Module, options: TrainOptions) -> None:
    """Parameters that the options do not let learn ask for no gradient; an optimiser leaves them as they are."""
    if options.learn != "all":
        for name, parameter in network.named_parameters():
            if not name.startswith(f"{options.learn}."):
                parameter.requires_grad_(False)


def adamw(network: nn.Module, options: TrainOptions) -> list[Optimizer]:
    """AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101)."""
    groups = parameter_groups(network, options.weight_decay)
    # fused: one call for all parameters, which a small step on CPU feels
    return [torch.optim.AdamW(groups, options.learning_rate, (0.9, 0.99), fused=True)]


def warmed_cosine(options: TrainOptions, step: int, fraction: float) -> float:
    """Linear warm-up, then a cosine to zero."""
    return options.learning_rate * warm_up(options, step) * (1 + math.cos(math.pi * fraction)) / 2


def warm_up(options: TrainOptions, step: int) -> float:
    """Share of the learning rate that the warm-up allows in a step."""
    return min(1.0, (step + 1) / max(1, options.warmup_steps))


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices with weight decay, vectors (biases, norms) without."""
    matrices = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    vectors = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
