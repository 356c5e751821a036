"""Cost of the kinds of network by the size of molecules: `python -m benchmarks.large`.

An evaluation and a training step of each network are timed in turn, round after round, as in `benchmarks.networks`;
random molecules with the density of real ones and about two bonds an atom. "Around the body" is the network without its
layers: the embeddings and heads of all pairs. Peak memory is what two training steps add to that of a process (Linux).
One thread; float32.
"""

import argparse
import multiprocessing
import statistics
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.networks import SIGMA_DATA, VOCABULARY, evaluating, interleaved, stepping
from moldiff.config.network import network_options
from moldiff.diffusion.process import Process
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.levels import Levels
from moldiff.network.body import Atoms
from moldiff.network.build import build_network
from moldiff.network.graph import CompleteGraph
from moldiff.training.malloc import keep_large_buffers

KINDS: dict[str, dict[str, object]] = {
    "transformer": {},
    "unet": {"kind": "unet"},
    "unet, atoms alone": {"kind": "unet", "levels": 1},
}
SPACING = 2.2
"""Cube root of the volume of an atom, Å: a molecule's radius grows with the cube root of its size."""


class Nothing(nn.Module):
    """A body that does nothing."""

    def __init__(self, atom_channels: int, pair_channels: int) -> None:
        super().__init__()
        self.atom_channels, self.pair_channels = atom_channels, pair_channels

    def forward(self, atoms: Atoms, pairs: Tensor, condition: Tensor, graph: CompleteGraph) -> tuple[Atoms, Tensor]:
        """What enters."""
        return atoms, pairs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--atoms", type=int, nargs="+", default=[18, 44, 60, 120, 200], help="atoms of the molecules")
    parser.add_argument("--pairs", type=int, default=10_000, help="ordered pairs of atoms in a batch, about")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="beside the transformer")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    kinds = list(dict.fromkeys(["transformer", *arguments.kinds]))
    # before buffers are kept, which would hide what is allocated
    peaks = {(atoms, kind): peak(kind, atoms, arguments.pairs) for atoms in arguments.atoms for kind in kinds}
    keep_large_buffers()
    print("| atoms | network | evaluation, ms a molecule | ratio | training step, ms a molecule | ratio | peak, MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for atoms in arguments.atoms:
        networks = {kind: made(kind) for kind in kinds}
        networks |= {f"{kind}, around the body": around(made(kind)) for kind in kinds}
        process, clean, noisy, levels = molecules(atoms, arguments.pairs)
        evaluation = {name: evaluating(network, noisy, levels) for name, network in networks.items()}
        training = {name: stepping(network, process, clean, noisy, levels) for name, network in networks.items()}
        times = [interleaved(jobs, arguments.rounds) for jobs in (evaluation, training)]
        for name in networks:
            cells = [str(atoms), name]
            for measured in times:
                ratios = [own / base for own, base in zip(measured[name], measured["transformer"], strict=True)]
                cells += [f"{statistics.median(measured[name]) * 1e3 / len(clean):.2f}"]
                cells += [f"{statistics.median(ratios):.2f}"]
            cells += [str(peaks.get((atoms, name), ""))]
            print(f"| {' | '.join(cells)} |", flush=True)


def made(kind: str) -> nn.Module:
    """An untrained network of a kind."""
    return build_network(network_options(KINDS[kind], kind), VOCABULARY, SIGMA_DATA)


def around(network: nn.Module) -> nn.Module:
    """The network without its layers."""
    network.body = Nothing(network.body.atom_channels, network.body.pair_channels)
    return network


def molecules(atoms: int, pairs: int) -> tuple[Process, MoleculeBatch, MoleculeBatch, Levels]:
    """A process, molecules, the same with noise, and its levels."""
    count, bonds = max(1, pairs // atoms**2), 2.1 / (atoms - 1)
    marginals = {
        "element": [0.5, 0.3, 0.1, 0.08, 0.02],
        "charge": [0.01, 0.98, 0.01],
        "bond": [1 - bonds, 0.8 * bonds, 0.15 * bonds, 0.05 * bonds],
    }
    process, generator = Process.from_statistics(SIGMA_DATA, marginals), torch.Generator().manual_seed(0)
    blank = MoleculeBatch.blank(torch.ones(count, atoms, dtype=torch.bool))
    clean = process.prior(blank, Levels.of(torch.ones(count), blank), generator)
    clean = clean.replace(pos=clean.pos * (SPACING * atoms ** (1 / 3) / 2 / clean.pos.std()))
    levels = Levels.of(torch.rand(count, generator=generator) + 0.1, clean)
    return process, clean, process.corrupt(clean, levels, generator), levels


def peak(kind: str, atoms: int, pairs: int) -> int:
    """What two training steps add to the largest memory of a process, MiB."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_peak, (kind, atoms, pairs))


def _peak(kind: str, atoms: int, pairs: int) -> int:
    network, (process, clean, noisy, levels) = made(kind), molecules(atoms, pairs)
    small = molecules(4, 16)
    stepping(made(kind), small[0], *small[1:])()  # loads what is loaded once
    Path("/proc/self/clear_refs").write_text("5")  # the largest memory counts from here
    before = _memory("VmHWM")
    step = stepping(network, process, clean, noisy, levels)
    for _ in range(2):
        step()
    return (_memory("VmHWM") - before) // 1024


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
