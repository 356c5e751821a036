"""The featurize stage: molecule files in, a featurized set out."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

from moldiff.chemistry.formats.qm9 import PREFIX
from moldiff.chemistry.formats.records import Record, count_records, expand_inputs, read_records
from moldiff.chemistry.parsing import Rejected, quiet
from moldiff.chemistry.preparation import add_smiles, check_elements, finish, read_whole, standardise
from moldiff.config.featurize import FeaturizeOptions
from moldiff.dataset.columns import with_computed
from moldiff.dataset.shards import (
    SET_FILES,
    SHARD_FILES,
    SHARD_INFO,
    Part,
    assemble,
    merge_shards,
    try_folder,
    write_shard,
)
from moldiff.dataset.splits import split_from_text
from moldiff.dataset.storage import INFO_FILE, RaggedMolecules
from moldiff.errors import UserError
from moldiff.files.atomic import only_writer
from moldiff.parallel import Lost, default_workers, run_all
from moldiff.progress import Progress
from moldiff.stages.suited import suited

_CHUNK = 128
"""Records of one piece of work; also the run of records that stays in one shard."""
_GRACE = 5.0
"""Seconds that RDKit's own time-out may be late before a process is ended."""


def featurize(options: FeaturizeOptions, output: Path, *, workers: int = 0) -> dict[str, Any]:
    """Featurize all inputs into the folder ``output``; returns the content of its dataset.json.

    Args:
        options: inputs and how to treat them; ``shards`` parts are made one after the other and merged.
        output: folder of arrays.safetensors, molecules.parquet, rejected.csv and dataset.json.
        workers: processes; 0 uses all available cores.

    Raises:
        UserError: an input cannot be read, no record gives a molecule, the output cannot be written, an element
            does not exist, or tblite is missing where GFN2-xTB is asked for.
    """
    options = suited(options)
    with only_writer(output / INFO_FILE):
        try_folder(output, SET_FILES)
        parts = [_collect(options, shard, options.shards, workers) for shard in range(options.shards)]
        return assemble(parts, options, output, _versions())


def featurize_shard(options: FeaturizeOptions, shard: int, shards: int, output: Path, *, workers: int = 0) -> None:
    """Featurize part ``shard`` (from 0) of ``shards`` into a folder that `merge` reads.

    Raises:
        UserError: see `featurize`; also if standard input is to be cut into shards.
    """
    if not 0 <= shard < shards:
        raise UserError(f"shard {shard} of {shards} does not exist; they count from 0")
    options = suited(options)
    with only_writer(output / SHARD_INFO):
        try_folder(output, SHARD_FILES)
        write_shard(output, _collect(options, shard, shards, workers), options, shard, shards, _versions())


def merge(options: FeaturizeOptions, shards: list[Path], output: Path) -> dict[str, Any]:
    """Merge the folders of all shards; the result is byte for byte that of `featurize` on all inputs.

    Raises:
        UserError: see `moldiff.dataset.shards.merge_shards`.
    """
    with only_writer(output / INFO_FILE):
        return merge_shards(shards, suited(options), output, _versions())


_Numbered = tuple[int, Record]


@dataclass(frozen=True, slots=True)
class _Task:
    """A record on its way, with its number over all inputs and, if a column says so, its split."""

    number: int
    record: Record
    split: str
    result: Any = None
    """What the last step made of it: in the end a list of PreparedMolecule, or the reason of the rejection."""


@dataclass(frozen=True)
class _Piece:
    """Results of some records, as columns that travel well between processes."""

    records: int
    molecules: RaggedMolecules
    rows: dict[str, list[Any]]
    rejected: dict[str, list[Any]]


