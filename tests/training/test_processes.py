"""Several processes learn together what one learns alone."""

import multiprocessing
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
import torch

from moldiff.training.objective import Pattern
from moldiff.training.session import Interrupted
from tests.symmetry import assert_close
from tests.training.tiny_session import before_step, random_pattern, session, weights


def one_of_several(rank: int, port: int, folder: Path, options: dict[str, Any], signalled: int | None) -> None:
    """A process of a training, as a launcher would start it; writes what it learned."""
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0", "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
    }  # fmt: skip
    made = session(folder / f"rank{rank}", devices=2, oversubscribe=True, **options)
    if signalled == rank:
        before_step(made, 2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    outcome = "finished"
    try:
        made.run()
    except Interrupted as interrupted:
        outcome = str(interrupted)
    torch.save({"weights": weights(made), "outcome": outcome, "rows": made.log.rows}, folder / f"rank{rank}.pt")


def two_processes(folder: Path, options: dict[str, Any], signalled: int | None = None) -> list[dict[str, Any]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")  # torch is loaded already: a fresh process would take seconds
    processes = [
        context.Process(target=one_of_several, args=(rank, port, folder, options, signalled)) for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        if process.is_alive():
            process.kill()
    assert [process.exitcode for process in processes] == [0, 0]
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.mark.parametrize("irreps", ["16x0e + 4x1o", "16x0e + 4x1o + 4x2e"])
@pytest.mark.parametrize("pattern", [None, random_pattern], ids=["nothing given", "patterns"])
def test_two_processes_learn_what_one_learns(irreps: str, pattern: Pattern | None, tmp_path: Path) -> None:
    options = {"precision": "float64", "steps": 20, "warmup_steps": 0, "irreps": irreps, "every": 1}
    options["pattern"] = pattern
    alone = session(tmp_path / "alone", **options)
    alone.run()
    expected = weights(alone)
    both = two_processes(tmp_path, options)
    for rank, result in enumerate(both):
        assert result["outcome"] == "finished"
        for name, value in expected.items():
            assert value.dtype == torch.float64
            assert_close(f"{name} of process {rank}", result["weights"][name], value)
    alone_losses, losses = ([float(row["loss"]) for row in rows] for rows in (alone.log.rows, both[0]["rows"]))
    assert len(losses) == 20
    assert losses == pytest.approx(alone_losses, rel=1e-5)


def test_sigterm_to_one_process_stops_both_at_the_same_step(tmp_path: Path) -> None:
    both = two_processes(tmp_path, {"steps": 6}, signalled=1)
    assert all(result["outcome"].startswith("stopped at step 3 of 6") for result in both)
