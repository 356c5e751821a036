"""The featurized set on disk: ragged arrays in safetensors, a Parquet table with one row a molecule, one JSON file."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save

from moldiff.dataset.validation import DatasetInfo, check_molecules, read_table
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path
from moldiff.files.manifest import check_files, read_record, write_record
from moldiff.files.records import typed
from moldiff.files.safetensors import read_header

if TYPE_CHECKING:
    from torch_geometric.data import InMemoryDataset

FORMAT = 1
ARRAYS_FILE = "arrays.safetensors"
TABLE_FILE = "molecules.parquet"
REJECTED_FILE = "rejected.csv"
INFO_FILE = "dataset.json"
_REMEDY = "featurize the molecules again"

_DTYPES: dict[str, np.dtype[Any]] = {
    "positions": np.dtype(np.float32),
    "atomic_numbers": np.dtype(np.uint8),
    "formal_charges": np.dtype(np.int8),
    "bonds": np.dtype(np.uint16),
    "bond_orders": np.dtype(np.uint8),
    "atom_offsets": np.dtype(np.int64),
    "bond_offsets": np.dtype(np.int64),
}
_SAFETENSORS_DTYPES = {"F32": np.float32, "U8": np.uint8, "I8": np.int8, "U16": np.uint16, "I64": np.int64}


@dataclass(frozen=True, slots=True)
class RaggedMolecules:
    """Many molecules end to end; molecule m owns atoms ``atom_offsets[m]:atom_offsets[m + 1]`` and bonds alike."""

    positions: np.ndarray
    """[atom, 3] float32, Å, in the frame of the input."""
    atomic_numbers: np.ndarray
    """[atom] uint8."""
    formal_charges: np.ndarray
    """[atom] int8."""
    bonds: np.ndarray
    """[bond, 2] uint16, atoms i < j counted within the molecule."""
    bond_orders: np.ndarray
    """[bond] uint8: 1, 2 or 3, kekulized."""
    atom_offsets: np.ndarray
    """[molecule + 1] int64."""
    bond_offsets: np.ndarray
    """[molecule + 1] int64."""

    def __len__(self) -> int:
        return len(self.atom_offsets) - 1

    @property
    def sizes(self) -> np.ndarray:
        """Atoms of each molecule, [molecule] int64."""
        return np.diff(self.atom_offsets)

    @classmethod
    def stack(cls, molecules: Sequence[Any]) -> Self:
        """Molecules with the attributes of `moldiff.chemistry.arrays.MoleculeArrays` put end to end."""
        atoms = np.cumsum([0, *(len(mol.atomic_numbers) for mol in molecules)])
        bonds = np.cumsum([0, *(len(mol.bond_orders) for mol in molecules)])
        parts: dict[str, np.ndarray] = {"atom_offsets": atoms, "bond_offsets": bonds}
        for name in ("positions", "atomic_numbers", "formal_charges", "bonds", "bond_orders"):
            width = {"positions": (3,), "bonds": (2,)}.get(name, ())
            values = [getattr(mol, name) for mol in molecules] or [np.empty((0, *width))]
            parts[name] = np.concatenate(values)
        return cls(**{name: values.astype(_DTYPES[name], copy=False) for name, values in parts.items()})

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Several sets one after the other."""
        if not parts:
            return cls.stack([])
        joined: dict[str, np.ndarray] = {}
        for field in fields(cls):
            values = [getattr(part, field.name) for part in parts]
            if field.name.endswith("_offsets"):
                starts = np.cumsum([0, *(value[-1] for value in values)])
                values = [value[1:] + start for value, start in zip(values, starts, strict=False)]
                joined[field.name] = np.concatenate([np.zeros(1, np.int64), *values])
            else:
                joined[field.name] = np.concatenate(values)
        return cls(**joined)

    def take(self, rows: np.ndarray) -> Self:
        """The molecules ``rows`` [molecule] in that order."""
        atoms, atom_offsets = _gather(self.atom_offsets, rows)
        bonds, bond_offsets = _gather(self.bond_offsets, rows)
        return type(self)(
            self.positions[atoms],
            self.atomic_numbers[atoms],
            self.formal_charges[atoms],
            self.bonds[bonds],
            self.bond_orders[bonds],
            atom_offsets,
            bond_offsets,
        )


