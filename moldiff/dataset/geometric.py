"""A featurized set as torch-geometric has data sets, for anybody's network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch_geometric.data import Data, InMemoryDataset

from moldiff.errors import UserError

if TYPE_CHECKING:
    from moldiff.dataset.storage import FeaturizedDataset


def geometric(dataset: "FeaturizedDataset", split: str | None, targets: Sequence[str]) -> InMemoryDataset:
    """The molecules of a set; see `moldiff.dataset.storage.FeaturizedDataset.to_geometric`."""
    rows = np.arange(len(dataset)) if split is None else dataset.rows(split)
    molecules = dataset.molecules.take(rows)
    atoms, bonds = (
        torch.from_numpy(offsets.astype(np.int64)) for offsets in (molecules.atom_offsets, molecules.bond_offsets)
    )
    pairs = molecules.bonds.astype(np.int64)
    both = np.stack([pairs, pairs[:, ::-1]], axis=1).reshape(-1, 2)  # a bond's two directions, one after the other
    table = dataset.table(["smiles", *targets]).take(rows)
    content = {
        "pos": torch.from_numpy(molecules.positions.astype(np.float32)),
        "z": torch.from_numpy(molecules.atomic_numbers.astype(np.int64)),
        "charge": torch.from_numpy(molecules.formal_charges.astype(np.int64)),
        "edge_index": torch.from_numpy(both.T.copy()),
        "edge_attr": torch.from_numpy(np.repeat(molecules.bond_orders.astype(np.int64), 2)),
        "smiles": table["smiles"].to_pylist(),
    }
    one_each = torch.arange(len(rows) + 1)
    slices = {
        "pos": atoms, "z": atoms, "charge": atoms, "edge_index": 2 * bonds, "edge_attr": 2 * bonds, "smiles": one_each
    }  # fmt: skip
    if targets:
        columns = [_numbers(dataset, name, table[name].to_pylist()) for name in targets]
        content["y"] = torch.from_numpy(np.stack(columns, axis=1))
        slices["y"] = one_each
    made = InMemoryDataset()
    made._data, made.slices = Data(**content), slices
    return made


def _numbers(dataset: "FeaturizedDataset", name: str, values: Sequence[object]) -> np.ndarray:
    """A column as float32, NaN where there is no value."""
    try:
        return np.array([np.nan if value in (None, "") else float(str(value)) for value in values], np.float32)
    except ValueError as error:
        raise UserError(f"{dataset.folder}: column {name} holds what is no number ({error})") from None
