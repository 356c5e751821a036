"""Restarts: what a judge refuses is taken back to a noise level and made again from there."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Bool, Int
from torch import Tensor


@runtime_checkable
class States(Protocol):
    """Several states at once, of which some can be taken out and put back."""

    def __len__(self) -> int:
        """How many states there are."""

    def select(self, index: Int[Tensor, " chosen"]) -> Any:
        """The states at these indices."""

    def put(self, index: Int[Tensor, " chosen"], others: Any) -> Any:
        """A copy with others at these indices."""


S = TypeVar("S", bound=States)
Judge = Callable[[S], Bool[Tensor, " molecule"]]
"""Which states are good as they are."""
Again = Callable[[S, Int[Tensor, " chosen"]], S]
"""(the refused states, their indices) → the states made again."""


def restarted(states: S, judge: Judge[S], again: Again[S], rounds: int) -> tuple[S, Int[Tensor, " molecule"]]:
    """The states after restarts of those that the judge refuses, and how often each was made again.

    Each round makes again what is still refused, from its last try; what stays refused is kept as it is.

    Args:
        states: finished states, on any device.
        judge: says which states are good; it sees each try once.
        again: makes refused states again.
        rounds: restarts of a state at most.
    """
    counts = torch.zeros(len(states), dtype=torch.long)
    refused = (~judge(states)).nonzero()[:, 0] if rounds else counts[:0]
    for _ in range(rounds):
        if not len(refused):
            break
        made = again(states.select(refused), refused)
        states = states.put(refused, made)
        counts[refused] += 1
        refused = refused[~judge(made)]
    return states, counts
