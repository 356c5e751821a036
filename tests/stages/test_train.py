import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from moldiff.config.train import TrainOptions
from moldiff.dataset.storage import open_dataset
from moldiff.dataset.validation import DatasetInfo, MarginalsInfo, VocabularyInfo
from moldiff.errors import UserError
from moldiff.models.checkpoint import load_model
from moldiff.models.start import start_model
from moldiff.sampling.following import sampled_rates
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.stages.train import train
from tests import tiny


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.dataset(tmp_path_factory.mktemp("dataset"), tiny.random_molecules(40), valid=8).folder


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = tiny.train_options(sample_every=8, sample_count=2)
    return train(options, dataset, tmp_path_factory.mktemp("training"))


def test_training_leaves_weights_metrics_and_a_record(trained: Path, dataset: Path) -> None:
    model, folder = load_model(trained), trained.parent
    assert model.statistics.sizes == load_info(dataset).sizes
    assert model.history["steps"] == 8
    assert model.history["options"]["network"]["layers"] == 2
    assert model.history["dataset"]["sha256"] == open_dataset(dataset).info.sha256
    written = json.loads((folder / "train.json").read_text())
    assert written["steps"] == 8
    assert written["finished"].endswith("Z")
    header, last = (folder / "metrics.csv").read_text().splitlines()
    row = dict(zip(header.split(","), last.split(","), strict=True))
    assert row["step"] == "8"
    assert float(row["valid_loss"]) > 0
    assert 0 <= float(row["sampled_valid"]) <= 1
    assert list((folder / "state" / "tensorboard").iterdir())
    made = Sampler.load(trained).sample(3, steps=2, threads=1, accelerator="cpu")
    assert len(made) == 3


def load_info(folder: Path) -> DatasetInfo:
    return open_dataset(folder).info


def test_same_command_again_changes_nothing_and_overwrite_begins_anew(dataset: Path, tmp_path: Path) -> None:
    path = train(tiny.train_options(steps=3), dataset, tmp_path)
    before = path.read_bytes()
    assert train(tiny.train_options(steps=3), dataset, tmp_path).read_bytes() == before
    with pytest.raises(UserError, match="other options"):
        train(tiny.train_options(steps=2), dataset, tmp_path)
    train(tiny.train_options(steps=2), dataset, tmp_path, overwrite=True)
    assert load_model(path).history["steps"] == 2


def test_state_of_another_dataset_is_refused(dataset: Path, tmp_path: Path) -> None:
    other = tiny.dataset(tmp_path / "other", tiny.random_molecules(12), valid=2).folder
    train(tiny.train_options(steps=2), dataset, tmp_path / "out")
    with pytest.raises(UserError, match="another dataset"):
        train(tiny.train_options(steps=2), other, tmp_path / "out")
    train(tiny.train_options(steps=2), other, tmp_path / "out", overwrite=True)


def test_weights_are_the_average_and_follow_from_the_seed(dataset: Path, tmp_path: Path) -> None:
    one, same, other = (
        load_file(train(tiny.train_options(steps=2, seed=seed), dataset, tmp_path / name))
        for name, seed in (("one", 0), ("same", 0), ("other", 1))
    )
    assert all(torch.equal(one[name], value) for name, value in same.items())
    assert not torch.equal(one["heads.atom.weight"], other["heads.atom.weight"])


def test_dataset_without_anything_to_learn_from(tmp_path: Path) -> None:
    held_out = tiny.dataset(tmp_path / "dataset", tiny.random_molecules(4), valid=4)
    with pytest.raises(UserError, match="no molecule is in the train split"):
        train(tiny.train_options(), held_out.folder, tmp_path / "out")
    with pytest.raises(UserError, match=r"dataset\.json"):
        train(tiny.train_options(), tmp_path / "nothing", tmp_path / "out")


