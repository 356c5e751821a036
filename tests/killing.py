"""A training that is killed on the way, for the tests of what continues it."""

from pathlib import Path

import pytest

from moldiff.config.train import TrainOptions
from moldiff.molecules.batch import MoleculeBatch
from moldiff.stages.train import train
from moldiff.training.learner import Learner


def killed(options: TrainOptions, dataset: Path, out: Path, at: int = 6) -> list[int]:
    """Train until a step that kills the training; the steps that were begun."""
    real, steps = Learner.step, []

    def dies(self: Learner, batch: MoleculeBatch, number: int, fraction: float) -> dict[str, float]:
        steps.append(number)
        if number == at:
            raise SystemExit(137)
        return real(self, batch, number, fraction)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "step", dies)
        with pytest.raises(SystemExit):
            train(options, dataset, out)
    return steps
