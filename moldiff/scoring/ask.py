"""A question too slow to ask of every molecule, asked of many: in processes, with a time-out for each molecule."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from moldiff.parallel import Lost, in_order
from moldiff.progress import Progress

Answer = TypeVar("Answer")
Item = TypeVar("Item")


def draw(total: int, count: int, seed: int) -> list[int]:
    """Places of ``count`` of ``total`` molecules (of all, if there are fewer), ascending; the seed decides which."""
    return sorted(random.Random(seed).sample(range(total), min(count, total)))


def ask_all(
    question: Callable[[Item], Answer], items: Sequence[Item], *, workers: int, timeout: float, title: str
) -> list[Answer | str]:
    """The answer for each item in order, or the reason why there is none.

    Args:
        question: function of a module's top level that takes one item.
        items: what it is asked of, as it travels: records, since to read one may hang or crash as well.
        workers: processes; 0 uses all available cores.
        timeout: seconds for an item; then it is given up.
        title: word before the progress bar, and the lines of a log.
    """
    with Progress(title, "molecules", len(items)) as progress:
        answers = in_order(question, items, workers=workers, timeout=timeout, on_result=progress.update)
    return [answer.reason if isinstance(answer, Lost) else answer for answer in answers]
