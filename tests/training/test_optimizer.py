import math

import pytest

from moldiff.training.optimizer import parameter_groups, warmed_cosine
from tests import tiny


def test_weight_decay_spares_vectors() -> None:
    matrices, vectors = parameter_groups(tiny.network(), 0.1)
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.1, 0.0)
    assert {each.dim() for each in vectors["params"]} == {1}
    assert len(matrices["params"]) + len(vectors["params"]) == len(list(tiny.network().parameters()))


def test_rate_follows_the_warm_up_and_the_cosine() -> None:
    options = tiny.train_options(learning_rate=0.1, warmup_steps=4)
    assert warmed_cosine(options, 0, 0.0) == pytest.approx(0.1 / 4)
    assert warmed_cosine(options, 3, 0.5) == pytest.approx(0.05)
    assert warmed_cosine(options, 9, 1.0) == pytest.approx(0.0)
    assert warmed_cosine(options, 9, 0.25) == pytest.approx(0.1 * (1 + math.cos(math.pi / 4)) / 2)
    assert warmed_cosine(tiny.train_options(learning_rate=0.1, warmup_steps=0), 0, 0.0) == 0.1
