"""Latent spaces of several atoms a node: trained, saved, sampled; the numbers of nodes; and what cannot be done."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.config.options import ConfigError, parse
from moldiff.config.train import TrainOptions
from moldiff.diffusion.process import Process
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.errors import UserError
from moldiff.models.checkpoint import load_model
from moldiff.network.latent import LatentNetwork
from moldiff.sampling.moves import moved
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.stages.train import train
from moldiff.training.autoencoding import AutoencodingObjective
from moldiff.training.objective import DenoisingObjective
from tests import tiny
from tests.symmetry import assert_close

BATCH = tiny.batch_of(7, 4, 3, 2)
GROUP = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("coarse")


@pytest.fixture(scope="module")
def molecules() -> list[Any]:
    return tiny.random_molecules(24)


@pytest.fixture(scope="module")
def dataset(folder: Path, molecules: list[Any]) -> Path:
    return tiny.dataset(folder / "dataset", molecules, valid=4).folder


@pytest.fixture(scope="module")
def latent(folder: Path, dataset: Path) -> Path:
    asked = tiny.train_options(objective="autoencode", autoencode={"channels": 4, "group": GROUP})
    coder = train(asked, dataset, folder / "coder")
    return train(tiny.train_options(autoencoder=str(coder)), dataset, folder / "latent")


def test_losses_of_parts_are_those_of_the_whole() -> None:
    network, noise = tiny.latent_network(group=GROUP), NoiseDistribution()
    process = Process.of_latents(tiny.SIGMA_DATA, network.space.channels)
    for made in (
        AutoencodingObjective(tiny.autoencoder(group=GROUP), tiny.process(), 10.0),
        DenoisingObjective(network, process, noise, 0.5, space=network.space),
    ):
        whole = tiny.losses(made, BATCH, tiny.seeded(3), slice(None))
        for rank in range(3):
            part = slice(rank, None, 3)
            for name, loss in tiny.losses(made, BATCH, tiny.seeded(3), part).items():
                assert_close(name, loss, whole[name][part])


def test_one_file_holds_autoencoder_denoiser_and_numbers_of_nodes(latent: Path, molecules: list[Any]) -> None:
    coder, made = load_model(latent.parent.parent / "coder" / "model.safetensors"), load_model(latent)
    assert isinstance(made.network, LatentNetwork)
    assert made.network.vocabulary.placeholder
    assert made.space.group == coder.network.options.group == GROUP
    for name, value in coder.network.state_dict().items():
        assert torch.equal(made.network.autoencoder.state_dict()[name], value), name
    assert made.network.slots.leaving.weight.any(), "what moves the slots apart has learned"
    sizes = [len(one.atomic_numbers) for one in molecules[:-4]]
    assert not coder.statistics.nodes
    assert sum(made.statistics.nodes.values()) == len(sizes)
    # chains: groups of a chain leave at most one end short
    assert min(made.statistics.nodes) == -(-min(sizes) // GROUP)
    assert max(made.statistics.nodes) < max(sizes)
    assert made.statistics.sizes == coder.statistics.sizes


def test_a_number_of_nodes_is_drawn_and_the_decoder_says_how_many_atoms(latent: Path) -> None:
    sampler, options = Sampler.load(latent), {"steps": 3, "accelerator": "cpu", "threads": 1, "sanitize": False}
    plan = Plan.of(tiny.sample_options(n=400))
    drawn = np.bincount([batch.atoms for batch in plan.batches(sampler.model.statistics) for _ in batch.indices])
    nodes = sampler.model.statistics.nodes
    assert set(np.flatnonzero(drawn).tolist()) == set(nodes)
    expected = np.array([nodes[size] for size in sorted(nodes)]) / sum(nodes.values())
    assert drawn[sorted(nodes)] / 400 == pytest.approx(expected, abs=0.1)
    once, again = (sampler.sample(6, seed=3, restarts=1, **options) for _ in range(2))
    assert len(once) > 0
    for one, other in zip(once, again, strict=True):
        assert one.GetNumAtoms() <= GROUP * max(nodes)
        assert one.GetConformer().GetPositions().tolist() == other.GetConformer().GetPositions().tolist()


def test_molecules_are_raised_and_made_again(latent: Path) -> None:
    sampler, plan = Sampler.load(latent), Plan.of(tiny.sample_options(restarts=0))
    known = [
        MoleculeArrays(
            one.positions.astype(np.float64), one.atomic_numbers, one.formal_charges, one.bonds, one.bond_orders
        )
        for one in tiny.random_molecules(5, seed=4)
    ]
    assert len(moved(sampler, plan, known, 0.5, 0.0, 1)) == 5


def test_further_training_keeps_the_groups(latent: Path, dataset: Path, tmp_path: Path) -> None:
    further = load_model(train(tiny.train_options(start_from=str(latent), steps=2), dataset, tmp_path / "further"))
    assert further.space.group == GROUP
    assert further.statistics.nodes == load_model(latent).statistics.nodes


@pytest.mark.parametrize("options", [{"atoms": "6"}, {"atoms": "4:8"}])
def test_a_number_of_atoms_cannot_be_asked_for(latent: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="decides how many atoms the molecules have; leave the number out"):
        Sampler.load(latent).sample(2, steps=2, **options)


def test_empty_slots_need_the_charge_0(tmp_path: Path) -> None:
    words = {"elements": [6, 7, 8, 9], "charges": [1], "bonds": [0, 1, 2, 3]}
    charged = {**tiny.MARGINALS, "charge": [1.0]}
    dataset = tiny.dataset(tmp_path / "set", tiny.random_molecules(4), vocabulary=words, marginals=charged).folder
    with pytest.raises(UserError, match=r"autoencode.group needs the charge 0, and the dataset has only \[1\]"):
        train(tiny.train_options(objective="autoencode", autoencode={"group": 2}), dataset, tmp_path / "run")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"autoencode": {"group": 2}}, "autoencode needs objective: autoencode"),
        ({"objective": "autoencode", "autoencode": {"group": 0}}, "group"),
        ({"objective": "autoencode", "start_from": "file", "autoencode": {"group": 2}}, "autoencode.group cannot be"),
    ],
)
def test_options_that_contradict_each_other_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse(TrainOptions, values)
