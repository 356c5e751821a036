"""The structures of all molecules of the page, packed: positions in space, a drawing's positions, atoms and bonds.

Each molecule is read and laid out in a process with a time limit, as for the pictures: one that hangs or crashes is
left out, and the page says so.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor

from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.parsing import has_coordinates
from moldiff.parallel import Lost, default_workers, run_all
from moldiff.reporting.pictures import MOST_BONDS, SECONDS, from_smiles, given_atoms, read, too_large, without_hydrogens

MOST_ATOMS = 400
"""Atoms of the largest molecule that is shown."""
HIDDEN = -32768
"""Drawing position of an atom that is not drawn: a hydrogen that its neighbour's label names."""
FLAT_UNIT = 0.01
"""Length of a unit of ``flat``, Å."""
SPACE_UNIT = 0.001
"""Length of a unit of ``position``, Å; in molecules of more than 32 Å it is the smallest multiple that suffices."""
_PLACE = "_moldiff_place"
_ORDERS = {
    Chem.BondType.SINGLE: 1,
    Chem.BondType.DOUBLE: 2,
    Chem.BondType.TRIPLE: 3,
    Chem.BondType.AROMATIC: 4,
    Chem.BondType.DATIVE: 9,
}
_WEDGES = {Chem.BondDir.BEGINWEDGE: 1, Chem.BondDir.BEGINDASH: 2}

COLUMNS: Mapping[str, type[np.generic]] = {
    "atoms": np.uint16, "bonds": np.uint16, "solid": np.uint8, "drawn": np.uint8, "unit": np.float32,
    "element": np.uint8, "charge": np.int8, "hydrogens": np.uint8, "radical": np.uint8, "isotope": np.uint16,
    "given": np.uint8, "position": np.int16, "flat": np.int16,
    "begin": np.uint16, "end": np.uint16, "order": np.uint8, "wedge": np.uint8,
}  # fmt: skip
"""Arrays of a packed set, in this order, and their types: the first five a molecule, then an atom, then a bond."""


@dataclass(frozen=True)
class Query:
    """A molecule of the page by its place in the table: its record where there is one, else its SMILES."""

    place: int
    record: Record | None
    smiles: str


@dataclass(frozen=True)
class Structures:
    """Packed arrays by name (`COLUMNS`), over all molecules in their order, and why some are missing.

    ``missing`` counts the molecules without a structure by reason, ``flat_only`` those without positions in space.
    """

    arrays: Mapping[str, np.ndarray]
    missing: Mapping[str, int]
    flat_only: int

    @property
    def elements(self) -> list[int]:
        """Atomic numbers that occur."""
        return [int(z) for z in np.unique(self.arrays["element"])]


