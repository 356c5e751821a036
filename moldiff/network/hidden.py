"""The hidden layer of the pairs: one linear map of all that a pair sees and SiLU, with its gradient, in one buffer."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def pair_hidden(
    state: Float[Tensor, "molecule pair state"],
    radial: Float[Tensor, "molecule pair radial"],
    dots: Float[Tensor, "molecule dots pair"],
    nodes: Float[Tensor, "molecule atom hidden"],
    incidence: Float[Tensor, "molecule atom pair"],
    weight: Float[Tensor, "hidden input"],
    bias: Float[Tensor, " hidden"],
) -> Float[Tensor, "molecule pair hidden"]:
    """SiLU(W [state, radial, dots] + b + the sum of both atoms' nodes), without concatenating what W takes.

    The parts are added to one buffer by matrix products in place; SiLU is taken in it too. Autograd would copy the
    buffer, which is the largest of a layer, at each of these steps, there and back.
    """
    parts = (state, radial, dots, nodes, incidence, weight, bias)
    if torch.is_autocast_enabled(state.device.type):  # products in place cast nothing
        parts = tuple(part.to(torch.get_autocast_dtype(state.device.type)) for part in parts)  # type: ignore[assignment]
    return _PairHidden.apply(*parts)


class _PairHidden(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, state: Tensor, radial: Tensor, dots: Tensor, nodes: Tensor, incidence: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        of_state, of_radial, of_dots = _split(weight, state, radial, dots)
        hidden = torch.addmm(bias, state.flatten(0, 1), of_state.t())
        hidden.addmm_(radial.flatten(0, 1), of_radial.t())
        hidden = hidden.unflatten(0, state.shape[:2])
        hidden.baddbmm_(dots.transpose(1, 2), of_dots.t().expand(len(dots), -1, -1))
        hidden.baddbmm_(incidence.transpose(1, 2), nodes)
        sigmoid = hidden.sigmoid()
        hidden.mul_(sigmoid)
        ctx.save_for_backward(state, radial, dots, incidence, weight, sigmoid, hidden)
        return hidden

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        state, radial, dots, incidence, weight, sigmoid, hidden = ctx.saved_tensors
        of_state, of_radial, of_dots = _split(weight, state, radial, dots)
        # of SiLU: s + h (1 - s), where h = x s
        slope = torch.addcmul(sigmoid, hidden, 1 - sigmoid).mul_(gradient)
        flat = slope.flatten(0, 1)
        of_weight = torch.empty_like(weight)
        on_state, on_radial, on_dots = _split(of_weight, state, radial, dots)
        on_state.copy_(flat.t() @ state.flatten(0, 1))
        on_radial.copy_(flat.t() @ radial.flatten(0, 1))
        on_dots.copy_((dots @ slope).sum(0).t())
        return (
            (flat @ of_state).unflatten(0, state.shape[:2]),
            (flat @ of_radial).unflatten(0, state.shape[:2]),
            of_dots.t() @ slope.transpose(1, 2),
            incidence @ slope,
            None,
            of_weight,
            flat.sum(0),
        )


def _split(weight: Tensor, state: Tensor, radial: Tensor, dots: Tensor) -> tuple[Tensor, ...]:
    return weight.split([state.shape[2], radial.shape[2], dots.shape[1]], 1)
