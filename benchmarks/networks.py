"""Cost of moldiff's network beside two ordinary ones: `python -m benchmarks.networks`.

An evaluation and a training step of each network are timed in turn, round after round, so that what else the machine
does falls on all of them alike. Prints a Markdown table: milliseconds a molecule (median of the rounds) and the median
of the ratios within a round. One thread; float32; molecules are random, the arithmetic is the same.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.yardsticks import edge_graph_network, edge_product_network
from moldiff.config.network import TransformerOptions
from moldiff.diffusion.process import Process
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.levels import Levels
from moldiff.network.build import build_network
from moldiff.training.malloc import keep_large_buffers

VOCABULARY = Vocabulary((1, 6, 7, 8, 9), (-1, 0, 1))
SIGMA_DATA = 1.4
MARGINALS = {"element": [0.5, 0.3, 0.1, 0.08, 0.02], "charge": [0.01, 0.98, 0.01], "bond": [0.88, 0.1, 0.015, 0.005]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--atoms", type=int, nargs="+", default=[18, 44], help="atoms of the molecules")
    parser.add_argument("--pairs", type=int, default=10_000, help="ordered pairs of atoms in a batch, about")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_large_buffers()
    torch.manual_seed(0)
    networks: dict[str, nn.Module] = {
        "moldiff (4 layers, 128x0e + 32x1o)": build_network(TransformerOptions(), VOCABULARY, SIGMA_DATA),
        "EGNN of EDM's size (9 layers, 256 wide)": edge_graph_network(VOCABULARY, SIGMA_DATA),
        "e3nn products on edges, l ≤ 1 (6 layers, 128 + 32)": edge_product_network(VOCABULARY, SIGMA_DATA),
        "e3nn products on edges, l ≤ 2 (6 layers, 128 + 32 + 32)": edge_product_network(
            VOCABULARY, SIGMA_DATA, degree=2
        ),
    }
    process = Process.from_statistics(SIGMA_DATA, MARGINALS)
    print("| atoms | network | parameters | evaluation, ms a molecule | ratio | training step, ms a molecule | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for atoms in arguments.atoms:
        molecules = max(1, arguments.pairs // atoms**2)
        generator = torch.Generator().manual_seed(0)
        mask = torch.ones(molecules, atoms, dtype=torch.bool)
        blank = MoleculeBatch.blank(mask)
        clean = process.prior(blank, Levels.of(torch.ones(molecules), blank), generator)
        levels = Levels.of(torch.rand(molecules, generator=generator) + 0.1, clean)
        noisy = process.corrupt(clean, levels, generator)
        evaluation = {name: evaluating(network, noisy, levels) for name, network in networks.items()}
        training = {name: stepping(network, process, clean, noisy, levels) for name, network in networks.items()}
        times = [interleaved(jobs, arguments.rounds) for jobs in (evaluation, training)]
        reference = next(iter(networks))
        for name, network in networks.items():
            cells = [str(atoms), name, f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} M"]
            for measured in times:
                ratios = [own / base for own, base in zip(measured[name], measured[reference], strict=True)]
                cells += [f"{statistics.median(measured[name]) * 1e3 / molecules:.2f}"]
                cells += [f"{statistics.median(ratios):.1f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


def evaluating(network: nn.Module, noisy: MoleculeBatch, levels: Levels) -> Callable[[], object]:
    """One evaluation as in sampling."""

    def evaluate() -> object:
        with torch.inference_mode():
            return network(noisy, levels, None)

    return evaluate


def stepping(
    network: nn.Module, process: Process, clean: MoleculeBatch, noisy: MoleculeBatch, levels: Levels
) -> Callable[[], object]:
    """One step of training without self-conditioning: evaluation, loss, gradients, optimiser."""
    optimizer = torch.optim.AdamW(network.parameters(), 1e-5, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        process.total(process.loss(network(noisy, levels, None), clean, levels)).backward()
        optimizer.step()

    return step


def interleaved(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Processor seconds of each job in each round, after a round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(rounds + 1):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            if number:
                seconds[name].append(time.process_time() - start)
    return seconds


if __name__ == "__main__":
    main()
