"""Questions too slow for every record: asked of some, which the seed and the number of records decide."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from rdkit import Chem

from moldiff.config.check import CheckOptions
from moldiff.scoring.ask import ask_all, draw
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.molecule.validity import one_molecule
from moldiff.scoring.questions import QUESTIONS, Answer
from moldiff.scoring.score import Task

SLOW_TIMEOUT = 300.0
"""Seconds for a molecule's GFN2-xTB relaxation or PoseBusters run, where the option's limit is below."""


class Samples:
    """The drawn records, remembered while all records pass by, and the questions asked of them."""

    def __init__(self, options: CheckOptions, total: int | None) -> None:
        """Draw from ``total`` records, which is needed if any sample is wanted.

        Raises:
            UserError: a question needs something that is not installed.
        """
        self._timeout = max(options.timeout, SLOW_TIMEOUT)
        self._drawn: dict[str, frozenset[int]] = {}
        for question in QUESTIONS:
            if count := getattr(options, question.name):
                question.require()
                self._drawn[question.name] = frozenset(place + 1 for place in draw(total or 0, count, options.seed))
        self._tasks: dict[int, Task] = {}

    @staticmethod
    def wanted(options: CheckOptions) -> bool:
        """Whether any question is asked of a sample."""
        return any(getattr(options, question.name) for question in QUESTIONS)

    def watch(self, tasks: Iterator[Task]) -> Iterator[Task]:
        """The tasks as they are; drawn ones are remembered."""
        chosen = frozenset().union(*self._drawn.values())
        for task in tasks:
            if task.number in chosen:
                self._tasks[task.number] = task
            yield task

    def ask(self, workers: int) -> dict[int, dict[str, Any]]:
        """Columns by number of record, for drawn records that are valid and have coordinates.

        The records are read where they are asked: what others wrote may hang or crash, and costs its answer alone.
        """
        found: dict[int, dict[str, Any]] = {}
        for question in QUESTIONS:
            drawn = self._drawn.get(question.name, ())
            chosen = {number: task for number, task in sorted(self._tasks.items()) if number in drawn}
            if not chosen:
                continue
            answers = ask_all(
                partial(_asked, question.ask),
                list(chosen.values()),
                workers=workers,
                timeout=self._timeout,
                title=question.title,
            )
            for number, answer in zip(chosen, answers, strict=True):
                if answer is not None:
                    found.setdefault(number, {}).update(question.lost(answer) if isinstance(answer, str) else answer)
        return dict(sorted(found.items()))


def _asked(ask: Callable[[Chem.Mol], Answer], task: Task) -> Answer | None:
    """The answer for the molecule of a record, None where there is nothing to ask."""
    mol = _structure(task)
    return None if mol is None else ask(mol)


def _structure(task: Task) -> Chem.Mol | None:
    parsed = parse(task.record, task.charge)
    if parsed.mol is None or not parsed.bonds or not parsed.conformer:
        return None
    return one_molecule(parsed.mol)
