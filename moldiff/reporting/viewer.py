"""The molecules that can be turned on the page, as data for viewer.js."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rdkit import Chem

from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.parsing import has_coordinates
from moldiff.parallel import Lost, run_all
from moldiff.reporting.figures import short
from moldiff.reporting.pictures import MOST_BONDS, SECONDS, read

MOST_ATOMS = 400

# Middle tones in the custom of the field; what is not listed is pink.
COLOURS = {
    1: "#c9ced6", 5: "#e0a08c", 6: "#7d8590", 7: "#4a7bf0", 8: "#e5484d", 9: "#4cb38a", 14: "#d6b48a", 15: "#ef8e3b",
    16: "#d9ad1c", 17: "#3fa556", 35: "#b0653a", 53: "#9254c8",
}  # fmt: skip
OTHER = "#e06fb5"


def structures(records: Sequence[Record]) -> dict[int, Mapping[str, Any]]:
    """The structure of each record that has finite three-dimensional coordinates, by its place in the sequence."""
    found: dict[int, Mapping[str, Any]] = {}
    for piece in run_all(_structure, list, enumerate(records), workers=1, chunk=16, timeout=SECONDS):
        if not isinstance(piece, Lost):
            found.update((place, data) for place, data in piece if data is not None)
    return found


def facing(positions: np.ndarray) -> np.ndarray:
    """Centred positions [atom, 3], turned so that the molecule lies flat before the eye; never mirrored."""
    centred = positions - positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False) if len(centred) > 2 else (None, None, np.eye(3))
    if np.linalg.det(axes) < 0:
        axes[2] = -axes[2]
    return centred @ axes.T


def _structure(item: tuple[int, Record]) -> tuple[int, Mapping[str, Any] | None]:
    place, record = item
    mol = read(record)
    if mol is None or not has_coordinates(mol) or mol.GetNumAtoms() > MOST_ATOMS or mol.GetNumBonds() > MOST_BONDS:
        return place, None
    positions = mol.GetConformer().GetPositions()
    return place, _data(mol, positions) if np.isfinite(positions).all() else None


def _data(mol: Chem.Mol, positions: np.ndarray) -> Mapping[str, Any]:
    table = Chem.GetPeriodicTable()
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    return {
        "atoms": numbers,
        "charges": [atom.GetFormalCharge() for atom in mol.GetAtoms()],
        "positions": [round(float(v), 3) for v in facing(positions).ravel()],
        "bonds": [[b.GetBeginAtomIdx(), b.GetEndAtomIdx(), b.GetBondTypeAsDouble()] for b in mol.GetBonds()],
        "elements": {
            str(z): [table.GetElementSymbol(z), COLOURS.get(z, OTHER), round(table.GetRcovalent(z), 2)]
            for z in sorted(set(numbers))
        },
    }


def described(data: Mapping[str, Any], name: str, smiles: str, figures: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A structure with the name it goes by and the figures written beside it."""
    written = [*figures, ("atoms", str(len(data["atoms"])))]
    return {"name": short(name), "smiles": short(smiles, 200), "figures": [list(pair) for pair in written], **data}
