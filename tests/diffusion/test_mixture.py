"""The random input: one draw for whatever stands around the network, and shares by likelihood."""

import math

import pytest
import torch
from torch import Tensor

from moldiff.diffusion.guidance import guided
from moldiff.diffusion.mixture import mixed, responsibilities
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.levels import Levels
from tests import tiny
from tests.diffusion.test_process import random_prediction
from tests.symmetry import assert_close


def test_each_evaluation_draws_for_each_molecule_and_all_around_it_see_the_same_draw() -> None:
    seen: list[Tensor] = []

    def network(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None, latent: Tensor) -> Prediction:
        seen.append(latent)
        return random_prediction(noisy)

    batch = tiny.batch_of(*[3] * 400)
    batch = batch.replace(properties=torch.zeros(400, 1, dtype=torch.float64))
    denoiser = mixed(network, 5, tiny.seeded(), lambda inner: guided(inner, 2.0))
    for _ in range(2):
        denoiser(batch, tiny.at(batch, 1.0), None)
    assert len(seen) == 4
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[2], seen[3])
    assert not torch.equal(seen[0], seen[2])
    counts = torch.bincount(seen[0], minlength=5)
    assert len(counts) == 5
    assert (counts > 40).all()


def test_shares_are_those_of_the_likelihood() -> None:
    """Two draws of which one is worse by d nats an atom, in molecules of 3 and 10 atoms."""
    better, worse = ({"element": tiny.levels(first, first)} for first in (0.2, 0.7))
    shares = responsibilities([better, worse], tiny.levels(3, 10), floor=0.0)
    assert_close("shares", shares[1], 1 / (1 + tiny.levels(math.exp(1.5), math.exp(5.0))))
    assert_close("sum", shares.sum(0), torch.ones(2, dtype=torch.float64))


def test_positions_count_as_normal_density() -> None:
    """A mean squared error of e over the variance, of three components an atom, is 3 e/2 nats an atom."""
    one, other = ({"pos": tiny.levels(error)} for error in (0.0, 0.4))
    shares = responsibilities([one, other], tiny.levels(2), floor=0.0)
    assert float(shares[1, 0]) == pytest.approx(1 / (1 + math.exp(1.5 * 0.4 * 2)))


def test_a_part_is_shared_evenly() -> None:
    one, other = ({"bond": tiny.levels(loss)} for loss in (0.0, 100.0))
    shares = responsibilities([one, other], tiny.levels(5), floor=0.2)
    assert shares[:, 0].tolist() == pytest.approx([0.9, 0.1])
