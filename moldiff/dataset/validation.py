"""Whether the files of a featurized set or shard are consistent; checksums do not show it for files made elsewhere."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from moldiff.errors import UserError

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("is not finite")
    return value


class VocabularyInfo(BaseModel):
    """Elements (atomic numbers) and formal charges that occur, ascending."""

    elements: list[Annotated[int, Field(ge=1, le=118)]] = Field(min_length=1)
    charges: list[Annotated[int, Field(ge=-127, le=127)]] = Field(min_length=1)


class MarginalsInfo(BaseModel):
    """Share of each class, in the order of the vocabulary; bonds by order from 0, none."""

    element: list[Share]
    charge: list[Share]
    bond: list[Share] = Field(min_length=4, max_length=4)


class DatasetInfo(BaseModel):
    """What dataset.json says of a set; what only training needs is None where a set was not made for it.

    Attributes:
        conformers: rows of the arrays.
        records_read: of the inputs.
        molecules: that became part of the set.
        rejected: records that did not.
        reasons: number of rejected records by reason.
        splits: number of conformers by split.
        hydrogens: whether hydrogens are atoms.
        vocabulary: elements and charges.
        marginals: shares of each class in the training split.
        sizes: number of training molecules of each number of atoms.
        position_std: standard deviation of centred coordinates, Å.
        options: that the set was made with.
        versions: of the programs.
        sha256: checksums of the files.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    conformers: Count
    records_read: Count | None = None
    molecules: Count | None = None
    rejected: Count | None = None
    reasons: dict[str, Count] = {}
    splits: dict[str, Count] = {}
    hydrogens: Literal["implicit", "explicit"] | None = None
    vocabulary: VocabularyInfo | None = None
    marginals: MarginalsInfo | None = None
    sizes: dict[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = Field(None, min_length=1)
    position_std: Annotated[float, Field(ge=0), AfterValidator(_finite)] | None = None
    options: dict[str, Any] = {}
    versions: dict[str, str] = {}
    sha256: dict[str, str] = {}

    @model_validator(mode="after")
    def _lengths(self) -> Self:
        for name in ("element", "charge") if self.marginals and self.vocabulary else ():
            if len(getattr(self.marginals, name)) != len(getattr(self.vocabulary, f"{name}s")):
                raise ValueError(f"marginals.{name} has not as many numbers as the vocabulary has {name}s")
        return self


STATISTICS = ("hydrogens", "vocabulary", "marginals", "sizes", "position_std")
"""What training needs of dataset.json."""


class ShardInfo(BaseModel):
    """What shard.json says of a part: its number from 0, of how many, the records it read, the options."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    shard: Count
    shards: Annotated[int, Field(ge=1)]
    records_read: Count
    options: dict[str, Any]


def check_molecules(path: Path, arrays: Mapping[str, np.ndarray], remedy: str) -> None:
    """Make sure that offsets and bonds point into the arrays; positions and elements are read once.

    Raises:
        UserError: they do not.
    """
    atoms, bonds = arrays["atom_offsets"], arrays["bond_offsets"]
    atom_count, bond_count = len(arrays["atomic_numbers"]), len(arrays["bond_orders"])
    expected = {
        "positions": (atom_count, 3),
        "formal_charges": (atom_count,),
        "bonds": (bond_count, 2),
        "bond_offsets": (len(atoms),),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise UserError(f"{path}: array {name} has the shape {arrays[name].shape}, not {shape}; {remedy}")
    for name, offsets, end in (("atom_offsets", atoms, atom_count), ("bond_offsets", bonds, bond_count)):
        if (
            offsets.ndim != 1
            or not len(offsets)
            or offsets[0] != 0
            or offsets[-1] != end
            or (np.diff(offsets) < 0).any()
        ):
            raise UserError(f"{path}: array {name} does not cut the others into molecules; {remedy}")
    sizes = np.diff(atoms)
    if (sizes == 0).any():
        raise UserError(f"{path}: a molecule has no atoms; {remedy}")
    if bond_count:
        pairs = np.asarray(arrays["bonds"])
        owner = np.repeat(sizes, np.diff(bonds))
        if (pairs[:, 0] >= pairs[:, 1]).any() or (pairs[:, 1] >= owner).any():
            raise UserError(f"{path}: a bond is not between two atoms of its molecule; {remedy}")
        orders = np.asarray(arrays["bond_orders"])
        if orders.min() < 1 or orders.max() > 3:
            raise UserError(f"{path}: a bond order is not 1, 2 or 3; {remedy}")
    if not np.isfinite(arrays["positions"]).all():
        raise UserError(f"{path}: a coordinate is not finite; {remedy}")
    if atom_count and not 0 < np.min(arrays["atomic_numbers"]) <= np.max(arrays["atomic_numbers"]) < 119:
        raise UserError(f"{path}: an atomic number belongs to no element; {remedy}")


def read_table(
    path: Path, rows: int | None, types: Mapping[str, pa.DataType], remedy: str, columns: Sequence[str] | None = None
) -> pa.Table:
    """Read a Parquet table, or some columns of it, that must have columns of these types and, if given, so many rows.

    Raises:
        UserError: it cannot be read, or is another.
    """
    try:
        schema = pq.read_schema(path)
        missing = [name for name, kind in types.items() if name not in schema.names or schema.field(name).type != kind]
        if missing:
            raise UserError(f"{path}: has no column {missing[0]} of type {types[missing[0]]}; {remedy}")
        table = pq.read_table(path, columns=list(columns) if columns is not None else None)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path}: cannot be read as Parquet ({reason}); {remedy}") from None
    if rows is not None and len(table) != rows:
        raise UserError(f"{path}: has {len(table)} rows, not one for each of the {rows} molecules; {remedy}")
    return table
