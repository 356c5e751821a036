from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.molecules.batch import Prediction
from moldiff.molecules.levels import Given
from moldiff.network.embeddings import noise_embedding
from tests import tiny
from tests.symmetry import assert_close, assert_equivariant

SIGMAS = (0.05, 0.7, 8.0)


IRREPS = ["16x0e + 4x1o", "16x0e + 4x1o + 4x2e + 4x3o", "16x0e + 4x0o + 4x1o + 4x1e"]


@pytest.mark.parametrize("irreps", IRREPS)
@pytest.mark.parametrize("conditioned", [False, True], ids=["alone", "self-conditioned"])
def test_network_is_equivariant(irreps: str, conditioned: bool) -> None:
    denoiser, batch = tiny.network(irreps=irreps), tiny.batch_of(6, 4, 1)
    levels = tiny.at(batch, *SIGMAS)
    previous = denoiser(batch, levels).detach() if conditioned else None
    with torch.no_grad():
        assert_equivariant(denoiser, batch, levels, previous)


@settings(deadline=None, max_examples=4)
@given(seed=st.integers(0, 9999), irreps=st.sampled_from(IRREPS), conditioned=st.booleans())
def test_network_is_equivariant_whatever_is_given(seed: int, irreps: str, conditioned: bool) -> None:
    denoiser, batch = tiny.network(irreps=irreps), tiny.batch_of(6, 4, 1, 3, 5, seed=seed)
    levels = tiny.at(batch, 0.05, 0.7, 8.0, 2.0, 0.3, given=tiny.pattern(batch, seed))
    with torch.no_grad():
        previous = denoiser(batch, levels) if conditioned else None
        assert_equivariant(denoiser, batch, levels, previous)


def test_levels_of_atoms_and_pairs_matter() -> None:
    batch, denoiser = tiny.batch_of(6), tiny.network()
    free = denoiser(batch, tiny.at(batch, 0.7))
    for name in ("pos", "element", "charge", "bond"):
        first = torch.arange(batch.places(name).shape[1]) < 1
        made = denoiser(batch, tiny.at(batch, 0.7, given=Given.of(batch, **{name: first})))
        assert not torch.allclose(free.element, made.element), name
        lower = tiny.at(batch, 0.7)
        lower = replace(lower, **{name: getattr(lower, name) * 0.5 ** first.double()})
        half = denoiser(batch, lower)
        assert not torch.allclose(free.element, half.element), name
        assert not torch.allclose(made.element, half.element), name


def test_untrained_network_ignores_what_its_weights_do_not_know_of_levels() -> None:
    batch, denoiser = tiny.batch_of(6), tiny.network(randomised=False)
    some = Given.of(batch, element=torch.arange(6) < 3, bond=torch.arange(15) < 4)
    free, made = denoiser(batch, tiny.at(batch, 0.7)), denoiser(batch, tiny.at(batch, 0.7, given=some))
    assert_close("elements", made.element, free.element)


@pytest.mark.parametrize("all_given", [False, True])
def test_given_atoms_are_predicted_where_they_are(all_given: bool) -> None:
    batch, denoiser = tiny.batch_of(6, 4), tiny.network()
    some = Given.of(batch, pos=torch.arange(6) < (6 if all_given else 3))
    predicted = denoiser(batch, tiny.at(batch, 0.7, 3.0, given=some))
    assert_close("positions", predicted.pos[some.pos], some.framed(batch).pos[some.pos])
    assert all_given or not torch.allclose(predicted.pos, some.framed(batch).pos)


def test_a_molecule_all_of_which_is_given_has_finite_predictions() -> None:
    batch, denoiser = tiny.batch_of(5, 1), tiny.network()
    everything = Given.of(batch, pos=True, element=True, charge=True, bond=True)
    predicted = denoiser(batch, tiny.at(batch, 1.0, given=everything))
    assert_close("positions", predicted.pos, batch.pos)
    assert all(values.isfinite().all() for values in vars(predicted).values())


