import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, safe_open, save_file

from moldiff.errors import UserError
from moldiff.models.checkpoint import FORMAT, Model, Statistics, load_model, save_model
from tests import tiny

STATISTICS = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {4: 3, 6: 1}, "implicit")


@pytest.fixture
def model() -> Model:
    return Model.of(
        tiny.network(irreps="16x0e + 4x1o + 4x2e").float(), STATISTICS, {"steps": 12, "options": {"seed": 1}}
    )


@pytest.fixture
def saved(model: Model, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def rewritten(path: Path, *, tensors: dict[str, Any] | None = None, **metadata: str | None) -> Path:
    """The file with some tensors replaced and other metadata; None removes one."""
    with safe_open(path, "pt") as file:
        kept = {name: value for name, value in {**(file.metadata() or {}), **metadata}.items() if value is not None}
    values = {name: value for name, value in {**load_file(path), **(tensors or {})}.items() if value is not None}
    save_file(values, path, kept)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_model(path)
    assert str(path) in str(caught.value), "the message names the file"
    return str(caught.value)


def test_loaded_model_is_the_saved_one(model: Model, saved: Path) -> None:
    loaded = load_model(saved)
    assert loaded.statistics == model.statistics
    assert loaded.history == model.history
    assert loaded.network.options == model.network.options
    assert loaded.network.vocabulary == model.network.vocabulary
    assert not loaded.network.training
    assert len(loaded.checksum) == 64
    for name, value in model.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], value), name
    batch = tiny.batch_of(5, 3).to("cpu", torch.float32)
    levels = tiny.at(batch, 0.2, 3.0).to("cpu", torch.float32)
    with torch.no_grad():
        assert torch.equal(loaded.network(batch, levels).pos, model.network(batch, levels).pos)
    modalities = loaded.process.modalities
    assert modalities["pos"].sigma_data == tiny.SIGMA_DATA
    assert modalities["bond"].marginal.tolist() == tiny.MARGINALS["bond"]


def test_a_unet_is_saved_and_loaded(tmp_path: Path) -> None:
    network = tiny.network(kind="unet", levels=3, layers=1, pooling=2, neighbours=3).float()
    save_model(Model.of(network, STATISTICS), tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.network.options == network.options
    batch = tiny.batch_of(9, 3).to("cpu", torch.float32)
    levels = tiny.at(batch, 0.2, 3.0).to("cpu", torch.float32)
    with torch.no_grad():
        assert torch.equal(loaded.network(batch, levels).bond, network(batch, levels).bond)


def test_weights_that_name_no_kind_are_those_of_a_transformer(model: Model, saved: Path) -> None:
    with safe_open(saved, "pt") as file:
        header = json.loads((file.metadata() or {})["model"])
    assert header["network"].pop("kind") == "transformer"
    loaded = load_model(rewritten(saved, model=json.dumps(header), sha256=None))
    assert loaded.network.options == model.network.options
    header["network"]["kind"] = "unot"
    message = refusal(rewritten(saved, model=json.dumps(header), sha256=None))
    assert "unot" in message


def test_same_model_gives_the_same_bytes(model: Model, saved: Path, tmp_path: Path) -> None:
    save_model(load_model(saved), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_others_may_read_the_weights(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    assert saved.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_truncated_file(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    assert "not a complete safetensors file" in refusal(saved)


def test_something_else(saved: Path, tmp_path: Path) -> None:
    saved.write_text("SDF, by mistake\n$$$$\n" * 100)
    assert "not a complete safetensors file" in refusal(saved)
    assert "no such weights file" in refusal(tmp_path / "missing.safetensors")
    assert "not a complete safetensors file" in refusal(tmp_path)


@pytest.mark.parametrize("earlier", ["moldiff-weights-1", "moldiff-weights-2"])
def test_earlier_formats_are_refused_by_name(saved: Path, earlier: str) -> None:
    message = refusal(rewritten(saved, format=earlier))
    assert earlier in message
    assert FORMAT in message


def test_another_version_or_kind(saved: Path, tmp_path: Path) -> None:
    message = refusal(rewritten(saved, format="moldiff-weights-9"))
    assert "moldiff-weights-9" in message
    assert FORMAT in message
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    assert "'none'" in refusal(tmp_path / "other.safetensors")


def test_missing_misshapen_and_unknown_tensors(saved: Path) -> None:
    name = "heads.atom.weight"
    for tensors in ({name: None}, {name: torch.zeros(3, 3)}, {"unknown": torch.zeros(1)}):
        whole = saved.read_bytes()
        assert "do not fit" in refusal(rewritten(saved, tensors=tensors))
        saved.write_bytes(whole)


@pytest.mark.parametrize(
    "header",
    ["{", "[]", "{}", '{"vocabulary": {"elements": [8, 6], "charges": [0]}}'],
    ids=["no JSON", "a list", "nothing", "half"],
)
def test_damaged_description(saved: Path, header: str) -> None:
    assert "do not fit" in refusal(rewritten(saved, model=header))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("statistics", {"sigma_data": 1.0, "marginals": {}, "sizes": 3, "hydrogens": "implicit"}),
        ("statistics", {"sigma_data": 1.0}),
        ("network", {"layres": 2}),
        ("vocabulary", {"elements": [8, 6], "charges": [0]}),
    ],
)
def test_description_of_another_shape(saved: Path, key: str, value: dict[str, Any]) -> None:
    with safe_open(saved, "pt") as file:
        header = json.loads(file.metadata()["model"])
    assert "do not fit" in refusal(rewritten(saved, model=json.dumps({**header, key: value})))


def test_weights_that_are_no_numbers(saved: Path) -> None:
    bias = load_file(saved)["heads.atom.bias"]
    bias[1] = torch.nan
    assert "not finite" in refusal(rewritten(saved, tensors={"heads.atom.bias": bias}))
