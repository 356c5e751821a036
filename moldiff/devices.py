"""Where torch computes: the choice of CPU or GPU, and Lightning Fabric for one process or many."""

from contextlib import suppress

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments import LightningEnvironment

from moldiff.config import TrainOptions


def new_fabric(options: TrainOptions) -> Fabric:
    """Fabric for the options; several CPU processes exchange gradients by gloo."""
    accelerator = options.accelerator if options.accelerator != "auto" else device_type()
    precision = {"float32": "32-true", "bfloat16": "bf16-mixed", "float64": "64-true"}[options.precision]
    several = options.devices * options.nodes > 1
    return Fabric(
        accelerator=accelerator,
        devices=options.devices,
        num_nodes=options.nodes,
        precision=precision,
        strategy="ddp" if several else "auto",
        # one process alone: the variables of a Slurm job it may run in say nothing about this training
        plugins=None if several else LightningEnvironment(),
    )


def device_type() -> str:
    """The device: "cuda" if a GPU is there and works, else "cpu"; a variable that promises a GPU is not enough."""
    if torch.cuda.is_available():
        with suppress(RuntimeError):
            torch.zeros(1, device="cuda")
            return "cuda"
    return "cpu"
