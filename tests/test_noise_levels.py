"""The benchmark of noise levels: all networks see the same noise, and a better one has the lower loss."""

import pytest
import torch
from torch import nn

from benchmarks.noise_levels import losses
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.levels import Levels
from tests import tiny
from tests.diffusion.test_process import exact_prediction


class Off(nn.Module):
    """Knows the molecules, but for an error of its positions, and remembers what it saw."""

    def __init__(self, clean: list[MoleculeBatch], error: float) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        self.clean, self.error, self.seen = clean, error, list[MoleculeBatch]()

    def forward(self, noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        own = next(batch for batch in self.clean if batch.mask.equal(noisy.mask))
        if previous is not None:
            self.seen.append(noisy)
        exact = exact_prediction(own)
        return Prediction(own.pos + self.error * own.mask[:, :, None], exact.element, exact.charge, exact.bond)


def test_the_same_noise_for_all_and_the_loss_of_the_error() -> None:
    batches = [tiny.batch_of(4, 5, seed=1), tiny.batch_of(6, 7, seed=2)]
    right, little, much = (Off(batches, error) for error in (0.0, 0.1, 0.2))
    found = [losses(network, tiny.process(), batches, 0.5, seed=3) for network in (right, little, much)]
    for one, other in zip(right.seen, much.seen, strict=True):
        assert one.pos.equal(other.pos)
        assert one.bond.equal(other.bond)
    assert not right.seen[0].pos.equal(batches[0].pos)
    (_, none), (total, some), (_, four_times) = found
    assert none.tolist() == pytest.approx([0] * 4, abs=1e-12)
    assert (four_times / some).tolist() == pytest.approx([4] * 4)
    assert total.shape == (4,)
    assert bool((total >= some).all())
