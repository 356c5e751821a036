"""Results in the order of the items, and of one item apart."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from moldiff.errors import UserError
from moldiff.parallel.pool import SECONDS, Lost, default_workers, run_all

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    timeout: float,
    chunk: int = 1,
    on_result: Callable[[], object] = int,
) -> list[Result | Lost[Item]]:
    """Results of all items in their order; see `run_all`.

    Args:
        work: gives the result of one item.
        items: the items.
        workers: processes; 0 uses all available cores.
        timeout: seconds for one item.
        chunk: items handed to a process at a time.
        on_result: called once for each item.
    """
    results: dict[int, Result | Lost[Item]] = {}
    numbered = partial(_numbered, work)
    for piece in run_all(
        numbered, list, enumerate(items), workers=workers or default_workers(), chunk=chunk, timeout=timeout
    ):
        if isinstance(piece, Lost):
            results[piece.item[0]] = Lost(piece.item[1], piece.reason)
            on_result()
            continue
        for place, result in piece:
            results[place] = result
            on_result()
    return [results[place] for place in range(len(items))]


def apart(work: Callable[[Item], Result], item: Item, name: str, *, timeout: float = SECONDS) -> Result:
    """What a function gives for one item, in a process of its own.

    Raises:
        UserError: it hangs, crashes or needs too much memory; the message begins with the name. And whatever the
            function raises.
    """
    (result,) = in_order(work, [item], workers=1, timeout=timeout)
    if isinstance(result, Lost):
        raise UserError(f"{name}: {result.reason}")
    return result


def _numbered(work: Callable[[Item], Result], item: tuple[int, Item]) -> tuple[int, Result]:
    place, own = item
    return place, work(own)
