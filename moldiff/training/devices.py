"""Where torch computes: the choice of CPU or GPU, and Lightning Fabric for one process or many."""

import os
from contextlib import suppress

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


def new_fabric(options: TrainOptions) -> Fabric:
    """Fabric for the options; several CPU processes exchange gradients by gloo."""
    accelerator = options.accelerator if options.accelerator != "auto" else device_type()
    precision = {"float32": "32-true", "bfloat16": "bf16-mixed", "float64": "64-true"}[options.precision]
    processes = options.devices * options.nodes
    return Fabric(
        accelerator=accelerator,
        devices=options.devices,
        num_nodes=options.nodes,
        precision=precision,
        strategy="ddp" if processes > 1 else "auto",
        plugins=launcher(processes),
    )


def launcher(processes: int) -> ClusterEnvironment:
    """Who starts the processes: torchrun or srun where it has started them all, else this process itself.

    The variables of a Slurm job alone say nothing: a job of the workflow runs one task, whatever it trains on.

    Raises:
        UserError: srun was not told how many tasks a node has.
    """
    if processes > 1 and TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if processes > 1 and os.environ.get("SLURM_STEP_NUM_TASKS") == str(processes):
        try:
            return SLURMEnvironment(auto_requeue=False)  # whoever submitted the job submits it again
        except RuntimeError as error:
            raise UserError(f"srun: {error}; start it with --nodes and --ntasks-per-node") from None
    return LightningEnvironment()


def device_type() -> str:
    """The device: "cuda" if a GPU is there and works, else "cpu"; a variable that promises a GPU is not enough."""
    if torch.cuda.is_available():
        with suppress(RuntimeError):
            torch.zeros(1, device="cuda")
            return "cuda"
    return "cpu"