@pytest.mark.parametrize("heads", [1, 4])
def test_network_is_equivariant_where_heads_do_not_divide_vectors(heads: int) -> None:
    with torch.no_grad():
        denoiser = tiny.network(irreps="16x0e + 6x1o + 6x2e", heads=heads, layers=1)
        batch = tiny.batch_of(5, 3)
        assert_equivariant(denoiser, batch, tiny.at(batch, 0.3, 2.0))


def test_symmetry_is_not_that_of_zeros() -> None:
    batch, denoiser = tiny.batch_of(6, 4, 1), tiny.network(irreps=IRREPS[1])
    predicted = denoiser(batch, tiny.at(batch, *SIGMAS))
    moved = (predicted.pos - untrained_positions(batch.pos, tiny.levels(*SIGMAS))).abs()
    assert moved[:2].amax((1, 2)).min() > 1e-2
    for logits in (predicted.element, predicted.charge, predicted.bond[:2]):
        assert logits[0].std() > 1e-2


def test_previous_prediction_matters() -> None:
    batch, denoiser = tiny.batch_of(6, 4), tiny.network()
    first = denoiser(batch, tiny.at(batch, *SIGMAS[:2]))
    again = denoiser(batch, tiny.at(batch, *SIGMAS[:2]), first)
    moved = Prediction(first.pos * 1.5, first.element, first.charge, first.bond)
    assert not torch.allclose(first.element, again.element)
    assert not torch.allclose(again.element, denoiser(batch, tiny.at(batch, *SIGMAS[:2]), moved).element)


def test_noise_level_matters() -> None:
    batch, denoiser = tiny.batch_of(6, 6), tiny.network()
    batch = batch.map(lambda values: values[:1].expand_as(values))
    element = denoiser(batch, tiny.at(batch, 0.1, 0.3)).element
    assert not torch.allclose(element[0], element[1])
    assert noise_embedding(tiny.levels(*SIGMAS)).dtype == torch.float64


def test_untrained_network_predicts_the_scaled_input() -> None:
    batch, denoiser = tiny.batch_of(6, 4, 1), tiny.network(randomised=False)
    assert_close(
        "c_skip x", denoiser(batch, tiny.at(batch, *SIGMAS)).pos, untrained_positions(batch.pos, tiny.levels(*SIGMAS))
    )


def untrained_positions(pos: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """c_skip x of Karras et al. 2022, table 1."""
    return pos * (tiny.SIGMA_DATA**2 / (sigma**2 + tiny.SIGMA_DATA**2))[:, None, None]


@pytest.mark.parametrize("irreps", IRREPS)
def test_gradients_are_finite_for_atoms_at_one_place_and_for_an_atom_alone(irreps: str) -> None:
    batch, denoiser = tiny.batch_of(5, 1), tiny.network(irreps=irreps)
    batch = batch.replace(pos=(batch.pos * 0).requires_grad_())
    predicted = denoiser(batch, tiny.at(batch, *SIGMAS[:2]))
    predicted = denoiser(batch, tiny.at(batch, *SIGMAS[:2]), predicted.detach())
    (gradient,) = torch.autograd.grad(
        predicted.bond.square().sum() + predicted.pos.square().sum(), batch.pos, retain_graph=True
    )
    assert gradient.isfinite().all()
    losses = tiny.process().loss(predicted, tiny.batch_of(5, 1, seed=1), tiny.at(batch, *SIGMAS[:2]))
    tiny.process().total(losses).backward()
    for name, parameter in denoiser.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


def test_batch_of_single_atoms_is_predicted() -> None:
    batch = tiny.batch_of(1, 1)
    predicted = tiny.network(irreps=IRREPS[1])(batch, tiny.at(batch, *SIGMAS[:2]))
    assert predicted.bond.shape == (2, 0, 4)
    assert not predicted.pos.any()


def test_every_parameter_that_asks_for_a_gradient_gets_one() -> None:
    for irreps in IRREPS:
        denoiser, batch = tiny.network(irreps=irreps), tiny.batch_of(5, 4)
        levels = tiny.at(batch, *SIGMAS[:2])
        losses = tiny.process().loss(denoiser(batch, levels), tiny.batch_of(5, 4, seed=1), levels)
        tiny.process().total(losses).backward()
        missing = [name for name, each in denoiser.named_parameters() if each.requires_grad and each.grad is None]
        assert not missing
