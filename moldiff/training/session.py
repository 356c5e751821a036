"""A training from its saved state to its end: saved, followed, logged, and stopped where it is asked to."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from moldiff.config.train import TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.errors import UserError
from moldiff.training.ahead import drawn_steps
from moldiff.training.learner import Learner
from moldiff.training.log import MetricsLog
from moldiff.training.loop import Progress, Report, steps
from moldiff.training.progress import Shown
from moldiff.training.state import REMEDY, load_state, save_state

FREE = frozenset(
    {
        "devices",
        "oversubscribe",
        "nodes",
        "threads",
        "workers",
        "accelerator",
        "validate_every",
        "checkpoint_every",
        "sample_every",
        "sample_count",
    }
)
"""Options that do not decide what is learned: a training goes on with others."""


class Interrupted(Exception):
    """The training was asked to stop (SIGTERM or SIGINT) and has saved its state; the same command continues it."""


@dataclass(frozen=True)
class Followers:
    """What is measured along the way, for the log.

    Attributes:
        validation: the validation loss of the averaged network, by all processes; None where there is no held-out set.
        sampled: rates of molecules made with the averaged network, by the first process.
    """

    validation: Callable[[], float] | None = None
    sampled: Callable[[], dict[str, float]] | None = None


@dataclass(frozen=True)
class Session:
    """One training: call `run`; what it learned is in the learner's average.

    Attributes:
        learner: takes the steps.
        loader: the molecules to learn from.
        state: folder of the state from which a killed training resumes.
        log: where metrics go.
        followers: what is measured for the log.
    """

    learner: Learner
    loader: MoleculeLoader
    state: Path
    log: MetricsLog
    followers: Followers = Followers()

    def run(self) -> Progress:
        """Train to the end, from the saved state if there is one.

        Raises:
            Interrupted: SIGTERM or SIGINT came; the state is saved.
            UserError: the loss is not finite, or the saved state is of another training.
        """
        learner, log, options = self.learner, self.log, self.learner.options
        progress = self.resumed()
        with (
            asked_by_signal() as asked,
            closing(drawn_steps(self.loader, learner, progress.step)) as batches,
            Shown(options.steps, options.minutes, enabled=learner.rank == 0) as shown,
        ):
            for report in steps(learner, progress, batches, asked):
                log.add(report.losses)
                row = None
                if report.done or progress.step % log.every == 0:
                    rate = learner.rate(options, progress.step, report.fraction)
                    row = log.close_row(progress, rate, self._measured(progress, report))
                shown.update(progress, report.fraction, row)
                if report.done or report.stopped or progress.step % options.checkpoint_every == 0:
                    self.save(progress)
                if report.stopped and not report.done:
                    raise Interrupted(
                        f"stopped at step {progress.step} of {options.steps}; the state is in {self.state}"
                    )
        return progress

    def _measured(self, progress: Progress, report: Report) -> dict[str, float]:
        options, measured = self.learner.options, dict[str, float]()

        def due(every: int) -> bool:
            return report.done or progress.step % every < self.log.every

        if self.followers.validation is not None and due(options.validate_every):
            measured["valid_loss"] = self.followers.validation()
        sampled = self.followers.sampled
        if sampled is not None and self.learner.rank == 0 and options.sample_every and due(options.sample_every):
            measured |= sampled()
        return measured

    def save(self, progress: Progress) -> None:
        """Write the state; all processes wait for the first, which writes."""
        if self.learner.rank == 0:
            content = {
                "options": _identity(self.learner.options),
                **self.learner.state(),
                "log": self.log.pending(),
                "progress": asdict(progress),
            }
            save_state(self.state / "state.pt", content)
        self.learner.fabric.barrier()

    def resumed(self) -> Progress:
        """The saved progress, with learner and log set to it; the beginning if there is none.

        Raises:
            UserError: it is damaged, or of another training.
        """
        path = self.state / "state.pt"
        if not path.exists():
            self.log.restart(0)
            return Progress()
        content = load_state(path)
        if content.get("options") != _identity(self.learner.options):
            raise UserError(f"{path}: saved by a training with other options; give another --state, or --overwrite")
        try:
            self.learner.load(content)
            progress = Progress(**content["progress"])
            self.log.restart(progress.step, content["log"])
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            message = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise UserError(f"{path}: holds no state of this training ({message}); {REMEDY}") from None
        if progress.step >= self.log.every and not self.log.path.exists():
            raise UserError(f"{self.log.path}: is missing beside the saved state; put it back, or {REMEDY}")
        return progress


@contextmanager
def asked_by_signal() -> Iterator[Callable[[], bool]]:
    """Whether SIGTERM or SIGINT has come within the block; the handlers from before are set back at its end.

    The second one is theirs: who asks again wants no state saved.
    """
    signalled = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        before = previous[signal.Signals(number)]
        if signalled.is_set() and callable(before):
            before(number, frame)
        signalled.set()

    if threading.current_thread() is not threading.main_thread():
        yield signalled.is_set
        return
    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield signalled.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _identity(options: TrainOptions) -> dict[str, Any]:
    return options.model_dump(exclude=set(FREE))
