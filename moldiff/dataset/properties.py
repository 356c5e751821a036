"""Properties of a featurized set: columns read, scales made of the training molecules, both as tensors."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from jaxtyping import Float
from torch import Tensor

from moldiff.dataset.storage import TABLE_FILE, FeaturizedDataset
from moldiff.errors import UserError
from moldiff.molecules.properties import BINS, PropertyScale

STEPS = 64
"""Steps between the quantiles of a number."""
MOST_CATEGORIES = 64
"""Different texts of a column at most."""

Columns = Mapping[str, np.ndarray]
"""By name: [molecule] float64 with NaN, or objects (text or None), in the order of the set's arrays."""


def read_columns(dataset: FeaturizedDataset, names: Sequence[str], computed: Columns) -> dict[str, np.ndarray]:
    """Columns of the set's table, or computed ones, which have precedence only where the table has no such column.

    A column whose texts are all numbers is one of numbers; empty texts are not known.

    Raises:
        UserError: there is no such column, or nothing is known in it.
    """
    present = pq.read_schema(dataset.folder / TABLE_FILE).names
    result = {}
    for name in names:
        if name in present:
            values = _typed(dataset.table([name])[name])
        elif name in computed:
            values = computed[name]
        else:
            there = ", ".join(sorted({*present, *computed}))
            raise UserError(f"{dataset.folder}: has no column {name} to condition on; there are {there}")
        if not _known(values).any():
            raise UserError(f"{dataset.folder}: the column {name} holds no value; leave it out of train.properties")
        result[name] = values
    return result


def scale_of(name: str, values: np.ndarray, sizes: np.ndarray) -> PropertyScale:
    """The scale of a column, from the training molecules.

    Args:
        name: of the column.
        values: [molecule] as `read_columns` gives them.
        sizes: [molecule] number of atoms.

    Raises:
        UserError: the column holds too many different texts to be categories.
    """
    known = _known(values)
    if not known.any():
        raise UserError(f"no training molecule has a value of {name}; leave it out of train.properties")
    if values.dtype == object:
        categories = sorted(set(values[known].tolist()))
        if len(categories) > MOST_CATEGORIES:
            raise UserError(
                f"{name}: {len(categories)} different texts, which are neither categories (at most {MOST_CATEGORIES}) "
                f"nor numbers (such as {categories[0]!r})"
            )
        scale = PropertyScale(name, categories=tuple(categories))
    else:
        quantiles = np.quantile(values[known], np.linspace(0, 1, STEPS + 1))
        scale = PropertyScale(name, quantiles=tuple(float(f"{value:.6g}") for value in np.sort(quantiles)))
    bins = [scale.bin_of(value) for value in scale.encode(values[known]).tolist()]
    counts: list[Counter[int]] = [Counter() for _ in range(len(scale.categories) or BINS)]
    for place, size in zip(bins, sizes[known].tolist(), strict=True):
        counts[place][size] += 1
    ordered = tuple(dict(sorted(count.items())) for count in counts)
    return PropertyScale(name, scale.quantiles, scale.categories, ordered)


def encoded(scales: Sequence[PropertyScale], columns: Columns) -> Float[Tensor, "molecule property"]:
    """What the network sees of each molecule, NaN where nothing is known."""
    parts = [scale.encode(columns[scale.name]) for scale in scales]
    return torch.from_numpy(np.stack(parts, 1).astype(np.float32))


def _typed(column: pa.ChunkedArray) -> np.ndarray:
    """Numbers if all that is known can be read as such, else texts."""
    if pa.types.is_boolean(column.type):
        return np.array([None if value is None else str(value).lower() for value in column.to_pylist()], dtype=object)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return np.array([np.nan if value is None else float(value) for value in column.to_pylist()])
    texts = [value.strip() or None if isinstance(value, str) else None for value in column.to_pylist()]
    try:
        return np.array([np.nan if text is None else float(text) for text in texts])
    except ValueError:
        return np.array(texts, dtype=object)


def _known(values: np.ndarray) -> np.ndarray:
    if values.dtype == object:
        return np.array([value is not None for value in values.tolist()], dtype=bool)
    return np.isfinite(values)
