"""What a training or reference set is compared by: made once, kept in one file, found again by checksum."""

import hashlib
import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rdkit import rdBase

from moldiff.chemistry.arrays import MoleculeArrays, to_rdkit
from moldiff.chemistry.formats.records import Record, expand_inputs, read_records
from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.dataset.storage import RaggedMolecules, open_dataset
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, sha256
from moldiff.parallel import Lost, default_workers, run_all
from moldiff.progress import Progress
from moldiff.scoring.metrics import DESCRIPTORS
from moldiff.scoring.molecule.keys import contained, key_hash
from moldiff.scoring.records import DEFINITIONS
from moldiff.scoring.score import STEPS, Row, Task, blank_row, warm_up
from moldiff.scoring.sets.profile import Profile

PROFILED = 10_000
"""Most molecules of a reference, drawn by a fixed seed, whose distributions are taken."""
FLOOR_DRAWS = 3
_FORMAT = "moldiff-reference-2"
_CHUNK = 64
_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("_key", pa.uint64()),
        ("_fingerprint", pa.binary(256)),
        ("ring_systems", pa.string()),
        ("scaffold", pa.string()),
        ("profiled", pa.string()),
        ("geometry", pa.binary()),
    ]
)


@dataclass(frozen=True)
class Reference:
    """Distinct valid molecules of a set, ascending by key hash, and rows of a sample of all its valid ones."""

    source: str
    checksum: str
    records: int
    valid: int
    keys: NDArray[np.uint64]
    smiles: list[str]
    fingerprints: NDArray[np.uint8]
    ring_systems: frozenset[str]
    scaffolds: NDArray[np.uint64]
    profiled: list[Row]

    @property
    def distinct(self) -> int:
        """Distinct valid molecules."""
        return len(self.keys)

    @property
    def profiled_count(self) -> int:
        """Molecules whose distributions are taken."""
        return len(self.profiled)

    def has_keys(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each key hash [N] is one of the set's."""
        return contained(hashes, self.keys)

    def has_scaffolds(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each hash [N] of a scaffold is one of the set's."""
        return contained(hashes, self.scaffolds)

    def profile(self) -> Profile:
        """Distributions of the sampled molecules."""
        return _profile(self.profiled)

    def noise_floor(self, n: int, seed: int) -> tuple[int, dict[str, float | None]]:
        """Mean distances between two halves of ``n`` molecules each (or half the sample), over three draws.

        Returns:
            The number of molecules in a half, and a distance by name (None where it cannot be taken).
        """
        size = min(n, len(self.profiled) // 2)
        draw = random.Random(seed)
        floors: dict[str, list[float]] = {}
        names: list[str] = []
        for _ in range(FLOOR_DRAWS):
            rows = draw.sample(self.profiled, 2 * size)
            distances = _profile(rows[:size]).distances(_profile(rows[size:]))
            names = list(distances)
            for name, distance in distances.items():
                if distance.value is not None:
                    floors.setdefault(name, []).append(distance.value)
        return size, {name: sum(floors[name]) / len(floors[name]) if name in floors else None for name in names}


def load_reference(path: Path, *, workers: int, timeout: float, smiles_column: str | None = None) -> Reference:
    """Statistics of a featurized dataset's train split, or of any molecule file, from the cache if they are there.

    The cache is the folder MOLDIFF_CACHE, by default moldiff in the user's cache folder; a cache that cannot be
    written is done without.

    Args:
        path: featurized dataset or molecule file.
        workers: processes; 0 uses all available cores.
        timeout: seconds after which one molecule is given up.
        smiles_column: column of a table that holds SMILES.

    Raises:
        UserError: the set cannot be read or holds no valid molecule.
    """
    checksum = _checksum(path)
    made_of = f"{_FORMAT} {DEFINITIONS} {rdBase.rdkitVersion} {PROFILED} {checksum} {smiles_column or ''}"
    name = hashlib.sha256(made_of.encode()).hexdigest()
    cached = _cache_folder() / f"reference-{name[:32]}.parquet"
    table = _read_cached(cached)
    if table is None:
        table = _make(path, checksum, workers or default_workers(), timeout, smiles_column)
        try:
            with atomic_path(cached) as temporary:
                pq.write_table(table, temporary, compression="zstd")
        except UserError:
            pass  # it is computed again next time
    return _reference(str(path), table)


def _checksum(path: Path) -> str:
    if path.is_dir():
        open_dataset(path, verify=True)  # explains what is wrong with it
        return sha256(path / "dataset.json")
    try:
        return sha256(expand_inputs([str(path)])[0])
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; check its permissions") from None


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("MOLDIFF_CACHE") or f"{home}/moldiff").expanduser()


def _read_cached(path: Path) -> pa.Table | None:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException):
        return None
    return table if table.schema.equals(_SCHEMA) else None


def _make(path: Path, checksum: str, workers: int, timeout: float, smiles_column: str | None) -> pa.Table:
    total = _count(path, smiles_column)
    profiled = frozenset(random.Random(0).sample(range(1, total + 1), min(PROFILED, total)))
    tasks = (
        Task(number, record, asked="distributions" if number in profiled else "keys", key=key)
        for number, (record, key) in enumerate(_records(path, profiled, smiles_column), start=1)
    )
    warm_up()
    distinct: dict[int, Row] = {}
    valid = 0
    sampled: list[tuple[int, str, bytes]] = []
    pieces = run_all(STEPS[0], list, tasks, then=STEPS[1:], workers=workers, chunk=_CHUNK, timeout=timeout)
    progress = Progress("reference", "molecules", total)
    for piece in pieces:
        rows = [blank_row(piece.item, piece.reason)] if isinstance(piece, Lost) else piece
        progress.update(len(rows))
        for row in rows:
            if not row["valid"]:
                continue
            valid += 1
            key = row["_key"]
            assert isinstance(key, int)
            distinct.setdefault(key, {name: row[name] for name in _DISTINCT_COLUMNS})
            if "_composition" in row:
                kept = {name: value for name, value in row.items() if name in _PROFILE_COLUMNS}
                codes = row.get("_geometry", b"")
                assert isinstance(codes, bytes)
                sampled.append((key, json.dumps(kept, sort_keys=True), codes))
    progress.close()
    if not distinct:
        raise UserError(f"{path}: holds no valid molecule to compare with; give a file of valid ones")
    # Two tables in one file, side by side: the distinct molecules, and the sample that is profiled.
    left: list[dict[str, Any]] = [distinct[key] for key in sorted(distinct)]
    right: list[dict[str, Any]] = [{"profiled": text, "geometry": codes} for _, text, codes in sorted(sampled)]
    none: dict[str, Any] = {}
    padded = [{**one, **other} for one, other in zip_longest(left, right, fillvalue=none)]
    meta = {"checksum": checksum, "records": str(total), "valid": str(valid)}
    return pa.Table.from_pylist(padded, _SCHEMA.with_metadata(meta))


_DISTINCT_COLUMNS = ("key", "_key", "_fingerprint", "ring_systems", "scaffold")
_PROFILE_COLUMNS = frozenset(
    {"_key", "_composition", "functional_groups", "topology_flags", "group_flags", "reasonable"}
    | {"chembl_rings", "largest_ring", *(one.name for one in DESCRIPTORS)}
)


def _count(path: Path, smiles_column: str | None) -> int:
    if path.is_dir():
        return len(open_dataset(path).rows("train"))
    return sum(1 for _ in read_records([str(path)], smiles_column=smiles_column))


def _records(path: Path, profiled: frozenset[int], smiles_column: str | None) -> Iterator[tuple[Record, str]]:
    """Records of a file, or of a dataset's train split, with the flat key where it is known.

    A dataset names its molecules by flat keys; those ``drawn`` are read all the same, for their positions.
    """
    if not path.is_dir():
        yield from ((record, "") for record in read_records([str(path)], smiles_column=smiles_column))
        return
    dataset = open_dataset(path)
    keys_hold = dataset.info.versions.get("rdkit") == version("rdkit")
    table = dataset.table(["smiles", "split"])
    train = [place for place, split in enumerate(table["split"].to_pylist()) if split == "train"]
    smiles = table["smiles"].to_pylist()
    for number, place in enumerate(train, start=1):
        if number in profiled:
            yield Record(str(path), number, _mol_block(dataset.molecules, place), "sdf"), ""
        else:
            yield Record(str(path), number, smiles[place], "smiles"), smiles[place] if keys_hold else ""


def _mol_block(molecules: RaggedMolecules, place: int) -> str:
    return write_sdf_block(to_rdkit(arrays_at(molecules, place))).partition("$$$$")[0]


def arrays_at(molecules: RaggedMolecules, place: int) -> MoleculeArrays:
    """One molecule of a featurized set, as chemistry takes it."""
    atoms = slice(molecules.atom_offsets[place], molecules.atom_offsets[place + 1])
    bonds = slice(molecules.bond_offsets[place], molecules.bond_offsets[place + 1])
    return MoleculeArrays(
        molecules.positions[atoms].astype(np.float64),
        molecules.atomic_numbers[atoms],
        molecules.formal_charges[atoms],
        molecules.bonds[bonds],
        molecules.bond_orders[bonds],
    )


def _reference(source: str, table: pa.Table) -> Reference:
    meta = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    rows = table.filter(table["_key"].is_valid())
    rings = {ring for text in rows["ring_systems"].to_pylist() for ring in text.split("; ") if ring}
    scaffolds = np.unique(np.array([key_hash(text) for text in set(rows["scaffold"].to_pylist())], dtype=np.uint64))
    packed = b"".join(rows["_fingerprint"].to_pylist())
    return Reference(
        source=source,
        checksum=meta["checksum"],
        records=int(meta["records"]),
        valid=int(meta["valid"]),
        keys=rows["_key"].to_numpy(),
        smiles=rows["key"].to_pylist(),
        fingerprints=np.frombuffer(packed, dtype=np.uint8).reshape(-1, 256),
        ring_systems=frozenset(rings),
        scaffolds=scaffolds,
        profiled=[
            {**json.loads(text), "_geometry": codes}
            for text, codes in zip(table["profiled"].to_pylist(), table["geometry"].to_pylist(), strict=True)
            if text is not None
        ],
    )


def _profile(rows: list[Row]) -> Profile:
    profile = Profile()
    seen: set[object] = set()
    for row in rows:
        distinct = row["_key"] not in seen
        read = {**row, "_composition": json.loads(str(row["_composition"])), "valid": True, "duplicate": not distinct}
        profile.add(read, distinct=distinct)
        seen.add(row["_key"])
    return profile