def _gather(offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts = np.diff(offsets)[rows]
    new = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return np.repeat(offsets[:-1][rows] - new[:-1], counts) + np.arange(new[-1]), new


@dataclass(frozen=True)
class FeaturizedDataset:
    """A featurized set, its arrays mapped from disk."""

    folder: Path
    info: DatasetInfo
    """The content of dataset.json."""
    molecules: RaggedMolecules

    def __len__(self) -> int:
        return len(self.molecules)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The table of molecules, or some of its columns, in the order of the arrays."""
        types = dict.fromkeys({"smiles", "split"}.intersection(columns or ()), pa.string())
        return read_table(self.folder / TABLE_FILE, len(self), types, _REMEDY, columns)

    def rows(self, split: str) -> np.ndarray:
        """Numbers of the molecules of a split (train, valid or test), ascending, int64."""
        splits = self.table(["split"])["split"].to_numpy(zero_copy_only=False)
        return np.flatnonzero(splits == split)

    def to_geometric(self, split: str | None = None, *, targets: Sequence[str] = ()) -> "InMemoryDataset":
        """The set as a ``torch_geometric.data.InMemoryDataset``, made of whole arrays, without a loop over molecules.

        Its ``Data`` have pos [atom, 3] (Å, float32), z [atom] (atomic numbers), charge [atom], edge_index [2, edge]
        with each bond once in each direction, edge_attr [edge] (orders 1, 2 or 3, kekulized) and smiles (flat key),
        as `moldiff.molecules.batch.MoleculeBatch.from_geometric` takes them back.

        Args:
            split: train, valid or test; None takes all molecules.
            targets: columns of molecules.parquet that become y [1, target], float32, NaN where there is no value.

        Raises:
            UserError: there is no such column, or it holds what is no number.
        """
        from moldiff.dataset.geometric import geometric  # brings torch, which nothing else here needs

        missing = set(targets) - set(pq.read_schema(self.folder / TABLE_FILE).names)
        if missing:
            raise UserError(f"{self.folder / TABLE_FILE}: has no column {min(missing)}")
        return geometric(self, split, targets)

    def smiles(self, split: str) -> list[str]:
        """Flat keys of the molecules of a split, in the order of the arrays."""
        smiles: list[str] = self.table(["smiles"])["smiles"].take(self.rows(split)).to_pylist()
        return smiles


def write_arrays(path: Path, molecules: RaggedMolecules) -> None:
    """Write the arrays atomically; the same molecules give the same bytes."""
    tensors = {field.name: np.ascontiguousarray(getattr(molecules, field.name)) for field in fields(molecules)}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(tensors))  # save_file would take the reading rights of others away


def read_arrays(path: Path) -> RaggedMolecules:
    """Map the arrays of a safetensors file into memory, and make sure that they are molecules.

    Raises:
        UserError: the file is missing, truncated or holds other arrays.
    """
    header, begin = read_header(path, _REMEDY)
    size = path.stat().st_size
    arrays: dict[str, np.ndarray] = {}
    for name, dtype in _DTYPES.items():
        try:
            entry = header[name]
            start, stop = (begin + int(offset) for offset in entry["data_offsets"])
            shape = tuple(int(length) for length in entry["shape"])
            fits = _SAFETENSORS_DTYPES.get(entry["dtype"]) == dtype.type and min(shape, default=0) >= 0
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            fits = False
        if not fits or stop - start != math.prod(shape) * dtype.itemsize or not begin <= start <= stop <= size:
            raise UserError(f"{path}: is truncated or not a featurized set (array {name}); {_REMEDY}")
        arrays[name] = np.memmap(path, dtype, "r", start, shape) if stop > start else np.empty(shape, dtype)
    check_molecules(path, arrays, _REMEDY)
    return RaggedMolecules(**arrays)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet table atomically; the same rows give the same bytes."""
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=1 << 16)


def write_info(folder: Path, info: Mapping[str, Any]) -> None:
    """Write dataset.json, the last file of a set: with the checksums of the others it makes the set complete."""
    described = [folder / name for name in (ARRAYS_FILE, TABLE_FILE, REJECTED_FILE)]
    write_record(folder / INFO_FILE, {"format": FORMAT, **info}, described)


def open_dataset(folder: Path, *, verify: bool = False) -> FeaturizedDataset:
    """Open a featurized set; arrays are mapped, the table is read when asked for.

    Args:
        folder: what the featurize stage wrote.
        verify: compare the checksums of all files.

    Raises:
        UserError: no set, an unfinished, truncated or changed one, or one of another version.
    """
    content = read_info(folder)
    info = typed(folder / INFO_FILE, content, DatasetInfo, _REMEDY)
    if verify:
        check_files(folder, content, _REMEDY)
    molecules = read_arrays(folder / ARRAYS_FILE)
    if len(molecules) != info.conformers:
        raise UserError(f"{folder}: {len(molecules)} molecules in the arrays, {info.conformers} in {INFO_FILE}")
    return FeaturizedDataset(folder, info, molecules)


def read_info(folder: Path, name: str = INFO_FILE) -> dict[str, Any]:
    """The JSON file of a set or shard, its version checked; the other files are not.

    Raises:
        UserError: it is missing, unreadable, changed or of another version.
    """
    path = folder / name
    if not path.exists():
        raise UserError(f"{path}: no such file, so this is not a finished featurized set; run moldiff featurize")
    info = read_record(path, _REMEDY, verify=False)
    if info.get("format") != FORMAT:
        raise UserError(f"{path}: format {info.get('format')}, and this version reads {FORMAT}; {_REMEDY}")
    return info


def string_table(columns: Mapping[str, Iterable[Any]], types: Mapping[str, pa.DataType]) -> pa.Table:
    """An Arrow table whose columns are strings unless ``types`` says otherwise."""
    return pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()})
