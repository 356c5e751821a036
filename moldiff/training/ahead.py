"""What the steps to come learn from, drawn ahead of them by other processes, so that a GPU does not wait for it.

A step is a function of its number, so it does not matter who draws it: the numbers are the same with any number of
workers. They come in the order of the steps.
"""

import signal
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from moldiff.config.train import TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.training.devices import available_cores, chosen_device
from moldiff.training.learner import Learner
from moldiff.training.objective import Drawn

MOST = 16
"""Workers of a process by default, at most: an H200 waited 8 % of its time for 15 of them."""


def drawn_steps(loader: MoleculeLoader, learner: Learner, start: int) -> Generator[Drawn]:
    """What each step from number ``start`` on learns from, without end.

    Args:
        loader: the molecules.
        learner: draws; its options say how many workers there are.
        start: number of the first step.
    """
    steps, workers = _Steps(loader, learner, start), worker_count(learner.options)
    if not workers:
        yield from steps
        return
    # a fork shares the molecules, and draws with no GPU
    yield from DataLoader(
        steps, batch_size=None, num_workers=workers, worker_init_fn=_unmoved, multiprocessing_context="fork",
        prefetch_factor=4, collate_fn=_as_it_is,
    )  # fmt: skip


def worker_count(options: TrainOptions) -> int:
    """Processes that draw ahead for each process of a training."""
    if options.workers is not None:
        return options.workers
    if chosen_device(options.accelerator) == "cpu":
        return 0
    return min(MOST, max(0, available_cores() // options.devices - 1))


@dataclass
class _Steps(IterableDataset[Drawn]):
    """All steps or, in a worker, every n-th of them."""

    loader: MoleculeLoader
    learner: Learner
    start: int

    def __iter__(self) -> Iterator[Drawn]:
        options, worker = self.learner.options, get_worker_info()
        first, every = (0, 1) if worker is None else (worker.id, worker.num_workers)
        batches = self.loader.order(options.batch_size, options.seed, self.start)
        for number, indices in enumerate(islice(batches, first, None, every)):
            yield self.learner.draw(self.loader.gather(indices), self.start + first + number * every)


def _as_it_is(drawn: Any) -> Drawn:
    return cast(Drawn, drawn)


def _unmoved(worker: int) -> None:
    """Signals that stop a training are for the process that saves its state: a worker ends with it."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
