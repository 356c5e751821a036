"""The objective: losses on what is free, from noise that follows from the batch and the generator alone."""

import pytest
import torch
from torch import Tensor, nn

from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.molecules.batch import MoleculeBatch, Prediction, centred
from moldiff.molecules.levels import Given, Levels
from moldiff.training.objective import DenoisingObjective, Objective, weighted
from tests import tiny
from tests.symmetry import assert_close
from tests.training.tiny_session import random_pattern

ALL = slice(None)


class Noting(nn.Module):
    """A denoiser that keeps what it was shown and answers with the noisy molecules."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        self.seen: list[tuple[MoleculeBatch, Levels, Prediction | None]] = []

    def forward(self, noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        self.seen.append((noisy, levels, previous))
        channels = {"element": 4, "charge": 3, "bond": 4}
        logits = (noisy.pos.new_zeros(*getattr(noisy, name).shape, size) for name, size in channels.items())
        return Prediction(noisy.pos + self.anchor, *logits)


def objective(network: nn.Module, **more: object) -> DenoisingObjective:
    return DenoisingObjective(network, tiny.process(), NoiseDistribution(), **more)


def test_it_is_what_the_loop_asks_for() -> None:
    made = objective(Noting())
    assert isinstance(made, Objective)
    assert made.weights == {"pos": 1.0, "element": 0.4, "charge": 0.4, "bond": 0.5}


@pytest.mark.parametrize("pattern", [None, random_pattern], ids=["nothing given", "patterns"])
def test_losses_of_parts_are_those_of_the_whole(pattern: object) -> None:
    batch, made = tiny.batch_of(5, 4, 3, 2), objective(tiny.network(), pattern=pattern)
    whole = tiny.losses(made, batch, tiny.seeded(3), ALL)
    for rank in range(3):
        part = slice(rank, None, 3)
        for name, loss in tiny.losses(made, batch, tiny.seeded(3), part).items():
            assert_close(name, loss, whole[name][part])


def test_losses_follow_from_the_generator() -> None:
    batch, made = tiny.batch_of(5, 4), objective(tiny.network(), pattern=random_pattern)

    def losses(seed: int) -> dict[str, Tensor]:
        return tiny.losses(made, batch, tiny.seeded(seed), ALL)

    one, same, other = losses(0), losses(0), losses(1)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)


def test_patterns_are_drawn_anew_and_given_places_are_shown_clean_in_their_frame() -> None:
    network, clean = Noting(), tiny.batch_of(6, 4, 5)
    made = objective(network, pattern=random_pattern)
    given = []
    for seed in range(4):
        tiny.losses(made, clean, tiny.seeded(seed), ALL)
        noisy, levels, _ = network.seen[-1]
        pattern = Given(*(getattr(levels, name) == 0 for name in ("pos", "element", "charge", "bond")))
        framed = clean.replace(pos=centred(clean.pos, levels.frame(clean.mask), clean.mask))
        for name in ("pos", "element", "charge", "bond"):
            mask = getattr(pattern, name) & clean.places(name)
            assert torch.equal(getattr(noisy, name)[mask], getattr(framed, name)[mask]), name
        given.append(pattern.pos)
    assert not torch.equal(given[0], given[1])


def test_nothing_is_given_by_default() -> None:
    network, clean = Noting(), tiny.batch_of(6, 4)
    tiny.losses(objective(network), clean, tiny.seeded(), ALL)
    _, levels, _ = network.seen[0]
    assert torch.equal(levels.pos > 0, clean.mask)
    assert torch.equal(levels.bond > 0, clean.pair_mask)


def test_self_conditioning_shows_the_first_prediction_in_its_share_of_calls() -> None:
    network, clean = Noting(), tiny.batch_of(3)
    made = objective(network, self_conditioning=0.5)
    for seed in range(100):
        tiny.losses(made, clean, tiny.seeded(seed), ALL)
    conditioned = [previous for _, _, previous in network.seen if previous is not None]
    assert 30 < len(conditioned) < 70
    assert len(network.seen) == 100 + len(conditioned)
    assert not any(previous.pos.requires_grad for previous in conditioned)


def test_weighted_is_the_sum() -> None:
    assert float(weighted({"a": 2.0, "b": 0.5}, {"a": torch.tensor(3.0), "b": torch.tensor(4.0)})) == 8