def structures(queries: Iterable[Query], count: int) -> Structures:
    """The structures of ``count`` molecules, whose places are 0 to count - 1; one without a query is missing."""
    answers: dict[int, dict[str, np.ndarray] | str] = {}
    workers = max(1, min(default_workers(), count // 64 + 1))
    for piece in run_all(_pack, list, queries, workers=workers, chunk=32, timeout=SECONDS):
        if isinstance(piece, Lost):
            reason = "took too long" if piece.reason.startswith("timeout") else "crashed the program that reads it"
            answers[piece.item.place] = reason
        else:
            answers.update(piece)
    missing = Counter(value for value in answers.values() if isinstance(value, str))
    if count > len(answers):
        missing["not found in the files that were checked"] += count - len(answers)
    packed = [value if isinstance(value, dict) else _EMPTY for value in (answers.get(p) for p in range(count))]
    arrays = {
        name: np.concatenate([entry[name] for entry in packed]) if packed else np.zeros(0, kind)
        for name, kind in COLUMNS.items()
    }
    return Structures(arrays, dict(missing), int((arrays["atoms"] > 0).sum() - arrays["solid"].sum()))


def _pack(query: Query) -> tuple[int, dict[str, np.ndarray] | str]:
    with rdBase.BlockLogs():
        try:
            if query.record is not None and too_large(query.record):
                return query.place, f"more than {MOST_ATOMS} atoms or {MOST_BONDS} bonds"
            mol = read(query.record) if query.record is not None else None
            if mol is None:
                mol = from_smiles(query.smiles)
            if mol is None:
                return query.place, "cannot be read"
            if mol.GetNumAtoms() > MOST_ATOMS or mol.GetNumBonds() > MOST_BONDS:
                return query.place, f"more than {MOST_ATOMS} atoms or {MOST_BONDS} bonds"
            return query.place, _arrays(mol)
        except (ValueError, RuntimeError, OverflowError) as error:
            return query.place, f"cannot be shown: {type(error).__name__}"


def _arrays(mol: Chem.Mol) -> dict[str, np.ndarray]:
    atoms, bonds = list(mol.GetAtoms()), list(mol.GetBonds())
    drawing = _drawing(mol)
    order = {frozenset((b.GetBeginAtomIdx(), b.GetEndAtomIdx())): _ORDERS.get(b.GetBondType(), 0) for b in bonds}
    order |= {pair: number for pair, (number, _, _) in drawing.bonds.items()}
    wedged = [drawing.bonds.get(frozenset((b.GetBeginAtomIdx(), b.GetEndAtomIdx()))) for b in bonds]
    # a wedge begins at its stereocentre, so the bond is written from there
    pairs = [
        (match[1], (b.GetOtherAtomIdx(match[1])), match[2])
        if match is not None and match[2]
        else (b.GetBeginAtomIdx(), b.GetEndAtomIdx(), 0)
        for b, match in zip(bonds, wedged, strict=True)
    ]
    given = set(given_atoms(mol))
    positions, unit = _positions(mol)
    values: dict[str, Sequence[float] | np.ndarray] = {
        "atoms": [len(atoms)],
        "bonds": [len(bonds)],
        "solid": [positions is not None],
        "drawn": [bool(drawing.hydrogens)],
        "unit": [unit],
        "element": [atom.GetAtomicNum() for atom in atoms],
        "charge": [atom.GetFormalCharge() for atom in atoms],
        "hydrogens": [min(drawing.hydrogens.get(i, 0), 9) for i in range(len(atoms))],
        "radical": [min(atom.GetNumRadicalElectrons(), 9) for atom in atoms],
        "isotope": [atom.GetIsotope() for atom in atoms],
        "given": [i in given for i in range(len(atoms))],
        "position": np.zeros(3 * len(atoms)) if positions is None else positions,
        "flat": drawing.flat,
        "begin": [begin for begin, _, _ in pairs],
        "end": [end for _, end, _ in pairs],
        "order": [order[frozenset(pair[:2])] for pair in pairs],
        "wedge": [wedge for _, _, wedge in pairs],
    }
    return {name: np.asarray(values[name]).astype(kind) for name, kind in COLUMNS.items()}


def _positions(mol: Chem.Mol) -> tuple[np.ndarray | None, float]:
    if not has_coordinates(mol):
        return None, SPACE_UNIT
    positions = mol.GetConformer().GetPositions()
    if not np.isfinite(positions).all() or np.abs(positions).max() > 32_000 * SPACE_UNIT * 1000:
        return None, SPACE_UNIT
    unit = SPACE_UNIT * max(1, int(np.ceil(np.abs(positions).max() / (32_000 * SPACE_UNIT))))
    return np.rint(positions / unit).ravel(), unit


@dataclass(frozen=True)
class _Drawing:
    """A molecule laid out.

    Attributes:
        flat: [2 atoms] positions on paper.
        hydrogens: of each atom that is drawn.
        bonds: of each bond that is drawn, by its atoms: order, the atom at which a wedge begins, and the wedge.
    """

    flat: np.ndarray
    hydrogens: Mapping[int, int]
    bonds: Mapping[frozenset[int], tuple[int, int, int]]


def _drawing(mol: Chem.Mol) -> _Drawing:
    flat = np.full(2 * mol.GetNumAtoms(), HIDDEN)
    heavy = _heavy(mol)
    if heavy is None or heavy.GetNumAtoms() == 0:
        return _Drawing(flat, {}, {})
    rdDepictor.Compute2DCoords(heavy, canonOrient=True)
    places = [atom.GetIntProp(_PLACE) for atom in heavy.GetAtoms()]
    positions = np.rint(heavy.GetConformer().GetPositions()[:, :2] / FLAT_UNIT)
    if not np.isfinite(positions).all() or np.abs(positions).max() > 32_000:
        return _Drawing(flat, {}, {})
    Chem.WedgeMolBonds(heavy, heavy.GetConformer())
    flat.reshape(-1, 2)[places] = positions
    return _Drawing(
        flat,
        {place: atom.GetTotalNumHs() for place, atom in zip(places, heavy.GetAtoms(), strict=True)},
        {
            frozenset((places[b.GetBeginAtomIdx()], places[b.GetEndAtomIdx()])): (
                _ORDERS.get(b.GetBondType(), 0),
                places[b.GetBeginAtomIdx()],
                _WEDGES.get(b.GetBondDir(), 0),
            )
            for b in heavy.GetBonds()
        },
    )


def _heavy(mol: Chem.Mol) -> Chem.Mol | None:
    """A copy without hydrogens, sanitized and kekulized where that can be done, stereo as its positions have it."""
    copy = _placed(mol)
    if copy.GetNumHeavyAtoms() == 0:
        copy.UpdatePropertyCache(strict=False)
        return copy
    try:
        Chem.SanitizeMol(copy)
        if has_coordinates(copy):
            Chem.AssignStereochemistryFrom3D(copy)
        heavy = Chem.RemoveHs(copy)
        Chem.Kekulize(heavy, clearAromaticFlags=True)
    except (ValueError, RuntimeError):
        heavy = without_hydrogens(_placed(mol))
        Chem.FastFindRings(heavy)
    return heavy


def _placed(mol: Chem.Mol) -> Chem.Mol:
    """A copy whose atoms know their place."""
    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetIntProp(_PLACE, atom.GetIdx())
    return copy


def _empty() -> dict[str, np.ndarray]:
    blank = {name: np.zeros(0, kind) for name, kind in COLUMNS.items()}
    return blank | {name: np.zeros(1, COLUMNS[name]) for name in ("atoms", "bonds", "solid", "drawn", "unit")}


_EMPTY = _empty()