class TestFineTuning:
    def options(self, trained: Path, **more: Any) -> TrainOptions:
        return tiny.train_options(start_from=str(trained), steps=2, **more)

    def test_begins_with_the_weights_and_their_noise(self, trained: Path, dataset: Path) -> None:
        even = {name: [1 / len(values)] * len(values) for name, values in tiny.MARGINALS.items()}
        other = {"sizes": {7: 5}, "marginals": MarginalsInfo(**even), "position_std": 9.0}
        info = load_info(dataset).model_copy(update=other)
        start, given = start_model(self.options(trained), info), load_model(trained)
        for name, value in given.network.state_dict().items():
            assert torch.equal(start.network.state_dict()[name], value), name
        assert start.statistics.marginals == given.statistics.marginals
        assert start.statistics.sigma_data == given.statistics.sigma_data
        assert start.statistics.sizes == {7: 5}

    def test_runs(self, trained: Path, dataset: Path, tmp_path: Path) -> None:
        tuned = load_file(train(self.options(trained), dataset, tmp_path))
        assert not torch.equal(tuned["heads.atom.weight"], load_file(trained)["heads.atom.weight"])

    def test_the_handedness_alone_learns(self, trained: Path, tmp_path: Path) -> None:
        molecules = [tiny.branched(seed) for seed in range(12)]
        folder = tiny.dataset(tmp_path / "dataset", molecules, valid=2).folder
        network = {**tiny.NETWORK, "chirality": True}
        options = self.options(trained, learn="chirality", network=network, tasks={"conformer": 1.0, "new": 1.0})
        tuned, before = load_file(train(options, folder, tmp_path / "out")), load_file(trained)
        assert all(torch.equal(tuned[name], value) for name, value in before.items())
        added = set(tuned) - set(before)
        assert added
        assert all(name.startswith("chirality.") for name in added)
        assert tuned["chirality.layers.2.weight"].any()
        assert load_model(tmp_path / "out/model.safetensors").statistics == load_model(trained).statistics
        again = self.options(tmp_path / "out/model.safetensors", learn="chirality", tasks={"conformer": 1.0})
        assert set(load_file(train(again, folder, tmp_path / "again"))) == set(tuned)
        with pytest.raises(UserError, match=r"knows no handedness; learn: chirality needs network\.chirality"):
            train(self.options(trained, learn="chirality"), folder, tmp_path / "none")

    def test_fewer_elements_keep_the_meaning_of_the_weights(self, trained: Path, dataset: Path) -> None:
        fewer = {
            "vocabulary": VocabularyInfo(elements=[6, 8], charges=[0]),
            "marginals": MarginalsInfo(element=[0.5, 0.5], charge=[1.0], bond=[0.25] * 4),
        }
        info = load_info(dataset).model_copy(update=fewer)
        assert start_model(self.options(trained), info).network.vocabulary == tiny.VOCABULARY

    def test_molecules_that_the_weights_do_not_know_are_left_out(
        self, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        molecules = tiny.random_molecules(40)
        molecules[3].atomic_numbers[0], molecules[5].atomic_numbers[0], molecules[5].formal_charges[0] = 5, 14, 2
        folder = tiny.dataset(tmp_path / "dataset", molecules).folder
        train(self.options(trained), folder, tmp_path / "out")
        said = (
            "left out 2 of 40 molecules that the weights do not know: 2 with the elements B, Si; 1 with the charges +2"
        )
        assert said in capsys.readouterr().err
        assert json.loads((tmp_path / "out/train.json").read_text())["left_out"] == said
        assert sum(load_model(tmp_path / "out/model.safetensors").statistics.sizes.values()) == 38

    def test_nothing_that_the_weights_know(self, trained: Path, tmp_path: Path) -> None:
        molecules = tiny.random_molecules(3)
        for molecule in molecules:
            molecule.atomic_numbers[:] = 5
        folder = tiny.dataset(tmp_path / "dataset", molecules).folder
        with pytest.raises(UserError, match="no molecule to train on: left out 3 of 3 .* elements B; .*--for"):
            train(self.options(trained), folder, tmp_path / "out")

    def test_other_hydrogens(self, trained: Path, dataset: Path) -> None:
        with pytest.raises(UserError, match="implicit hydrogens.*explicit"):
            start_model(self.options(trained), load_info(dataset).model_copy(update={"hydrogens": "explicit"}))

    def test_missing_weights(self, tmp_path: Path, dataset: Path) -> None:
        with pytest.raises(UserError, match="no such weights file"):
            start_model(self.options(tmp_path / "none.safetensors"), load_info(dataset))


def test_sampled_rates_leave_the_network_as_it_was(trained: Path) -> None:
    model = load_model(trained)
    model = replace(model, statistics=replace(model.statistics, sizes={4: 1}))
    model.network.train()
    rates = sampled_rates(model, tiny.train_options(sample_count=5), frozenset())
    assert set(rates) == {"sampled_valid", "sampled_unique", "sampled_reasonable", "sampled_unknown_rings"}
    assert 0 <= rates["sampled_valid"] <= 1
    assert model.network.training


def test_one_molecule_is_learned_by_heart(tmp_path: Path) -> None:
    molecule = tiny.carbamoyl_fluoride()
    featurized = tiny.dataset(tmp_path / "dataset", [molecule] * 32)
    network = {"layers": 1, "irreps": "32x0e + 8x1o", "pairs": 16, "hidden": 32, "heads": 2}
    options = tiny.train_options(
        network=network, steps=400, batch_size=32, learning_rate=1e-2, warmup_steps=20, ema=0.98
    )
    sampler = Sampler.load(train(options, featurized.folder, tmp_path / "training"))
    plan = Plan.of(tiny.sample_options(n=40, steps=30))
    batches = plan.batches(sampler.model.statistics)
    made = [one.arrays for batch in batches for one in sampler.batch(plan, batch)]

    def described(arrays: Any) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """Distances and orders, atoms in order of their element: of this molecule each has its own."""
        order, matrix = np.argsort(arrays.atomic_numbers), np.zeros((4, 4), int)
        for (row, column), value in zip(arrays.bonds.tolist(), arrays.bond_orders.tolist(), strict=True):
            matrix[row, column] = matrix[column, row] = value
        pos = np.asarray(arrays.positions, float)[order]
        return (
            np.linalg.norm(pos[:, None] - pos, axis=-1),
            matrix[order][:, order],
            np.sort(arrays.atomic_numbers).tolist(),
        )

    distances, orders, elements = described(molecule)
    recalled = 0
    for arrays in made:
        its_distances, its_orders, its_elements = described(arrays)
        same = its_elements == elements and (its_orders == orders).all() and not arrays.formal_charges.any()
        recalled += bool(same and np.abs(its_distances - distances).max() < 0.15)
    assert recalled >= 30, f"{recalled} of 40 are the molecule"
