"""Cost of an evaluation in latent spaces of several atoms a node, by the size of molecules.

    python -m benchmarks.coarse dataset --groups 1 2 3

``dataset`` is a featurized set, whose molecules of about each size say how many nodes they take. Untrained networks of
the default widths are timed in turn, as in `benchmarks.networks`: the denoiser of molecules, the denoisers in latent
spaces, and the decoding of latents, which sampling does twice a molecule. With a previous prediction, as in sampling.
One thread; float32; processor time.
"""

import argparse
import statistics
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.large import molecules
from benchmarks.networks import SIGMA_DATA, VOCABULARY, interleaved
from moldiff.config.autoencode import AutoencoderOptions
from moldiff.config.network import network_options
from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import open_dataset
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.grouping import grouped, nodes
from moldiff.molecules.latents import LatentBatch, LatentLevels
from moldiff.network.build import build_autoencoder, build_latent_network, build_network
from moldiff.network.latent import LatentNetwork
from moldiff.training.malloc import keep_large_buffers

NEAR = 2
"""Atoms by which molecules of the set may differ from a size; of a larger size the largest ones say how many nodes."""
CODER = {"layers": 2, "irreps": "64x0e + 16x1o", "pairs": 32, "hidden": 64, "heads": 4}
"""The small encoder and decoder of the log's runs."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--groups", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--atoms", type=int, nargs="+", default=[18, 28, 44, 60])
    parser.add_argument("--pairs", type=int, default=10_000, help="ordered pairs of atoms in a batch, about")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    keep_large_buffers()
    dataset = open_dataset(arguments.dataset)
    assert dataset.info.vocabulary is not None
    words = Vocabulary(tuple(dataset.info.vocabulary.elements), tuple(dataset.info.vocabulary.charges))
    loader = MoleculeLoader.of(dataset, "train", words)
    print("| atoms | network | nodes | evaluation, ms a molecule | beside the direct one | decoding, ms |")
    print("| --- | --- | --- | --- | --- | --- |")
    for atoms in arguments.atoms:
        _, clean, noisy, levels = molecules(atoms, arguments.pairs)
        direct = build_network(network_options({}, "transformer"), VOCABULARY, SIGMA_DATA).eval()
        with torch.inference_mode():
            previous = direct(noisy, levels, None)
        jobs = {"direct": lambda direct=direct, clean=noisy, at=levels, seen=previous: direct(clean, at, seen)}
        taken = {group: round(atoms / per_node(loader, atoms, group)) for group in arguments.groups}
        for group, count in taken.items():
            network = latent_network(group)
            states, at = latents(len(clean), count, group, network.space.channels)
            with torch.inference_mode():
                seen = network(states, at)
            jobs[f"latent, group {group}"] = lambda network=network, states=states, at=at, seen=seen: network(
                states, at, seen
            )
            jobs[f"decoding {group}"] = lambda network=network, states=states: network.space.leave(states)
        with torch.inference_mode():
            times = interleaved(jobs, arguments.rounds)
        for name in ("direct", *(f"latent, group {group}" for group in taken)):
            group = int(name.rpartition(" ")[2]) if name != "direct" else 0
            ratios = [own / base for own, base in zip(times[name], times["direct"], strict=True)]
            milliseconds, decoding = (
                f"{statistics.median(times[one]) * 1e3 / len(clean):.2f}" if one in times else ""
                for one in (name, f"decoding {group}")
            )
            cells = [str(atoms), name, str(taken.get(group, "")), milliseconds, f"{statistics.median(ratios):.2f}"]
            print(f"| {' | '.join([*cells, decoding])} |", flush=True)


def per_node(loader: MoleculeLoader, atoms: int, group: int) -> float:
    """Atoms a node in molecules of about this size."""
    size = min(atoms, int(loader.sizes.max()) - NEAR)
    near = ((loader.sizes - size).abs() <= NEAR).nonzero()[:500, 0]
    batch: MoleculeBatch = loader.gather(near)
    count: Tensor = nodes(grouped(batch, group), group)
    return float(batch.sizes.sum() / count.sum())


def latent_network(group: int) -> LatentNetwork:
    """An untrained denoiser of the default widths in an untrained latent space."""
    described = AutoencoderOptions(
        network=network_options(CODER, "coder"), channels=8 if group == 1 else 16, noise=0.1, group=group
    )
    vocabulary = Vocabulary(VOCABULARY.elements, VOCABULARY.charges, placeholder=group > 1)
    coder = build_autoencoder(described, vocabulary, SIGMA_DATA)
    return build_latent_network(network_options({}, "transformer"), coder).eval()


def latents(count: int, size: int, group: int, channels: int) -> tuple[LatentBatch, LatentLevels]:
    """Random latents of so many nodes, and their levels."""
    mask, random = torch.ones(count, size, dtype=torch.bool), torch.Generator().manual_seed(0)
    pos = 3 * torch.randn(count, size * group, 3, generator=random)
    states = LatentBatch(pos, torch.randn(count, size, channels, generator=random), mask)
    return states, LatentLevels.of(torch.rand(count, generator=random) + 0.1, states)


if __name__ == "__main__":
    main()
