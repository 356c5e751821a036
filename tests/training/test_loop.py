"""Training: what is learned follows from seed and step alone, however often it is interrupted or shared out."""

import math
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from moldiff.dataset.loader import MoleculeLoader
from moldiff.errors import UserError
from moldiff.molecules.batch import MoleculeBatch
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.training.log import MetricsLog
from moldiff.training.loop import Data, Interrupted, Progress, Trainer, parameter_groups
from tests import tiny
from tests.symmetry import assert_close


def trainer(
    folder: Path,
    *,
    irreps: str = tiny.NETWORK["irreps"],
    sampled: Callable[..., dict[str, float]] | None = None,
    **options: Any,
) -> Trainer:
    """A tiny training of its own folder on 60 random molecules."""
    featurized = folder / "dataset"
    made = tiny.dataset(featurized, tiny.random_molecules(60), valid=10)
    data = Data(*(MoleculeLoader.of(made, split, tiny.VOCABULARY) for split in ("train", "valid")))
    log = MetricsLog(folder / "metrics.csv", vars(tiny.process().weights), every=options.pop("every", 4))
    network = tiny.network(irreps=irreps).float()
    chosen = tiny.train_options(**options)
    return Trainer(chosen, network, tiny.process(), data, folder / "state", log, sampled or (lambda network: {}))


def weights(trained: Trainer) -> dict[str, torch.Tensor]:
    """What was learned: the averaged and the last weights."""
    both = {"average": trained.average.module, "last": trained.network}
    return {
        f"{kind}.{name}": each.detach().clone() for kind, net in both.items() for name, each in net.named_parameters()
    }


def assert_same_weights(one: Trainer, other: Trainer) -> None:
    expected, actual = weights(one), weights(other)
    assert all(torch.equal(actual[name], value) for name, value in expected.items())


