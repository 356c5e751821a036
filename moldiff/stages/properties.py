"""The properties of a training: read from the set or computed, and the model that is asked for them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float
from torch import Tensor

from moldiff.config.train import TrainOptions
from moldiff.dataset.properties import encoded, read_columns, scale_of
from moldiff.dataset.storage import INFO_FILE, TABLE_FILE, FeaturizedDataset, write_table
from moldiff.files.atomic import sha256
from moldiff.models.checkpoint import Model
from moldiff.models.growth import with_placeholder, with_properties
from moldiff.molecules.properties import PropertyScale
from moldiff.parallel import default_workers
from moldiff.scoring.computed import COMPUTED, descriptors

CACHE = "properties-{}.parquet"
"""Computed descriptors of a set's molecules, beside the state: a training that resumes does not compute them again."""


def steered(
    options: TrainOptions, model: Model, dataset: FeaturizedDataset, state: Path
) -> tuple[Model, Float[Tensor, "conformer property"] | None]:
    """The model with the placeholders and properties that the options ask for, and the properties of the whole set.

    Without placeholders or properties in the options those of the model are trained on. Its scales are kept where the
    properties are the same; a property of it that the set does not have is not known of any molecule.

    Args:
        options: of the training.
        model: to start from.
        dataset: to learn from.
        state: folder for what is computed.

    Raises:
        UserError: a named column does not exist, holds nothing, or holds neither numbers nor categories.
    """
    if options.placeholders:
        model = with_placeholder(model, options.placeholders, model.statistics.sizes)
    known = model.statistics.properties
    names = list(options.properties) or [scale.name for scale in known]
    if not names:
        return model, None
    if options.properties:
        values = read(dataset, names, state)
    else:
        there = {*COMPUTED, *pq.read_schema(dataset.folder / TABLE_FILE).names}
        values = read(dataset, [name for name in names if name in there], state)
    if names != [scale.name for scale in known]:
        model = with_properties(model, scales(dataset, values))
    nothing = np.full(len(dataset), np.nan)
    absent = {name: nothing for name in names if name not in values}
    columns = {**values, **absent}
    numbers = {scale.name for scale in model.statistics.properties if scale.quantiles}
    columns = {name: _as_numbers(one) if name in numbers else one.astype(object) for name, one in columns.items()}
    return model, encoded(model.statistics.properties, columns)


def read(dataset: FeaturizedDataset, names: Sequence[str], state: Path) -> dict[str, np.ndarray]:
    """Columns of the set, those computed from SMILES that its table does not hold."""
    present = pq.read_schema(dataset.folder / TABLE_FILE).names
    wanted = [name for name in names if name in COMPUTED and name not in present]
    cache = state / CACHE.format(sha256(dataset.folder / INFO_FILE)[:12])
    computed: dict[str, np.ndarray] = {}
    if wanted and cache.exists():
        table = pq.read_table(cache)
        if set(wanted) <= set(table.column_names) and len(table) == len(dataset):
            computed = {name: table[name].to_numpy() for name in wanted}
    if wanted and not computed:
        computed = descriptors(dataset.table(["smiles"])["smiles"].to_pylist(), wanted, default_workers())
        state.mkdir(parents=True, exist_ok=True)
        write_table(cache, pa.table({name: pa.array(values) for name, values in computed.items()}))
    return read_columns(dataset, names, {**dict.fromkeys(COMPUTED, np.zeros(0)), **computed})


def scales(dataset: FeaturizedDataset, columns: dict[str, np.ndarray]) -> tuple[PropertyScale, ...]:
    """The scale of each column, from the training molecules."""
    train, sizes = dataset.rows("train"), dataset.molecules.sizes
    return tuple(scale_of(name, values[train], sizes[train]) for name, values in columns.items())


def _as_numbers(values: np.ndarray) -> np.ndarray:
    """Numbers, NaN for texts that are none: a column that held numbers may hold other things in another set."""
    if values.dtype != object:
        return values
    return np.full(len(values), np.nan)
