"""Properties in the network: no effect at first, an effect once trained, none where nothing is known; symmetric."""

import pytest
import torch

from moldiff.config.network import TransformerOptions
from moldiff.molecules.properties import PropertyScale
from moldiff.network.build import build_network
from moldiff.network.condition import PropertyEmbedding
from moldiff.network.denoiser import DenoisingNetwork
from tests import tiny
from tests.symmetry import assert_equivariant

SCALES = (
    PropertyScale("logp", quantiles=(-1.0, 0.0, 3.0)),
    PropertyScale("series", categories=("a", "b", "c")),
    PropertyScale("mw", quantiles=(10.0, 500.0)),
)
NAN = float("nan")
ASKED = torch.tensor([[0.25, 1.0, NAN], [NAN, 2.0, 1.0], [NAN, NAN, NAN]], dtype=torch.float64)


def network(*, randomised: bool = True) -> DenoisingNetwork:
    torch.manual_seed(0)
    made = build_network(TransformerOptions(**tiny.NETWORK), tiny.VOCABULARY, tiny.SIGMA_DATA, SCALES)
    if randomised:
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    return made.double().eval()


@torch.no_grad()
def test_properties_have_no_effect_at_first() -> None:
    batch, denoiser = tiny.batch_of(6, 4, 3), network(randomised=False)
    levels = tiny.at(batch, 0.7)
    asked = denoiser(batch.replace(properties=ASKED), levels)
    assert torch.equal(asked.element, denoiser(batch, levels).element)


@torch.no_grad()
def test_each_property_matters_where_it_is_known_and_nowhere_else() -> None:
    batch, denoiser = tiny.batch_of(6, 6, 6), network()
    batch = batch.map(lambda values: values[:1].expand_as(values)).replace(properties=ASKED)
    levels = tiny.at(batch, 0.7)
    element = denoiser(batch, levels).element
    nothing = denoiser(batch.replace(properties=torch.full_like(ASKED, NAN)), levels).element
    assert torch.equal(element[2], nothing[2])
    assert not torch.allclose(element[0], nothing[0])
    for column, value in ((0, 0.3), (1, 2.0), (2, 0.5)):
        changed = ASKED.clone()
        changed[0, column] = value
        other = denoiser(batch.replace(properties=changed), levels).element
        assert not torch.allclose(other[0], element[0])
        assert torch.equal(other[1:], element[1:])


@pytest.mark.parametrize("seed", [None, 1])
def test_a_network_with_properties_is_symmetric(seed: int | None) -> None:
    batch = tiny.batch_of(6, 4, 3).replace(properties=ASKED)
    given = None if seed is None else tiny.pattern(batch, seed)
    with torch.no_grad():
        assert_equivariant(network(), batch, tiny.at(batch, 0.3, 1.0, 2.0, given=given))


def test_gradients_are_finite_where_nothing_is_known() -> None:
    embedding = PropertyEmbedding(SCALES, 8)
    torch.nn.init.normal_(embedding.layers[2].weight)
    embedding(ASKED.float()).square().sum().backward()
    for parameter in embedding.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.any()
