import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from moldiff.errors import UserError
from moldiff.parallel import Lost, apart, in_order, run_all
from moldiff.parallel.limits import limit_memory


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
    done, lost = results_of([*numbers[:5], "hang", *numbers[5:20], "crash", *numbers[20:]], chunk=16, timeout=3.0)
    assert done == sorted(numbers)
    assert lost["hang"].startswith("timeout: given up after 3 s")
    assert lost["crash"].startswith("crash")
    assert time.monotonic() - started < 30


def test_mistake_of_the_program_is_raised():
    with pytest.raises(KeyError, match="mistake"):
        results_of(["a", "mistake"])


def take(megabytes):
    return len(bytearray(megabytes << 20)) >> 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit it")
def test_items_that_need_too_much_memory_cost_only_themselves():
    pieces = list(run_all(take, list, [1, 300, 2], workers=1, chunk=3, timeout=20, memory=200 << 20))
    assert [(piece.item, piece.reason) for piece in pieces if isinstance(piece, Lost)] == [
        (300, "memory: needs more than 0.195 GB")
    ]
    assert sorted(one for piece in pieces if not isinstance(piece, Lost) for one in piece) == [1, 2]


def test_results_come_in_order_with_what_was_lost():
    found = in_order(work, ["a", "crash", "b", "hang", "c"], workers=2, timeout=1.0)
    assert [one.item if isinstance(one, Lost) else one for one in found] == ["a", "crash", "b", "hang", "c"]
    assert [isinstance(one, Lost) for one in found] == [False, True, False, True, False]


def test_one_item_apart_and_what_is_raised_there():
    assert apart(double, 4, "four") == 8
    with pytest.raises(UserError, match="the file: crash: the process"):
        apart(work, "crash", "the file")
    with pytest.raises(KeyError, match="mistake"):
        apart(work, "mistake", "the file")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's end")
def test_a_process_in_the_middle_of_an_item_ends_with_its_parent(tmp_path):
    code = (
        "import os, sys, time\nfrom pathlib import Path\nfrom moldiff.parallel import in_order\n"
        "def work(path):\n    Path(path).write_text(str(os.getpid()))\n    time.sleep(600)\n"
        "in_order(work, [sys.argv[1]], workers=1, timeout=600)\n"
    )
    path = tmp_path / "id"
    parent = subprocess.Popen([sys.executable, "-c", code, path])
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    while Path(f"/proc/{path.read_text()}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{path.read_text()}").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit it")
def test_another_process_is_held_to_its_memory():
    code = "import sys; print('ready', flush=True); sys.stdin.readline(); print(len(bytearray(300 << 20)))"
    for memory, status in ((2 << 30, 0), (100 << 20, 1)):
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            limit_memory(memory, process.pid)
            _, errors = process.communicate("go\n")
            assert process.returncode == status
            assert ("MemoryError" in errors) == bool(status)
    limit_memory(1 << 30, process.pid)  # it has ended
