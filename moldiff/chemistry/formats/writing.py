"""Molecules to a file of the kind that its name says: SDF, SMILES or CSV, plain or .gz."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor

from moldiff.chemistry.formats.sdf import data_block, write_sdf_block
from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path
from moldiff.files.spreadsheet import inert

KINDS = (".sdf", ".smi", ".csv")
"""Endings of the names that can be written; each may be followed by .gz."""


@dataclass(frozen=True)
class Entry:
    """A molecule on its way to a file, its SMILES ("" where it has none) and what is said of it."""

    mol: Chem.Mol
    smiles: str
    properties: Mapping[str, Any] = field(default_factory=dict)


def kind_of(path: Path) -> str:
    """The ending of a name that says what is written: .sdf, .smi or .csv.

    Raises:
        UserError: it is none of them.
    """
    name = path.name.lower().removesuffix(".gz")
    kind = next((kind for kind in KINDS if name.endswith(kind)), None)
    if kind is None:
        raise UserError(f"{path}: end the name in {', '.join(KINDS)} (or that and .gz), which says what is written")
    return kind


def write_molecules(path: Path, entries: Iterable[Entry]) -> None:
    """Write molecules atomically: SDF with data items, SMILES with names, or CSV with a column for each property.

    Raises:
        UserError: the name ends in nothing that can be written, or the file cannot be written.
        ValueError: a molecule that SDF cannot hold; see `molecule_block`.
    """
    kind = kind_of(path)
    entries = list(entries)
    if kind == ".sdf":
        content = "".join(molecule_block(entry.mol, entry.properties) for entry in entries)
    elif kind == ".smi":
        content = "".join(f"{entry.smiles} {_name(entry.mol)}".rstrip() + "\n" for entry in entries if entry.smiles)
    else:
        content = _csv(entries)
    data = content.encode("utf-8")
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(data, mtime=0) if path.name.endswith(".gz") else data)


def molecule_block(mol: Chem.Mol, properties: Mapping[str, Any] | None = None) -> str:
    """One SDF record with its data items; bonds that V2000 does not know, such as dative ones, make it V3000.

    Raises:
        ValueError: neither format holds the molecule as it is.
    """
    if mol.GetNumConformers() == 0:
        mol = Chem.Mol(mol)
        rdDepictor.Compute2DCoords(mol)
    try:
        return write_sdf_block(mol, properties)
    except ValueError as error:
        block = Chem.MolToV3KMolBlock(mol)
        with rdBase.BlockLogs():
            again = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
        if again is None or _bond_types(again) != _bond_types(mol):
            raise error from None
        return block + data_block(properties or {})


def _bond_types(mol: Chem.Mol) -> list[tuple[int, int, str]]:
    kekulized = Chem.Mol(mol)
    Chem.Kekulize(kekulized, clearAromaticFlags=True)
    ends = ((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond.GetBondType().name) for bond in kekulized.GetBonds())
    return sorted((min(i, j), max(i, j), kind) for i, j, kind in ends)


def _csv(entries: list[Entry]) -> str:
    columns = dict.fromkeys(name for entry in entries for name in entry.properties)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "smiles", *(name for name in columns if name not in ("name", "smiles"))])
    for entry in entries:
        values = [entry.properties.get(name) for name in columns if name not in ("name", "smiles")]
        row = [_name(entry.mol), entry.smiles, *("" if value is None else value for value in values)]
        writer.writerow([inert(value) for value in row])
    return text.getvalue()


def _name(mol: Chem.Mol) -> str:
    return " ".join(mol.GetProp("_Name").split()) if mol.HasProp("_Name") else ""
