"""Where torch computes, and who starts the processes."""

from typing import Any

import pytest
import torch

from moldiff.errors import UserError
from moldiff.training import devices
from moldiff.training.devices import chosen_device, device_type, launcher, new_fabric
from tests import tiny


def test_a_gpu_that_is_only_promised_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise RuntimeError("no CUDA device")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "zeros", failing)
    assert device_type() == "cpu"


def test_a_gpu_that_is_asked_for_must_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert (chosen_device("auto"), chosen_device("cpu")) == ("cpu", "cpu")
    for ask in (lambda: chosen_device("cuda"), lambda: new_fabric(tiny.train_options(accelerator="cuda"))):
        with pytest.raises(UserError, match="accelerator cuda: there is no GPU that works here; use auto or cpu"):
            ask()


def test_no_more_devices_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "available_cores", lambda: 2)
    with pytest.raises(UserError, match="devices 99: there are 2 processor cores; .*oversubscribe"):
        new_fabric(tiny.train_options(devices=99))
    new_fabric(tiny.train_options(devices=2))
    new_fabric(tiny.train_options(devices=3, oversubscribe=True))


@pytest.mark.parametrize(
    ("variables", "processes", "expected"),
    [
        ({}, 2, "LightningEnvironment"),
        ({"SLURM_NTASKS": "1", "SLURM_STEP_NUM_TASKS": "1"}, 2, "LightningEnvironment"),  # a job of the workflow
        ({"SLURM_NTASKS": "2"}, 2, "LightningEnvironment"),  # a batch script that calls no srun
        ({"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_STEP_NUM_TASKS": "2"}, 2, "SLURMEnvironment"),
        ({"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2"}, 1, "LightningEnvironment"),
        ({"TORCHELASTIC_RUN_ID": "none"}, 2, "TorchElasticEnvironment"),
    ],
)
def test_who_starts_the_processes(
    variables: dict[str, str], processes: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TORCHELASTIC_RUN_ID", "SLURM_NTASKS", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert type(launcher(processes)).__name__ == expected


def test_srun_without_the_tasks_of_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE", raising=False)
    monkeypatch.setenv("SLURM_NTASKS", "2")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    with pytest.raises(UserError, match="--ntasks-per-node"):
        launcher(2)
