import os
import time

import pytest

from moldiff.parallel import Lost, run_all


def work(item):
    if item == "hang":
        time.sleep(60)
    if item == "crash":
        os._exit(3)
    if item == "mistake":
        raise KeyError(item)
    time.sleep(0.02)
    return item


def results_of(items, *, workers=2, chunk=8, timeout=1.0):
    done, lost = [], {}
    for piece in run_all(work, list, iter(items), workers=workers, chunk=chunk, timeout=timeout):
        if isinstance(piece, Lost):
            lost[piece.item] = piece.reason
        else:
            done += piece
    return sorted(done), lost


def double(number):
    if number == 13:
        time.sleep(60)
    return number * 2


def test_steps_follow_each_other_and_may_hang():
    pieces = list(run_all(int, list, map(str, range(40)), then=(double, str), workers=1, chunk=40, timeout=0.5))
    assert [piece.item for piece in pieces if isinstance(piece, Lost)] == ["13"]
    done = sorted(int(text) for piece in pieces if not isinstance(piece, Lost) for text in piece)
    assert done == [2 * number for number in range(40) if number != 13]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_comes_back_once(workers):
    assert results_of(range(61), workers=workers) == (list(range(61)), {})
    assert results_of([]) == ([], {})


def test_hanging_and_crashing_items_cost_only_themselves():
    numbers = [str(number) for number in range(30)]
    started = time.monotonic()
    done, lost = results_of([*numbers[:5], "hang", *numbers[5:20], "crash", *numbers[20:]], chunk=16)
    assert done == sorted(numbers)
    assert lost["hang"].startswith("timeout: given up after 1 s")
    assert lost["crash"].startswith("crash")
    assert time.monotonic() - started < 30


def test_mistake_of_the_program_is_raised():
    with pytest.raises(KeyError, match="mistake"):
        results_of(["a", "mistake"])
