"""The loop of training: it takes steps and yields; saving, logging, validation and signals live with its caller."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from moldiff.config.train import TrainOptions
from moldiff.training.learner import Learner
from moldiff.training.objective import Drawn


@dataclass
class Progress:
    """How far a training is; saved with its state."""

    step: int = 0
    molecules: int = 0
    seconds: float = 0.0

    def fraction(self, options: TrainOptions) -> float:
        """Share of the training that is done, by steps or by the limit on time, whichever is further."""
        timed = self.seconds / 60 / options.minutes if options.minutes else 0.0
        return min(1.0, max(self.step / options.steps, timed))


@dataclass(frozen=True)
class Report:
    """What a step came to.

    Attributes:
        losses: mean of each loss, unweighted.
        fraction: share of the training that is done after it.
        stopped: the training was asked to stop; no step follows.
    """

    losses: dict[str, float]
    fraction: float
    stopped: bool

    @property
    def done(self) -> bool:
        """Whether the training has reached its end."""
        return self.fraction >= 1


def steps(
    learner: Learner, progress: Progress, batches: Iterator[Drawn], asked: Callable[[], bool] = lambda: False
) -> Iterator[Report]:
    """The remaining steps of the training; the progress counts them.

    Args:
        learner: takes the steps.
        progress: is moved on by each step, before the report of it is yielded.
        batches: what is learned in each step to come.
        asked: whether this process was asked to stop.
    """
    options = learner.options
    start, before = time.monotonic(), progress.seconds
    fraction, _ = learner.agreed(progress.fraction(options), False)
    while fraction < 1:
        drawn = next(batches)
        losses = learner.step(drawn, progress.step, fraction)
        progress.step += 1
        progress.molecules += drawn.molecules
        progress.seconds = before + time.monotonic() - start
        fraction, stopped = learner.agreed(progress.fraction(options), asked())
        yield Report(losses, fraction, stopped)
        if stopped:
            return
