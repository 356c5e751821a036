"""Where torch computes: the choice of CPU or GPU, and Lightning Fabric for one process or many."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)

from moldiff.config.train import TrainOptions
from moldiff.errors import UserError

FEW_THREADS = 2
"""Threads of a sampling by default: one and two give the same bytes, three and four others."""


def new_fabric(options: TrainOptions) -> Fabric:
    """Fabric for the options; several CPU processes exchange gradients by gloo.

    Raises:
        UserError: a GPU is asked for where none works, or more devices than a node has.
    """
    accelerator = chosen_device(options.accelerator)
    processes = options.devices * options.nodes
    starter = launcher(processes)
    there = torch.cuda.device_count() if accelerator == "cuda" else available_cores()
    if options.devices > there and isinstance(starter, LightningEnvironment) and not options.oversubscribe:
        what = "GPUs" if accelerator == "cuda" else "processor cores"
        raise UserError(f"devices {options.devices}: there are {there} {what}; ask for fewer, or set oversubscribe")
    torch.set_float32_matmul_precision("high" if options.precision == "tensorfloat32" else "highest")
    precision = {"bfloat16": "bf16-mixed", "float64": "64-true"}.get(options.precision, "32-true")
    return Fabric(
        accelerator=accelerator,
        devices=options.devices,
        num_nodes=options.nodes,
        precision=precision,
        strategy="ddp" if processes > 1 else "auto",
        plugins=starter,
    )


def launcher(processes: int) -> ClusterEnvironment:
    """Who starts the processes: torchrun or srun where it has started them all, else this process itself.

    The variables of a Slurm job alone say nothing: a job of the workflow runs one task, whatever it trains on.

    Raises:
        UserError: srun was not given the number of tasks per node.
    """
    if processes > 1 and TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if processes > 1 and os.environ.get("SLURM_STEP_NUM_TASKS") == str(processes):
        try:
            return SLURMEnvironment(auto_requeue=False)  # whoever submitted the job submits it again
        except RuntimeError as error:
            raise UserError(f"srun: {error}; start it with --nodes and --ntasks-per-node") from None
    return LightningEnvironment()


def is_first_process(options: TrainOptions) -> bool:
    """Whether this is the only process of a training or, of several, the one that writes."""
    environment = launcher(options.devices * options.nodes)
    return environment.node_rank() == 0 and environment.local_rank() == 0


def available_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chosen_device(accelerator: str) -> str:
    """The device, "cuda" or "cpu", that an option names; auto takes a GPU where one works.

    Raises:
        UserError: a GPU is asked for where none works.
    """
    working = device_type()
    if accelerator == "cuda" and working != "cuda":
        raise UserError("accelerator cuda: there is no GPU that works here; use auto or cpu")
    return working if accelerator == "auto" else accelerator


def device_type() -> str:
    """The device: "cuda" if a GPU is there and works, else "cpu"; a variable that promises a GPU is not enough."""
    if torch.cuda.is_available():
        with suppress(RuntimeError):
            torch.zeros(1, device="cuda")
            return "cuda"
    return "cpu"


@contextmanager
def torch_threads(threads: int) -> Iterator[int]:
    """Sets torch's threads for a block and yields their number; 0 takes the cores this process may use."""
    before, chosen = torch.get_num_threads(), threads or available_cores()
    torch.set_num_threads(chosen)
    try:
        yield chosen
    finally:
        torch.set_num_threads(before)
