import pytest
import torch

from moldiff.molecules.batch import Prediction
from moldiff.network.denoiser import noise_embedding
from tests import tiny
from tests.symmetry import assert_close, assert_equivariant

SIGMAS = tiny.levels(0.05, 0.7, 8.0)


IRREPS = ["16x0e + 4x1o", "16x0e + 4x1o + 4x2e + 4x3o", "16x0e + 4x0o + 4x1o + 4x1e"]


@pytest.mark.parametrize("irreps", IRREPS)
@pytest.mark.parametrize("conditioned", [False, True], ids=["alone", "self-conditioned"])
def test_network_is_equivariant(irreps: str, conditioned: bool) -> None:
    denoiser, batch = tiny.network(irreps=irreps), tiny.batch_of(6, 4, 1)
    previous = denoiser(batch, SIGMAS).detach() if conditioned else None
    with torch.no_grad():
        assert_equivariant(denoiser, batch, SIGMAS, previous)


@pytest.mark.parametrize("heads", [1, 4])
def test_network_is_equivariant_where_heads_do_not_divide_vectors(heads: int) -> None:
    with torch.no_grad():
        denoiser = tiny.network(irreps="16x0e + 6x1o + 6x2e", heads=heads, layers=1)
        assert_equivariant(denoiser, tiny.batch_of(5, 3), tiny.levels(0.3, 2.0))


def test_symmetry_is_not_that_of_zeros() -> None:
    batch, denoiser = tiny.batch_of(6, 4, 1), tiny.network(irreps=IRREPS[1])
    predicted = denoiser(batch, SIGMAS)
    moved = (predicted.pos - untrained_positions(batch.pos, SIGMAS)).abs()
    assert moved[:2].amax((1, 2)).min() > 1e-2
    for logits in (predicted.element, predicted.charge, predicted.bond[:2]):
        assert logits[0].std() > 1e-2


def test_previous_prediction_matters() -> None:
    batch, denoiser = tiny.batch_of(6, 4), tiny.network()
    first = denoiser(batch, SIGMAS[:2])
    again = denoiser(batch, SIGMAS[:2], first)
    moved = Prediction(first.pos * 1.5, first.element, first.charge, first.bond)
    assert not torch.allclose(first.element, again.element)
    assert not torch.allclose(again.element, denoiser(batch, SIGMAS[:2], moved).element)


def test_noise_level_matters() -> None:
    batch, denoiser = tiny.batch_of(6, 6), tiny.network()
    batch = batch.map(lambda values: values[:1].expand_as(values))
    element = denoiser(batch, tiny.levels(0.1, 0.3)).element
    assert not torch.allclose(element[0], element[1])
    assert noise_embedding(SIGMAS).dtype == torch.float64


def test_untrained_network_predicts_the_scaled_input() -> None:
    batch, denoiser = tiny.batch_of(6, 4, 1), tiny.network(randomised=False)
    assert_close("c_skip x", denoiser(batch, SIGMAS).pos, untrained_positions(batch.pos, SIGMAS))


def untrained_positions(pos: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """c_skip x of Karras et al. 2022, table 1."""
    return pos * (tiny.SIGMA_DATA**2 / (sigma**2 + tiny.SIGMA_DATA**2))[:, None, None]


@pytest.mark.parametrize("irreps", IRREPS)
def test_gradients_are_finite_for_atoms_at_one_place_and_for_an_atom_alone(irreps: str) -> None:
    batch, denoiser = tiny.batch_of(5, 1), tiny.network(irreps=irreps)
    batch = batch.replace(pos=(batch.pos * 0).requires_grad_())
    predicted = denoiser(batch, SIGMAS[:2])
    predicted = denoiser(batch, SIGMAS[:2], predicted.detach())
    (gradient,) = torch.autograd.grad(
        predicted.bond.square().sum() + predicted.pos.square().sum(), batch.pos, retain_graph=True
    )
    assert gradient.isfinite().all()
    losses = tiny.process().loss(predicted, tiny.batch_of(5, 1, seed=1), SIGMAS[:2])
    tiny.process().total(losses).backward()
    for name, parameter in denoiser.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


def test_batch_of_single_atoms_is_predicted() -> None:
    predicted = tiny.network(irreps=IRREPS[1])(tiny.batch_of(1, 1), SIGMAS[:2])
    assert predicted.bond.shape == (2, 1, 1, 4)
    assert not predicted.pos.any()


def test_every_parameter_that_asks_for_a_gradient_gets_one() -> None:
    for irreps in IRREPS:
        denoiser, batch = tiny.network(irreps=irreps), tiny.batch_of(5, 4)
        losses = tiny.process().loss(denoiser(batch, SIGMAS[:2]), tiny.batch_of(5, 4, seed=1), SIGMAS[:2])
        tiny.process().total(losses).backward()
        missing = [name for name, each in denoiser.named_parameters() if each.requires_grad and each.grad is None]
        assert not missing
