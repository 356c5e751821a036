"""Where a training step's time goes, against the arithmetic it must do: `python -m benchmarks.arithmetic DATASET`.

Prints two Markdown tables: the kinds of operations of a step with their share of its time, and each module of the
network with its multiplications and additions and the time they would take at the rate of a large matrix product.
One thread, float32, processor time.
"""

import argparse
import time
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.rates import untrained
from moldiff.dataset.loader import MoleculeLoader
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.models.checkpoint import Model
from moldiff.molecules.levels import Levels

KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm"),
    "gathers and their gradients": ("index_select", "index_add_", "scatter_add_", "index", "gather", "index_put_"),
    "copies": ("copy_", "cat", "clone", "fill_", "constant_pad_nd", "zero_"),
    "norms and softmax": (
        "native_layer_norm", "native_layer_norm_backward", "_softmax", "_softmax_backward_data", "_log_softmax",
        "_log_softmax_backward_data", "sum", "mean",
    ),
    "elementwise": (
        "mul", "add", "sub", "div", "exp", "silu", "silu_backward", "add_", "mul_", "addcmul", "neg", "sqrt", "rsqrt",
        "pow", "where", "masked_fill_", "clamp_max",
    ),
    "optimiser": ("_fused_adamw_",),
}  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="a featurized dataset")
    parser.add_argument("--batch-size", type=int, default=24)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    model, loader = untrained(arguments.dataset)
    step = Step(model, loader, arguments.batch_size)
    for _ in range(5):
        step()
    kinds(step, arguments.steps)
    modules(step)


class Step:
    """A training step without self-conditioning, always on the same molecules."""

    def __init__(self, model: Model, loader: MoleculeLoader, batch_size: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.clean = loader.gather(next(iter(loader.batches(batch_size, 0, 0))))
        self.levels = Levels.of(NoiseDistribution().draw(len(self.clean), generator), self.clean)
        self.noisy = model.process.corrupt(self.clean, self.levels, generator)
        self.network, self.process = model.network, model.process
        self.optimizer = torch.optim.AdamW(model.network.parameters(), 1e-5, fused=True)

    def __call__(self) -> None:
        """Take the step."""
        self.optimizer.zero_grad(set_to_none=True)
        losses = self.process.loss(self.network(self.noisy, self.levels, None), self.clean, self.levels)
        self.process.total(losses).backward()
        self.optimizer.step()


def kinds(step: Step, steps: int) -> None:
    """The first table."""
    start = time.process_time()
    for _ in range(steps):
        step()
    seconds = (time.process_time() - start) / steps
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(steps):
            step()
    events = {event.key.removeprefix("aten::"): event for event in profiled.key_averages()}
    total = sum(event.self_cpu_time_total for event in events.values())
    print(
        f"A step takes {seconds * 1e3:.0f} ms; {len(step.clean.mask)} molecules of {step.clean.mask.shape[1]} atoms.\n"
    )
    print("| operations | calls a step | share of the time |\n| --- | --- | --- |")
    remaining = total
    for kind, names in KINDS.items():
        measured = [events[name] for name in names if name in events]
        spent = sum(event.self_cpu_time_total for event in measured)
        remaining -= spent
        print(f"| {kind} | {sum(event.count for event in measured) / steps:.0f} | {100 * spent / total:.0f} % |")
    print(f"| Python, autograd, views and the rest | | {100 * remaining / total:.0f} % |\n", flush=True)


def modules(step: Step) -> None:
    """The second table: the forward pass, module by module."""
    rate = matrix_rate()
    with FlopCounterMode(display=False, depth=4) as counter, torch.no_grad():
        step.network(step.noisy, step.levels, None)
    counts = {name: sum(by.values()) for name, by in counter.get_flop_counts().items()}
    spent = {name: seconds(step, module) for name, module in step.network.named_modules() if name.count(".") <= 2}
    print(
        f"Floating-point operations of an evaluation, and what they must take at {rate / 1e9:.0f} billion a second:\n"
    )
    print("| module | million operations | must take, ms | takes, ms |\n| --- | --- | --- | --- |")
    for name, measured in spent.items():
        count = counts.get(f"DenoisingNetwork.{name}" if name else "DenoisingNetwork", 0)
        if measured is not None:
            row = name or "the whole network"
            print(f"| {row} | {count / 1e6:.0f} | {count / rate * 1e3:.1f} | {measured * 1e3:.1f} |")


def seconds(step: Step, module: torch.nn.Module, rounds: int = 10) -> float | None:
    """Processor time of the module in an evaluation; None if it is not called as a module."""
    times: list[float] = []
    started: list[float] = []
    handles = [
        module.register_forward_pre_hook(lambda *_: started.append(time.process_time())),
        module.register_forward_hook(lambda *_: times.append(time.process_time() - started.pop())),
    ]
    with torch.no_grad():
        for _ in range(rounds):
            step.network(step.noisy, step.levels, None)
    for handle in handles:
        handle.remove()
    return sum(times) / rounds if times else None


def matrix_rate(size: int = 512, rounds: int = 50) -> float:
    """Operations a second of a square matrix product."""
    first, second = torch.randn(size, size), torch.randn(size, size)
    for _ in range(5):
        first @ second
    start = time.process_time()
    for _ in range(rounds):
        first @ second
    return 2 * size**3 * rounds / (time.process_time() - start)


if __name__ == "__main__":
    main()