def _collect(options: FeaturizeOptions, shard: int, shards: int, workers: int) -> Part:
    """All results of one shard."""
    check_elements(options.elements)
    if options.relax == "gfn2" or options.gfn2_columns:
        from moldiff.chemistry.gfn2 import require_tblite

        require_tblite()
    inputs = _inputs(options)
    if shards > 1 and "-" in inputs:
        raise UserError("standard input cannot be cut into shards; save it to a file or use one shard")
    total = count_records(inputs, smiles_column=options.smiles_column, id_column=options.id_column)
    if total is not None:
        total = -(-min(total, options.limit or total) // shards)
    pieces: list[_Piece] = []
    with Progress("featurize", "records", total) as progress:
        molecules = 0
        for piece in run_all(
            partial(_read, options=options),
            _pack,
            _records(options, inputs, shard, shards),
            then=(partial(_standardise, options=options), _add_smiles, partial(_finish, options=options)),
            workers=workers or default_workers(),
            chunk=_CHUNK,
            weigh=lambda numbered: numbered[1].weight,
            timeout=_patience(options),
        ):
            if isinstance(piece, Lost):
                piece = _pack([_Task(*piece.item, "", piece.reason)])
            pieces.append(piece)
            molecules += len(piece.molecules)
            progress.update(piece.records, f"{molecules:,} molecules")
    return Part.build(
        [piece.molecules for piece in pieces],
        _joined([piece.rows for piece in pieces]),
        _joined([piece.rejected for piece in pieces]),
        sum(piece.records for piece in pieces),
    )


def _patience(options: FeaturizeOptions) -> float:
    """Seconds after which a record is given up."""
    relaxing = options.relax_timeout if options.relax != "none" else 0
    return options.conformer_timeout + relaxing + (options.gfn2_timeout if options.gfn2_columns else 0) + _GRACE


def _inputs(options: FeaturizeOptions) -> list[str]:
    """Files and folders as they were named, globs expanded, each once."""
    if not options.inputs:
        expand_inputs([])
    names: dict[str, None] = {}
    for given in options.inputs:
        paths = [given] if given.startswith(PREFIX) else map(str, expand_inputs([given]))
        names.update(dict.fromkeys(paths))
    return list(names)


def _records(options: FeaturizeOptions, inputs: list[str], shard: int, shards: int) -> Iterator[_Numbered]:
    """The shard's records with their numbers over all inputs: runs of equal length are dealt out in turn."""
    records = read_records(inputs, smiles_column=options.smiles_column, id_column=options.id_column)
    for number, record in enumerate(islice(records, options.limit)):
        if number // _CHUNK % shards == shard:
            yield number, record


def _read(numbered: _Numbered, options: FeaturizeOptions) -> _Task:
    number, record = numbered
    quiet()
    try:
        split = _split_of(record, options) if options.split == "column" else ""
    except Rejected as rejection:
        return _Task(number, record, "", str(rejection))
    return _attempt(_Task(number, record, split), lambda: read_whole(record, options))


def _standardise(task: _Task, options: FeaturizeOptions) -> _Task:
    return _attempt(task, lambda: standardise(task.result, task.record, options))


def _add_smiles(task: _Task) -> _Task:
    return _attempt(task, lambda: add_smiles(task.result))


def _finish(task: _Task, options: FeaturizeOptions) -> _Task:
    return _attempt(task, lambda: finish(task.result, options))


def _attempt(task: _Task, step: Callable[[], Any]) -> _Task:
    """The task with the step's result, or with the reason why there is none; a rejected one stays as it is."""
    if isinstance(task.result, str):
        return task
    try:
        return replace(task, result=step())
    except Rejected as rejection:
        return replace(task, result=str(rejection))
    except (RuntimeError, ValueError, OverflowError) as error:  # what RDKit raises from C++
        return replace(task, result=f"RDKit cannot treat it: {' '.join(str(error).split())[:200]}")


def _split_of(record: Record, options: FeaturizeOptions) -> str:
    given = record.properties.get(options.split_column)
    place = split_from_text(given) if given is not None else None
    if place is None:
        state = "is not there" if given is None else f"holds {given[:40]!r}"
        raise Rejected(f"no split: column {options.split_column} {state}; it must hold train, valid or test")
    return place


def _pack(tasks: list[_Task]) -> _Piece:
    molecules: list[Any] = []
    rows: dict[str, list[Any]] = defaultdict(list)
    rejected: dict[str, list[Any]] = defaultdict(list)
    for task in tasks:
        record = task.record
        common = {"order": task.number, "id": record.name, "source": record.source, "record": record.index}
        if isinstance(task.result, str):
            _append(rejected, {**common, "reason": task.result})
            continue
        for mol in task.result:
            molecules.append(mol.arrays)
            properties = json.dumps(with_computed(record.properties, mol.columns), ensure_ascii=False)
            row = {
                **common,
                "smiles": mol.smiles,
                "isomeric_smiles": mol.isomeric_smiles,
                "inchikey": mol.inchikey,
                "split": task.split,
                "conformer": mol.conformer,
                "atoms": len(mol.arrays),
                "scaffold": mol.scaffold,
                "properties": properties,
            }
            _append(rows, row)
    return _Piece(len(tasks), RaggedMolecules.stack(molecules), dict(rows), dict(rejected))


def _append(columns: dict[str, list[Any]], row: dict[str, Any]) -> None:
    for name, value in row.items():
        columns[name].append(value)


def _joined(tables: list[dict[str, list[Any]]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = defaultdict(list)
    for table in tables:
        for name, values in table.items():
            columns[name] += values
    return columns


def _versions() -> dict[str, str]:
    try:
        own = version("moldiff")
    except PackageNotFoundError:
        own = "0+unknown"
    return {"moldiff": own, "rdkit": version("rdkit")}
