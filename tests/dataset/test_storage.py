import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moldiff.dataset.statistics import describe, position_std
from moldiff.dataset.storage import (
    ARRAYS_FILE,
    INFO_FILE,
    REJECTED_FILE,
    TABLE_FILE,
    RaggedMolecules,
    open_dataset,
    read_arrays,
    write_arrays,
    write_info,
    write_table,
)
from moldiff.errors import UserError
from moldiff.files.atomic import write_text
from moldiff.files.manifest import write_record


def chain(size, seed=0):
    """A chain of carbon with random positions."""
    return SimpleNamespace(
        positions=np.random.default_rng(seed).normal(size=(size, 3)),
        atomic_numbers=np.full(size, 6, np.uint8),
        formal_charges=np.zeros(size, np.int8),
        bonds=np.array([(i, i + 1) for i in range(size - 1)], np.uint16).reshape(-1, 2),
        bond_orders=np.ones(size - 1, np.uint8),
    )


def write_set(folder, sizes=(3, 1, 4)):
    molecules = RaggedMolecules.stack([chain(size) for size in sizes])
    write_arrays(folder / ARRAYS_FILE, molecules)
    splits = ["valid", *["train"] * (len(sizes) - 1)]
    write_table(folder / TABLE_FILE, pa.table({"id": [str(size) for size in sizes], "split": splits}))
    write_text(folder / REJECTED_FILE, "source,record,id,reason\n")
    write_info(folder, {"conformers": len(sizes)})
    return molecules


def equal(first, second):
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in RaggedMolecules.__slots__)


sizes_lists = st.lists(st.integers(1, 6), max_size=8)


@given(sizes_lists, sizes_lists)
def test_concatenating_is_stacking_all(first, second):
    parts = [RaggedMolecules.stack([chain(size) for size in sizes]) for sizes in (first, second)]
    assert equal(RaggedMolecules.concatenate(parts), RaggedMolecules.stack([chain(size) for size in first + second]))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.data())
def test_taking_is_stacking_the_chosen(sizes, data):
    rows = data.draw(st.lists(st.integers(0, len(sizes) - 1)))
    molecules = RaggedMolecules.stack([chain(size, seed) for seed, size in enumerate(sizes)])
    expected = RaggedMolecules.stack([chain(sizes[row], row) for row in rows])
    assert equal(molecules.take(np.array(rows, np.int64)), expected)


def test_set_opens_as_it_was_written(tmp_path):
    molecules = write_set(tmp_path)
    dataset = open_dataset(tmp_path, verify=True)
    assert len(dataset) == 3
    assert equal(dataset.molecules, molecules)
    assert isinstance(dataset.molecules.positions, np.memmap)
    assert dataset.table(["id"])["id"].to_pylist() == ["3", "1", "4"]
    assert dataset.rows("train").tolist() == [1, 2]
    assert dataset.molecules.sizes.tolist() == [3, 1, 4]


def test_single_atoms_have_no_bonds(tmp_path):
    write_set(tmp_path, (1, 1))
    assert open_dataset(tmp_path).molecules.bonds.shape == (0, 2)


def test_unfinished_truncated_changed_and_foreign_sets_are_errors(tmp_path):
    with pytest.raises(UserError, match="not a finished featurized set"):
        open_dataset(tmp_path)
    write_set(tmp_path)
    arrays = tmp_path / ARRAYS_FILE
    content = arrays.read_bytes()
    for length in (0, 5, 100, len(content) - 1):
        arrays.write_bytes(content[:length])
        with pytest.raises(UserError, match=ARRAYS_FILE):
            open_dataset(tmp_path)
    size = int.from_bytes(content[:8], "little")
    place = 8 + size + json.loads(content[8 : 8 + size])["positions"]["data_offsets"][0]
    arrays.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    open_dataset(tmp_path)
    with pytest.raises(UserError, match="was changed"):
        open_dataset(tmp_path, verify=True)
    arrays.unlink()
    with pytest.raises(UserError, match="no such file"):
        read_arrays(arrays)
    info = json.loads((tmp_path / INFO_FILE).read_text())
    write_record(tmp_path / INFO_FILE, {**info, "format": 99})
    with pytest.raises(UserError, match="format 99"):
        open_dataset(tmp_path)
    (tmp_path / INFO_FILE).write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        open_dataset(tmp_path)


def test_statistics_are_those_of_the_training_molecules():
    molecules = RaggedMolecules.stack([chain(3, 1), chain(4, 2), chain(2, 3)])
    found = describe(molecules, np.array([0, 1]))
    assert found["vocabulary"] == {"elements": [6], "charges": [0], "bonds": [0, 1, 2, 3]}
    assert found["marginals"]["bond"] == pytest.approx([4 / 9, 5 / 9, 0, 0])
    assert found["marginals"]["element"] == [1.0]
    assert found["sizes"] == {"3": 1, "4": 1}
    centred = [mol.positions - mol.positions.mean(axis=0) for mol in (chain(3, 1), chain(4, 2))]
    assert found["position_std"] == pytest.approx(np.concatenate(centred).std(), rel=1e-6)


def test_spread_does_not_depend_on_the_frame():
    molecules = RaggedMolecules.stack([chain(5, 1)])
    moved = SimpleNamespace(**{**vars(chain(5, 1)), "positions": chain(5, 1).positions + 7.0})
    assert position_std(RaggedMolecules.stack([moved])) == pytest.approx(position_std(molecules), rel=1e-5)


@pytest.mark.parametrize("offset", [float("inf"), float("nan"), 1e300, None, "0", [0]])
def test_offsets_that_are_none_are_an_error(tmp_path, offset):
    write_set(tmp_path)
    content = (tmp_path / ARRAYS_FILE).read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["bonds"]["data_offsets"][1] = offset
    changed = json.dumps(header).encode()
    (tmp_path / ARRAYS_FILE).write_bytes(len(changed).to_bytes(8, "little") + changed + content[8 + size :])
    with pytest.raises(UserError, match=r"not a featurized set \(array bonds\)"):
        read_arrays(tmp_path / ARRAYS_FILE)
