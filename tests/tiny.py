"""Tiny things of each kind that tests are made of: molecules, a process, networks, a featurized set, options."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from moldiff.config.autoencode import AutoencoderOptions
from moldiff.config.network import network_options
from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions
from moldiff.dataset.storage import (
    ARRAYS_FILE,
    REJECTED_FILE,
    TABLE_FILE,
    FeaturizedDataset,
    RaggedMolecules,
    open_dataset,
    string_table,
    write_arrays,
    write_info,
    write_table,
)
from moldiff.diffusion.process import Process
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.levels import Given, Levels
from moldiff.network.autoencoder import Autoencoder
from moldiff.network.build import build_autoencoder, build_latent_network, build_network
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.network.latent import LatentNetwork

VOCABULARY = Vocabulary((6, 7, 8, 9), (-1, 0, 1))
MARGINALS = {"element": [0.55, 0.2, 0.15, 0.1], "charge": [0.05, 0.9, 0.05], "bond": [0.6, 0.25, 0.1, 0.05]}
SIGMA_DATA = 1.2
NETWORK = {"layers": 2, "irreps": "16x0e + 4x1o", "pairs": 8, "hidden": 16, "heads": 2}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def process() -> Process:
    return Process.from_statistics(SIGMA_DATA, MARGINALS)


def mask_of(*sizes: int) -> torch.Tensor:
    return torch.arange(max(sizes)) < torch.tensor(sizes)[:, None]


def batch_of(*sizes: int, seed: int = 0, spread: float = 1.5) -> MoleculeBatch:
    """Random molecules in float64."""
    blank = MoleculeBatch.blank(mask_of(*sizes), torch.float64)
    return process().prior(blank, at(blank, spread), seeded(seed))


def levels(*sigmas: float) -> torch.Tensor:
    return torch.tensor(sigmas, dtype=torch.float64)


def at(batch: MoleculeBatch, *sigmas: float, given: Given | None = None) -> Levels:
    """The levels of molecules at these σ, one for all or one for each."""
    return Levels.of(levels(*sigmas).expand(len(batch)), batch, given)


def pattern(batch: MoleculeBatch, seed: int = 0) -> Given:
    """Random places given, of each modality its own; but for every third molecule some positions."""
    generator = seeded(seed)
    share = torch.rand(len(batch), 1, generator=generator)

    def drawn(mask: torch.Tensor) -> torch.Tensor:
        return torch.rand(mask.shape, generator=generator) < share

    pos = drawn(batch.mask)
    pos[:, 0] = True
    pos = pos & (torch.arange(len(batch)) % 3 != 2)[:, None]
    return Given.of(batch, pos=pos, element=drawn(batch.mask), charge=drawn(batch.mask), bond=drawn(batch.pair_mask))


def network(*, randomised: bool = True, seed: int = 0, **options: Any) -> DenoisingNetwork:
    """A network in float64; randomised: no parameter is zero, those neither that begin as zeros."""
    torch.manual_seed(seed)
    made = build_network(network_options({**NETWORK, **options}, "tiny"), VOCABULARY, SIGMA_DATA)
    return (_randomised(made) if randomised else made).double().eval()


def autoencoder(
    *, randomised: bool = True, seed: int = 0, channels: int = 5, noise: float = 0.1, group: int = 1, **options: Any
) -> Autoencoder:
    """An autoencoder in float64; randomised as `network` says."""
    torch.manual_seed(seed)
    body = network_options({**NETWORK, **options}, "tiny")
    described = AutoencoderOptions(network=body, channels=channels, noise=noise, group=group)
    made = build_autoencoder(described, replace(VOCABULARY, placeholder=group > 1), SIGMA_DATA)
    return (_randomised(made) if randomised else made).double().eval()


def latent_network(*, randomised: bool = True, seed: int = 0, group: int = 1, **options: Any) -> LatentNetwork:
    """A denoiser in the latent space of `autoencoder`, in float64."""
    coder = autoencoder(randomised=randomised, group=group)
    made = build_latent_network(network_options({**NETWORK, **options}, "tiny"), coder)
    torch.manual_seed(seed)
    return (_randomised(made) if randomised else made).double().eval()


def _randomised(made: torch.nn.Module) -> Any:
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    return made


def losses(objective: Any, clean: MoleculeBatch, random: torch.Generator, part: slice) -> dict[str, torch.Tensor]:
    """What an objective says of molecules, drawn and computed at once."""
    result: dict[str, torch.Tensor] = objective(objective.draw(clean, random, part))
    return result


def carbamoyl_fluoride() -> SimpleNamespace:
    """FC(=O)N without hydrogens, planar: four atoms of four elements, so that it is known in any order."""
    return SimpleNamespace(
        positions=np.array([[0, 0, 0], [1.36, 0, 0], [-0.6, 1.05, 0], [-0.7, -1.15, 0]], np.float32),
        atomic_numbers=np.array([6, 9, 8, 7], np.uint8),
        formal_charges=np.zeros(4, np.int8),
        bonds=np.array([[0, 1], [0, 2], [0, 3]], np.uint16),
        bond_orders=np.array([1, 2, 1], np.uint8),
    )


def branched(seed: int = 0) -> SimpleNamespace:
    """CC(N)(O)F in some pose, of either hand."""
    random = np.random.default_rng(seed)
    corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * random.choice([-0.9, 0.9])
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    return SimpleNamespace(
        positions=(corners @ turn * np.linalg.det(turn)).astype(np.float32),
        atomic_numbers=np.array([6, 6, 7, 8, 9], np.uint8),
        formal_charges=np.zeros(5, np.int8),
        bonds=np.array([[0, 1], [0, 2], [0, 3], [0, 4]], np.uint16),
        bond_orders=np.ones(4, np.uint8),
    )


def random_molecules(number: int, seed: int = 0) -> list[SimpleNamespace]:
    """Chains of 1 to 9 random atoms at random places."""
    random = np.random.default_rng(seed)
    result = []
    for atoms in random.integers(1, 10, number):
        first = np.arange(atoms - 1)
        result.append(
            SimpleNamespace(
                positions=random.normal(2, 1.5, (atoms, 3)).astype(np.float32),
                atomic_numbers=random.choice(VOCABULARY.elements, atoms).astype(np.uint8),
                formal_charges=random.choice(VOCABULARY.charges, atoms).astype(np.int8),
                bonds=np.stack([first, first + 1], 1).astype(np.uint16),
                bond_orders=random.integers(1, 4, atoms - 1).astype(np.uint8),
            )
        )
    return result


def dataset(folder: Path, molecules: list[SimpleNamespace], *, valid: int = 0, **info: Any) -> FeaturizedDataset:
    """A featurized set of these molecules, the last ``valid`` of them held out."""
    folder.mkdir(parents=True, exist_ok=True)
    write_arrays(folder / ARRAYS_FILE, RaggedMolecules.stack(molecules))
    splits = ["train"] * (len(molecules) - valid) + ["valid"] * valid
    # Random molecules have no SMILES that RDKit reads; a chain of as many carbons stands for each.
    smiles = ["C" * len(each.atomic_numbers) for each in molecules]
    columns = {"id": [f"m{i}" for i in range(len(molecules))], "smiles": smiles, "split": splits}
    table = string_table(columns, {"id": pa.string()})
    write_table(folder / TABLE_FILE, table)
    (folder / REJECTED_FILE).write_text("source,record,id,reason\n")
    centred = np.concatenate([each.positions - each.positions.mean(0) for each in molecules])
    known = {
        "records_read": len(molecules),
        "molecules": len(molecules),
        "conformers": len(molecules),
        "vocabulary": {
            "elements": list(VOCABULARY.elements),
            "charges": list(VOCABULARY.charges),
            "bonds": [0, 1, 2, 3],
        },
        "marginals": MARGINALS,
        "sizes": {str(size): count for size, count in Counter(len(each.atomic_numbers) for each in molecules).items()},
        "position_std": float(centred.std()) or 1.0,
        "hydrogens": "implicit",
    }
    write_info(folder, {**known, **info})
    return open_dataset(folder)


def train_options(**options: Any) -> TrainOptions:
    """A short training on one thread of the processor."""
    return TrainOptions(
        **{
            "network": NETWORK,
            "steps": 8,
            "batch_size": 8,
            "warmup_steps": 2,
            "accelerator": "cpu",
            "threads": 1,
            "checkpoint_every": 4,
            **options,
        }
    )


def sample_options(**options: Any) -> SampleOptions:
    """A quick sampling on one thread of the processor."""
    return SampleOptions(**{"n": 12, "steps": 4, "accelerator": "cpu", "threads": 1, **options})