def stopped_before(broken: Trainer, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run, and die without warning where this step would begin, as by SIGKILL."""
    real = broken.step

    def dying(batch: MoleculeBatch) -> tuple[dict[str, float], int]:
        if broken.progress.step == step:
            raise SystemExit(137)
        return real(batch)

    monkeypatch.setattr(broken, "step", dying)
    with pytest.raises(SystemExit):
        broken.run()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    made = trainer(tmp_path_factory.mktemp("undisturbed"))
    made.run()
    return made


def test_training_moves_the_weights_and_counts(undisturbed: Trainer, tmp_path: Path) -> None:
    assert undisturbed.progress.step == 8
    assert 8 * 4 < undisturbed.progress.molecules < 8 * 12
    before = dict(tiny.network().float().named_parameters())
    moved = [
        not torch.equal(each, before[name]) for name, each in undisturbed.network.named_parameters() if each.numel()
    ]
    assert all(moved)
    assert [row["step"] for row in undisturbed.log.rows] == [4, 8]
    assert "valid_loss" in undisturbed.log.rows[-1]


def test_training_is_repeatable(undisturbed: Trainer, tmp_path: Path) -> None:
    again = trainer(tmp_path)
    again.run()
    assert_same_weights(undisturbed, again)
    assert again.log.rows[-1]["valid_loss"] == undisturbed.log.rows[-1]["valid_loss"]


@pytest.mark.parametrize("step", [2, 4, 6])
def test_killed_training_resumes_to_the_same_weights(
    step: int, undisturbed: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_before(trainer(tmp_path), step, monkeypatch)
    resumed = trainer(tmp_path)
    resumed.run()
    assert resumed.progress.step == 8
    assert resumed.progress.molecules == undisturbed.progress.molecules
    assert_same_weights(undisturbed, resumed)
    assert [int(row["step"]) for row in resumed.log.rows] == [4, 8]


def test_a_row_that_was_half_full_when_killed_is_the_same(
    undisturbed: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_before(trainer(tmp_path, checkpoint_every=3), 5, monkeypatch)
    resumed = trainer(tmp_path, checkpoint_every=3)
    resumed.run()
    timed = ("minutes", "molecules_per_second")
    expected, found = (
        [{name: value for name, value in row.items() if name not in timed} for row in made.log.rows]
        for made in (undisturbed, resumed)
    )
    assert [{name: str(value) for name, value in row.items()} for row in found] == [
        {name: str(value) for name, value in row.items()} for row in expected
    ]


def test_sigterm_saves_and_says_so(undisturbed: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = trainer(tmp_path)
    real, handler = asked.step, signal.getsignal(signal.SIGTERM)

    def terminated(batch: MoleculeBatch) -> tuple[dict[str, float], int]:
        if asked.progress.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(batch)

    monkeypatch.setattr(asked, "step", terminated)
    with pytest.raises(Interrupted, match="step 3 of 8"):
        asked.run()
    assert signal.getsignal(signal.SIGTERM) is handler
    resumed = trainer(tmp_path)
    resumed.run()
    assert_same_weights(undisturbed, resumed)


def test_finished_training_has_nothing_left_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer(tmp_path).run()
    again = trainer(tmp_path)
    monkeypatch.setattr(again, "step", lambda batch: pytest.fail("a finished training takes no step"))
    assert again.run().step == 8


@pytest.mark.parametrize("options", [{"seed": 1}, {"learning_rate": 3e-3}, {"batch_size": 4}, {"steps": 9}])
def test_state_of_another_training_is_refused(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_before(trainer(tmp_path), 6, monkeypatch)
    with pytest.raises(UserError, match=r"state\.pt.*other options"):
        trainer(tmp_path, **options).run()


def test_how_often_to_save_may_change(undisturbed: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_before(trainer(tmp_path), 6, monkeypatch)
    resumed = trainer(tmp_path, checkpoint_every=1, validate_every=2, threads=2)
    resumed.run()
    assert_same_weights(undisturbed, resumed)


def test_damaged_state_is_the_users_to_remove(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "state.pt").write_bytes(b"half a file")
    with pytest.raises(UserError, match=r"state\.pt.*remove it"):
        trainer(tmp_path).run()


def test_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    broken = trainer(tmp_path)
    with torch.no_grad():
        broken.network.node_head.bias[0] = torch.inf
    with pytest.raises(UserError, match="not finite at step 0.*learning_rate"):
        broken.run()
    assert not (tmp_path / "state" / "state.pt").exists()


def test_learning_rate_warms_up_and_ends_near_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    made = trainer(tmp_path, steps=20, warmup_steps=5, learning_rate=1.0, checkpoint_every=100)

    def noted(batch: MoleculeBatch) -> tuple[dict[str, float], int]:
        rates.append(made._learning_rate())
        return dict.fromkeys(("pos", "element", "charge", "bond"), 0.0), 1

    monkeypatch.setattr(made, "step", noted)
    made.run()
    cosine = [(1 + math.cos(math.pi * step / 20)) / 2 for step in range(20)]
    assert rates == pytest.approx([min(1, (step + 1) / 5) * value for step, value in enumerate(cosine)])


def test_training_stops_at_its_limit_of_time(tmp_path: Path) -> None:
    made = trainer(tmp_path, steps=10_000, minutes=0.01)
    assert made.run().step < 10_000
    assert made.progress.fraction(made.options) == 1


def test_progress_goes_by_steps_or_by_time() -> None:
    options = tiny.train_options(steps=100, minutes=2.0)
    assert Progress(step=50, seconds=12.0).fraction(options) == 0.5
    assert Progress(step=5, seconds=60.0).fraction(options) == 0.5
    assert Progress(step=5, seconds=600.0).fraction(options) == 1
    assert Progress(step=5).fraction(tiny.train_options(steps=10)) == 0.5


def test_noise_levels_are_drawn_as_the_options_say(tmp_path: Path) -> None:
    drawn = trainer(tmp_path, log_sigma_mean=-2.0, log_sigma_deviation=0.5).noise.draw(20_000, torch.Generator()).log()
    assert drawn.mean().item() == pytest.approx(-2.0, abs=0.02)
    assert drawn.std().item() == pytest.approx(0.5, abs=0.02)


def test_average_forgets_the_first_weights_sooner(undisturbed: Trainer) -> None:
    assert not torch.equal(undisturbed.average.module.node_head.weight, undisturbed.network.node_head.weight)
    assert int(undisturbed.average.n_averaged) == 8


def test_sampled_rates_reach_the_log(tmp_path: Path) -> None:
    calls: list[DenoisingNetwork] = []

    def sampled(network: DenoisingNetwork) -> dict[str, float]:
        calls.append(network)
        return {"sampled_valid": 0.5, "sampled_unique": 0.25}

    made = trainer(tmp_path, sampled=sampled, sample_every=4, steps=6)
    made.run()
    assert [row.get("sampled_valid") for row in made.log.rows] == ["0.5", "0.5"]
    assert calls[0] is made.average.module


def test_bfloat16_with_self_conditioning_trains_every_weight(tmp_path: Path) -> None:
    # older torch keeps autocast's casts of the pass without gradients; used again, they leave most weights without one
    still = {}
    for precision in ("float32", "bfloat16"):
        options = {"precision": precision, "self_conditioning": 1.0, "steps": 1, "warmup_steps": 0, "weight_decay": 0.0}
        made = trainer(tmp_path / precision, **options)
        before = {name: each.detach().clone() for name, each in made.network.named_parameters()}
        made.run()
        after = made.network.named_parameters()
        still[precision] = [name for name, each in after if each.numel() and torch.equal(each, before[name])]
    # what takes in features has none to take in before the first layer has made them
    first = [f"layers.0.{name}.weight" for name in ("vector_norm", "from_vector.maps.0", "from_gathered.maps.0")]
    assert still["float32"] == still["bfloat16"] == first


def test_weight_decay_spares_vectors() -> None:
    matrices, vectors = parameter_groups(tiny.network(), 0.1)
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.1, 0.0)
    assert {each.dim() for each in vectors["params"]} == {1}
    assert len(matrices["params"]) + len(vectors["params"]) == len(list(tiny.network().parameters()))


def one_of_several(rank: int, port: int, folder: Path, options: dict[str, Any], signalled: int | None) -> None:
    """A process of a training, as a launcher would start it; writes what it learned."""
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0", "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
    }  # fmt: skip
    made = trainer(folder / f"rank{rank}", devices=2, **options)
    real = made.step

    def step(batch: MoleculeBatch) -> tuple[dict[str, float], int]:
        if signalled == rank and made.progress.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(batch)

    made.step = step
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
def test_two_processes_learn_what_one_learns(irreps: str, tmp_path: Path) -> None:
    options = {"precision": "float64", "steps": 20, "warmup_steps": 0, "irreps": irreps, "every": 1}
    alone = trainer(tmp_path / "alone", **options)
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
