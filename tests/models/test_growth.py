"""Weights grown by placeholders and properties predict what they did."""

from typing import Any

import pytest
import torch

from moldiff.models.checkpoint import Model, Statistics
from moldiff.models.growth import UNLIKELY, with_chirality, with_latents, with_placeholder, with_properties
from moldiff.molecules.properties import PropertyScale
from tests import tiny

LOGP = PropertyScale("logp", quantiles=(0.0, 1.0, 2.0))
SIZES = {4: 3, 6: 1}


def model(**options: Any) -> Model:
    return Model.of(tiny.network(**options), Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, SIZES, "implicit"))


@torch.no_grad()
@pytest.mark.parametrize("kind", ["transformer", "unet"])
def test_a_placeholder_is_added_without_effect(kind: str) -> None:
    batch, old = tiny.batch_of(5, 3), model(kind=kind)
    grown = with_placeholder(old, 0.2, SIZES)
    assert grown.network.vocabulary.placeholder
    assert grown.statistics.placeholders == 0.2
    levels = tiny.at(batch, 0.5)
    before = old.network(batch, levels)
    after = grown.network.double()(batch, levels)
    again = grown.network(batch, levels, after)
    assert torch.allclose(after.element[..., :-1], before.element, atol=1e-12)
    assert (after.element[..., -1] == UNLIKELY).all()
    for name in ("pos", "charge", "bond"):
        assert torch.allclose(getattr(after, name), getattr(before, name), atol=1e-12), name
    # the previous prediction enters at its own place too; its probabilities now leave some for the placeholder
    own = old.network(batch, levels, before)
    assert (again.pos - own.pos).abs().max() < 0.5 * (own.pos - before.pos).abs().max() + 1e-3
    certain = torch.where(torch.arange(4) == 1, 50.0, -50.0).expand_as(before.element)
    wide = torch.nn.functional.pad(certain, (0, 1), value=-50.0)
    parts = (before.pos, before.charge, before.bond)
    first = old.network(batch, levels, type(before)(parts[0], certain, *parts[1:]))
    second = grown.network(batch, levels, type(before)(parts[0], wide, *parts[1:]))
    assert torch.allclose(first.pos, second.pos, atol=1e-12)


def test_marginals_count_the_placeholders() -> None:
    grown = with_placeholder(model(), 0.2, SIZES)
    for name, shares in grown.statistics.marginals.items():
        assert abs(sum(shares) - 1) < 1e-9
        assert len(shares) == grown.network.vocabulary.sizes[name]
    assert 0 < grown.statistics.marginals["element"][-1] < 0.2
    assert grown.process.modalities["element"].marginal.tolist() == grown.statistics.marginals["element"]
    twice = with_placeholder(grown, 0.3, SIZES)
    assert twice.network is grown.network
    assert twice.statistics.marginals == grown.statistics.marginals


@torch.no_grad()
def test_properties_are_added_without_effect_and_kept_if_they_are_the_same() -> None:
    batch, old = tiny.batch_of(5, 3), model()
    grown = with_properties(old, (LOGP,))
    levels, asked = tiny.at(batch, 0.5), batch.replace(properties=torch.tensor([[0.2], [0.9]]).double())
    assert torch.equal(grown.network.double()(asked, levels).element, old.network(batch, levels).element)
    assert with_properties(grown, (LOGP,)) is grown
    other = with_properties(grown, (PropertyScale("mw", quantiles=(1.0, 2.0)), LOGP))
    assert [scale.name for scale in other.statistics.properties] == ["mw", "logp"]
    assert torch.equal(other.network.double()(batch, levels).element, old.network(batch, levels).element)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["transformer", "unet"])
def test_handedness_is_added_without_effect_and_stays_in_whatever_grows_further(kind: str) -> None:
    batch, old = tiny.batch_of(5, 4), model(kind=kind)
    grown = with_chirality(old)
    assert grown.network.options.chirality
    assert with_chirality(grown) is grown
    levels, hands = tiny.at(batch, 0.5), torch.zeros(2, 5, 4, dtype=torch.long)
    hands[:, 0] = torch.tensor([1, 1, 2, 3])
    asked = batch.replace(handedness=hands)
    assert torch.equal(grown.network.double()(asked, levels).pos, old.network(batch, levels).pos)
    torch.nn.init.normal_(grown.network.chirality.layers[2].weight)
    expected = grown.network(asked, levels).pos
    assert not torch.allclose(expected, old.network(batch, levels).pos)
    for further in (with_properties(grown, (LOGP,)), with_latents(grown, 3), with_placeholder(grown, 0.2, SIZES)):
        assert torch.allclose(further.network.double()(asked, levels).pos, expected, atol=1e-12)
