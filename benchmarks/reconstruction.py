"""How well an autoencoder gives molecules back, without and with noise on their latents.

    python -m benchmarks.reconstruction autoencoder.safetensors dataset --split valid

``dataset`` is a featurized set. A graph is right if all elements, charges and bonds of the molecule are, each atom
being compared with itself. The error of positions is the mean distance of an atom from where it was, both molecules
centred and not turned; molecules whose graph is wrong count too. The same molecule: its SMILES without stereo is the
same, so that Kekulé structures of one aromatic system are no difference.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.placeholders import placeholders
from moldiff.dataset.storage import open_dataset
from moldiff.diffusion.process import Process
from moldiff.errors import UserError
from moldiff.models.checkpoint import load_model
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.latents import LatentLevels
from moldiff.network.autoencoder import Autoencoder
from moldiff.network.latent import LatentNetwork
from moldiff.sampling.decode import Decoder
from moldiff.scoring.molecule.keys import flat_key
from moldiff.scoring.molecule.validity import one_molecule


def main() -> None:
    """Read weights and molecules, print a row for each level of noise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("weights", type=Path, help="of an autoencoder, or of a denoiser in its latent space")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--split", default="train", choices=["train", "valid", "test"])
    parser.add_argument("--limit", type=int, default=2000, help="molecules at most, evenly from the split")
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 0.03, 0.05, 0.1, 0.2])
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = autoencoder_of(arguments.weights)
    model = load_model(arguments.weights)
    loader = MoleculeLoader.of(open_dataset(arguments.dataset), arguments.split, network.vocabulary, known_only=True)
    chosen = torch.arange(len(loader))[:: max(1, len(loader) // arguments.limit)][: arguments.limit]
    chosen = chosen[loader.sizes[chosen].argsort(stable=True)]
    batches = [loader.gather(indices) for indices in chosen.split(64)]
    decoder = Decoder(network.vocabulary, model.statistics.hydrogens)
    print(f"{len(chosen)} molecules of {arguments.dataset}, split {arguments.split}")
    print("noise, Å  graphs right, %  same molecule, %  places wrong, of 10,000  position error, Å  bonded distance, Å")
    for noise in arguments.noise:
        print(row(network, decoder, batches, noise), flush=True)


def autoencoder_of(path: Path) -> Autoencoder:
    """The autoencoder of a weights file.

    Raises:
        UserError: it holds none.
    """
    network = load_model(path).network
    if isinstance(network, LatentNetwork):
        return network.autoencoder
    if isinstance(network, Autoencoder):
        return network
    raise UserError(f"{path}: holds no autoencoder; train one with --objective autoencode")


def row(network: Autoencoder, decoder: Decoder, batches: list[MoleculeBatch], noise: float) -> str:
    """The measures of all molecules with this noise on their latents, Å."""
    right, same, wrong, places = 0, 0, 0, 0
    errors: list[float] = []
    stretches: list[float] = []
    for clean, made in reconstructed(network, batches, noise):
        differing = differences(clean, made)
        right += int((differing == 0).sum())
        wrong += int(differing.sum())
        places += int(2 * clean.mask.sum() + clean.pair_mask.sum())
        atoms = clean.mask & ~placeholders(clean, network.vocabulary)
        errors += (made.pos - clean.pos).norm(dim=2)[atoms].tolist()
        lengths = [one.pos[:, clean.pairs.row] - one.pos[:, clean.pairs.column] for one in (clean, made)]
        stretches += (lengths[1].norm(dim=2) - lengths[0].norm(dim=2)).abs()[clean.bond > 0].tolist()
        keys = [[one_molecule(decoder.rdkit(each)) for each in decoder.arrays(one)] for one in (clean, made)]
        same += sum(a is not None and b is not None and flat_key(a) == flat_key(b) for a, b in zip(*keys, strict=True))
    count = sum(len(batch) for batch in batches)
    return (
        f"{noise:<9g} {100 * right / count:<16.2f} {100 * same / count:<17.2f} {1e4 * wrong / places:<24.3f} "
        f"{np.mean(errors):<18.4f} {np.mean(stretches):.4f}"
    )


@torch.no_grad()
def reconstructed(
    network: Autoencoder, batches: list[MoleculeBatch], noise: float
) -> Iterator[tuple[MoleculeBatch, MoleculeBatch]]:
    """Each batch, and what it is after encoding and decoding; the decoder is told of the noise."""
    process, random = Process.of_latents(network.sigma_data, network.options.channels), Generator().manual_seed(0)
    for clean in batches:
        sigma = torch.full((len(clean),), noise)
        clean = network.arranged(clean)
        encoded = network.encode(clean)
        latents = process.corrupt(encoded, LatentLevels.of(sigma, encoded), random)
        yield clean, network.decode(latents, sigma).likeliest(clean.mask)


def differences(clean: MoleculeBatch, made: MoleculeBatch) -> Float[Tensor, " molecule"]:
    """How many elements, charges and bonds of each molecule differ."""
    differing: list[Bool[Tensor, "molecule place"]] = [
        getattr(clean, name) != getattr(made, name) for name in ("element", "charge", "bond")
    ]
    return torch.cat(differing, 1).sum(1).float()


if __name__ == "__main__":
    main()
