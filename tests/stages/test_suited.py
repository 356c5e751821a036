"""Featurizing for given weights, into folders that cannot be written, and sets whose checksums were rewritten."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from moldiff.config.featurize import FeaturizeOptions
from moldiff.dataset.storage import open_dataset, write_info
from moldiff.errors import UserError
from moldiff.stages.featurize import featurize
from moldiff.stages.suited import suited


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "raw.smi").write_text("CCO\nC[Si](C)(C)C\nCC(=O)[O-]\nB\n[Ca+2]\nCC(N)=O\n")
    featurize(FeaturizeOptions(inputs=[str(folder / "raw.smi")], minimize=False), folder / "dataset", workers=1)
    return folder


def test_for_shipped_weights(made: Path, tmp_path: Path) -> None:
    options = suited(FeaturizeOptions(inputs=[str(made / "raw.smi")], suit="drugs", minimize=False))
    assert {"C", "N", "O"} <= set(options.elements)
    assert "Si" not in options.elements
    assert options.hydrogens == "implicit"
    assert 0 in options.charges
    info = featurize(options, tmp_path / "dataset", workers=1)
    known = set(options.charges)
    assert info["reasons"]["element not allowed"] == 3
    assert set(open_dataset(tmp_path / "dataset").molecules.formal_charges.tolist()) <= known
    assert suited(FeaturizeOptions()) == FeaturizeOptions()


def test_charges_that_are_not_listed_are_rejected(made: Path, tmp_path: Path) -> None:
    options = FeaturizeOptions(inputs=[str(made / "raw.smi")], charges=[0, 1], minimize=False)
    assert featurize(options, tmp_path, workers=1)["reasons"]["formal charge not allowed"] == 1


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{}"])
def test_for_what_is_no_weights_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"w\.safetensors: .*; give a model\.safetensors"):
        suited(FeaturizeOptions(suit=str(tmp_path / "w.safetensors")))


@pytest.mark.parametrize("taken", ["arrays.safetensors", "rejected.csv", ""])
def test_the_output_is_tried_before_the_work(tmp_path: Path, taken: str) -> None:
    output = tmp_path / "out"
    if taken:
        (output / taken).mkdir(parents=True)
    else:
        output.write_text("a file")
    with pytest.raises(UserError, match="out"):  # the input, which is missing, is not looked at
        featurize(FeaturizeOptions(inputs=[str(tmp_path / "none.smi")]), output)


@pytest.mark.parametrize("name", ["../../x", "/dev/zero", "a/b", "..", ""])
def test_a_record_names_files_of_its_folder_only(made: Path, tmp_path: Path, name: str) -> None:
    folder = copied(made, tmp_path)
    info = json.loads((folder / "dataset.json").read_text())
    del info["record_sha256"]
    info["sha256"] = {name: "0" * 64}
    (folder / "dataset.json").write_text(json.dumps(info))
    with pytest.raises(UserError, match="names a file outside"):
        open_dataset(folder, verify=True)


def test_a_device_or_fifo_is_not_read(made: Path, tmp_path: Path) -> None:
    folder = copied(made, tmp_path)
    (folder / "rejected.csv").unlink()
    os.mkfifo(folder / "rejected.csv")
    with pytest.raises(UserError, match=r"rejected\.csv: is not a regular file"):
        open_dataset(folder, verify=True)


def copied(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "dataset", tmp_path / "dataset")
    return tmp_path / "dataset"


def array(name: str, change: Callable[[np.ndarray], Any]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        arrays = load_file(folder / "arrays.safetensors")
        arrays[name] = np.ascontiguousarray(change(arrays[name].copy()))
        save_file(arrays, folder / "arrays.safetensors")

    return apply


def value(values: np.ndarray, place: Any, new: Any) -> np.ndarray:
    values[place] = new
    return values


def table(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        pq.write_table(change(pq.read_table(folder / "molecules.parquet")), folder / "molecules.parquet")

    return apply


RESEALED: dict[str, Callable[[Path], None] | dict[str, Any]] = {
    "dtype": array("bonds", lambda a: a.astype(np.int64)),
    "shape": array("positions", lambda a: a[:, :2]),
    "length": array("formal_charges", lambda a: a[:-1]),
    "offsets": array("atom_offsets", lambda a: a[::-1]),
    "last offset": array("atom_offsets", lambda a: value(a, -1, 10**12)),
    "bond offsets": array("bond_offsets", lambda a: a[:-1]),
    "bond": array("bonds", lambda a: value(a, (0, 1), 60000)),
    "order": array("bond_orders", lambda a: value(a, 0, 9)),
    "element": array("atomic_numbers", lambda a: value(a, 0, 0)),
    "position": array("positions", lambda a: value(a, (0, 0), np.nan)),
    "no split": table(lambda t: t.drop_columns(["split"])),
    "split of numbers": table(lambda t: t.set_column(t.column_names.index("split"), "split", pa.array([1] * len(t)))),
    "fewer rows": table(lambda t: t.slice(1)),
    "conformers": {"conformers": "many"},
    "sizes": {"sizes": {"x": 1}},
    "marginals": {"marginals": {"element": [1.0], "charge": [1.0], "bond": [1.0, 0.0, 0.0, 0.0]}},
    "spread": {"position_std": float("nan")},
    "vocabulary": {"vocabulary": [6]},
    "hydrogens": {"hydrogens": "some"},
}


@pytest.mark.parametrize("what", RESEALED)
def test_a_set_that_was_sealed_again_with_wrong_content(made: Path, tmp_path: Path, what: str) -> None:
    folder, change = copied(made, tmp_path), RESEALED[what]
    info = json.loads((folder / "dataset.json").read_text())
    if isinstance(change, dict):
        info |= change
    else:
        change(folder)
    write_info(folder, {name: content for name, content in info.items() if "sha256" not in name})
    with pytest.raises(UserError, match=r"dataset/(arrays|molecules|dataset)\.[a-z]+: .*; featurize") as caught:
        open_dataset(folder, verify=True).rows("train")
    assert "\n" not in str(caught.value)
