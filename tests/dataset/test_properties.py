"""Properties: columns of every kind, ranks that are exact at the quantiles, and what is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moldiff.dataset.properties import encoded, read_columns, scale_of
from moldiff.dataset.storage import TABLE_FILE, FeaturizedDataset, open_dataset
from moldiff.errors import UserError
from moldiff.molecules.properties import BINS, PropertyScale
from tests import tiny

SIZES = np.arange(100) % 7 + 3


def with_columns(folder: Path, **columns: list[object]) -> FeaturizedDataset:
    """A set of four molecules with these columns."""
    tiny.dataset(folder, tiny.random_molecules(4))
    table = pq.read_table(folder / TABLE_FILE)
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    pq.write_table(table, folder / TABLE_FILE)
    return open_dataset(folder)


def test_numbers_and_texts_are_told_apart(tmp_path: Path):
    dataset = with_columns(
        tmp_path,
        activity=["1.5", "", None, "-2e3"],
        series=["a", "b", None, " "],
        charge=[0, 1, None, -1],
        flag=[True, False, None, True],
    )
    read = read_columns(dataset, ["activity", "series", "charge", "flag", "logp"], {"logp": np.arange(4.0)})
    np.testing.assert_array_equal(read["activity"], [1.5, np.nan, np.nan, -2000])
    assert read["series"].tolist() == ["a", "b", None, None]
    np.testing.assert_array_equal(read["charge"], [0, 1, np.nan, -1])
    assert read["flag"].tolist() == ["true", "false", None, "true"]
    np.testing.assert_array_equal(read["logp"], np.arange(4.0))


def test_what_cannot_be_read_is_named(tmp_path: Path):
    dataset = with_columns(tmp_path, empty=["", None, "", ""])
    with pytest.raises(UserError, match="no column solubility.*there are.*logp"):
        read_columns(dataset, ["solubility"], {"logp": np.arange(4.0)})
    with pytest.raises(UserError, match="column empty holds no value"):
        read_columns(dataset, ["empty"], {})


def test_ranks_are_even_and_come_back():
    values = np.random.default_rng(0).lognormal(size=5000)
    scale = scale_of("logp", values, np.full(5000, 9))
    ranks = scale.encode(values)
    assert np.histogram(ranks, 10, (0, 1))[0] == pytest.approx(np.full(10, 500), abs=25)
    assert scale.decode(ranks) == pytest.approx(values, rel=0.5, abs=1e-6)
    assert scale.decode(scale.encode(np.array(scale.quantiles))) == pytest.approx(scale.quantiles, rel=1e-9)
    assert scale.encode(np.array([scale.low - 1, scale.high + 1, np.nan]))[:2].tolist() == [0.0, 1.0]
    assert np.isnan(scale.encode(np.array([np.nan]))).all()


def test_equal_numbers_share_a_rank():
    values = np.array([0.0] * 90 + [1.0] * 5 + [-1.0] * 5)
    scale = scale_of("charge", values, SIZES)
    low, middle, high = scale.encode(np.array([-1.0, 0.0, 1.0])).tolist()
    assert low < 0.1 < 0.4 < middle < 0.6 < 0.9 < high
    assert len(set(scale.encode(values[:90]).tolist())) == 1


def test_one_value_alone_is_a_scale():
    scale = scale_of("charge", np.zeros(100), SIZES)
    assert scale.encode(np.zeros(3)).tolist() == [0.5] * 3


def test_categories_are_places_in_a_list():
    values = np.array(["b", None, "a", "b"] * 25, dtype=object)
    scale = scale_of("series", values, SIZES)
    assert scale.categories == ("a", "b")
    np.testing.assert_array_equal(scale.encode(values[:4]), [1, np.nan, 0, 1])
    assert [sum(sizes.values()) for sizes in scale.sizes] == [25, 50]
    many = np.array([f"id{number}" for number in range(100)], dtype=object)
    with pytest.raises(UserError, match="100 different texts"):
        scale_of("name", many, SIZES)


def test_sizes_are_counted_by_rank():
    values = np.arange(100.0)
    sizes = np.where(values < 50, 5, 30)
    scale = scale_of("mw", values, sizes)
    assert len(scale.sizes) == BINS
    assert set(scale.sizes[0]) == {5}
    assert set(scale.sizes[-1]) == {30}
    assert sum(sum(part.values()) for part in scale.sizes) == 100


def test_all_columns_make_one_tensor():
    scales = [PropertyScale("a", quantiles=(0.0, 1.0)), PropertyScale("b", categories=("x", "y"))]
    columns = {"a": np.array([0.25, np.nan]), "b": np.array(["y", None], dtype=object)}
    np.testing.assert_array_equal(encoded(scales, columns).numpy(), [[0.25, 1.0], [np.nan, np.nan]])


def test_a_scale_is_numbers_or_categories():
    for bad in ({}, {"quantiles": (0.0,), "categories": ("a",)}, {"quantiles": (1.0, 0.0)}):
        with pytest.raises(ValueError):
            PropertyScale("x", **bad)
