"""Training with placeholders and properties, from nothing and from weights that know neither."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moldiff.dataset.storage import INFO_FILE, TABLE_FILE, write_info, write_table
from moldiff.errors import UserError
from moldiff.models.checkpoint import load_model
from moldiff.sampling.sampler import Sampler
from moldiff.scoring.computed import COMPUTED
from moldiff.stages.train import train
from tests import tiny


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Chains of three atoms or more, with SMILES of alkanes, of which the descriptors are computed, and a category."""
    mols = [mol for mol in tiny.random_molecules(60) if len(mol.atomic_numbers) > 2][:40]
    tiny.dataset(tmp_path / "set", mols, valid=8)
    table = pq.read_table(tmp_path / "set" / TABLE_FILE)
    smiles = pa.array(["C" * len(mol.atomic_numbers) for mol in mols])
    table = table.set_column(table.schema.get_field_index("smiles"), "smiles", smiles)
    table = table.append_column("series", pa.array([["a", "b", None][place % 3] for place in range(len(mols))]))
    info = json.loads((tmp_path / "set" / INFO_FILE).read_text())
    write_table(tmp_path / "set" / TABLE_FILE, table)
    write_info(tmp_path / "set", {key: value for key, value in info.items() if "sha256" not in key and key != "format"})
    return tmp_path / "set"


def test_weights_know_what_they_were_trained_with(dataset: Path, tmp_path: Path) -> None:
    options = tiny.train_options(placeholders=0.3, properties=["mw", "series"], steps=6)
    model = load_model(train(options, dataset, tmp_path / "run"))
    assert model.network.vocabulary.placeholder
    assert model.statistics.placeholders == 0.3
    mw, series = model.statistics.properties
    assert mw.low == pytest.approx(44.1, abs=0.1)
    assert series.categories == ("a", "b")
    assert sum(sum(sizes.values()) for sizes in mw.sizes) == 32, "scales are those of the training molecules"
    sampler = Sampler(model)
    common = {"steps": 3, "threads": 1, "accelerator": "cpu", "restarts": 0}
    for asked in ({"atoms": "5"}, {"target": ["mw=60", "series=b"], "guidance": 2.0}, {"target": ["mw=44:130"]}):
        assert len(sampler.sample(4, **common, **asked)) == 4
    assert {mol.GetNumAtoms() for mol in sampler.sample(4, **common, atoms="5")} == {5}
    with pytest.raises(UserError, match="there are a, b"):
        sampler.sample(1, target=["series=c"])


def test_weights_without_either_learn_them(dataset: Path, tmp_path: Path) -> None:
    plain = train(tiny.train_options(steps=2), dataset, tmp_path / "plain")
    options = tiny.train_options(steps=4, placeholders=0.2, properties=["qed"], start_from=str(plain))
    tuned = load_model(train(options, dataset, tmp_path / "tuned"))
    assert [scale.name for scale in tuned.statistics.properties] == ["qed"]
    head = tuned.network.state_dict()["embeddings.properties.layers.2.weight"]
    assert head.abs().max() > 0, "the properties were learned from"
    kept = load_model(
        train(
            tiny.train_options(steps=2, start_from=str(tmp_path / "tuned/model.safetensors")), dataset, tmp_path / "k"
        )
    )
    assert kept.statistics.properties == tuned.statistics.properties
    assert kept.network.vocabulary == tuned.network.vocabulary
    assert kept.statistics.placeholders == 0.2


def test_the_same_training_gives_the_same_weights(dataset: Path, tmp_path: Path) -> None:
    options = tiny.train_options(placeholders=0.2, properties=["mw"], steps=4)
    one, two = (train(options, dataset, tmp_path / name) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert len(list((tmp_path / "one/state").glob("properties-*.parquet"))) == 1


def test_what_cannot_be_conditioned_on_is_named(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no column solubility"):
        train(tiny.train_options(properties=["solubility"]), dataset, tmp_path / "run")
    assert {"qed", "sa", "logp", "tpsa", "mw", "rotatable_bonds", "rings", "fsp3", "charge"} <= set(COMPUTED)
