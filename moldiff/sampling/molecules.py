"""Molecules in Python: a list that shows itself in a notebook, knows its files and its scores."""

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.formats.writing import Entry, kind_of, molecule_block, write_molecules
from moldiff.config.check import CheckOptions
from moldiff.errors import UserError
from moldiff.scoring.molecule.keys import isomeric_smiles, without_hydrogens
from moldiff.scoring.rows import score_records

if TYPE_CHECKING:
    from pandas import DataFrame

PROBLEM = "moldiff_problem"
"""Property of a molecule that failed: why. A molecule without it is valid_strict as it was made."""
SHOWN = 24
"""Molecules that a notebook shows."""
_SIZE = 180


class Molecules(Sequence[Chem.Mol]):
    """Molecules in order, each with its name (``_Name``) and what is known of it as properties (``moldiff_...``).

    >>> molecules = moldiff.load("drugs").sample(20)  # doctest: +SKIP
    >>> molecules.valid.to_sdf("new.sdf")  # doctest: +SKIP
    """

    def __init__(self, mols: Iterable[Chem.Mol]) -> None:
        self._mols = list(mols)

    def __len__(self) -> int:
        return len(self._mols)

    @overload
    def __getitem__(self, place: int) -> Chem.Mol: ...
    @overload
    def __getitem__(self, place: slice) -> "Molecules": ...
    def __getitem__(self, place: int | slice) -> "Chem.Mol | Molecules":
        """A molecule, or a part of the list."""
        return Molecules(self._mols[place]) if isinstance(place, slice) else self._mols[place]

    def __add__(self, other: Iterable[Chem.Mol]) -> "Molecules":
        return Molecules([*self._mols, *other])

    @property
    def valid(self) -> "Molecules":
        """Those that are whole molecules with nothing missing."""
        return Molecules(mol for mol in self if not mol.HasProp(PROBLEM))

    @property
    def failed(self) -> "Molecules":
        """The others; `problems` says why."""
        return Molecules(mol for mol in self if mol.HasProp(PROBLEM))

    @property
    def problems(self) -> list[str]:
        """Why each molecule failed, "" for those that did not."""
        return [mol.GetProp(PROBLEM) if mol.HasProp(PROBLEM) else "" for mol in self]

    @property
    def names(self) -> list[str]:
        """The name of each molecule."""
        return [_name(mol) for mol in self]

    def to_smiles(self) -> list[str]:
        """Canonical SMILES of each molecule without hydrogens, with stereo; "" where it cannot be sanitized."""
        return [smiles_of(mol) for mol in self]

    def to_sdf(self, path: str | Path) -> Path:
        """Write an SDF (.sdf or .sdf.gz) with all properties as data items.

        Raises:
            UserError: the file cannot be written or is named otherwise.
        """
        if kind_of(Path(path)) != ".sdf":
            raise UserError(f"{path}: to_sdf writes .sdf or .sdf.gz; `save` goes by the name's ending")
        return self.save(path)

    def save(self, path: str | Path) -> Path:
        """Write the file that the name's ending says: .sdf, .smi or .csv, each also with .gz.

        Raises:
            UserError: the name ends otherwise, or the file cannot be written.
        """
        write_molecules(Path(path), (Entry(mol, smiles_of(mol), properties(mol)) for mol in self))
        return Path(path)

    def to_dataframe(self) -> "DataFrame":
        """A row for each molecule: name, SMILES, the properties, and the molecule itself in the column mol."""
        pandas = _pandas()
        known = [{"name": _name(mol), "smiles": smiles_of(mol), **properties(mol), "mol": mol} for mol in self]
        return pandas.DataFrame(known, columns=list(dict.fromkeys(name for row in known for name in row)))

    def score(self, *, workers: int = 0, timeout: float = 30.0) -> "DataFrame":
        """Every column of `moldiff check` that needs no training set, a row for each molecule in order.

        `moldiff.check` also gives rates, distances and novelty.

        Args:
            workers: processes; 0 uses all available cores.
            timeout: seconds after which one molecule is given up.
        """
        return _pandas().DataFrame(score_records(self.records(), CheckOptions(workers=workers, timeout=timeout)))

    def records(self) -> list[Record]:
        """The molecules as records that can be scored."""
        return [
            Record("molecules", number, molecule_block(mol).partition("$$$$")[0], "sdf", name=_name(mol))
            for number, mol in enumerate(self, start=1)
        ]

    def __repr__(self) -> str:
        failed = len(self.failed)
        names = ", ".join(smiles_of(mol) or _name(mol) or "?" for mol in self[:3])
        more = ", ..." if len(self) > 3 else ""
        return f"<{len(self)} molecules{f', {failed} failed' if failed else ''}: {names}{more}>"

    def _repr_html_(self) -> str:
        """A grid of the first molecules, for notebooks."""
        cells = "".join(
            f'<div style="width:{_SIZE}px;text-align:center;font:12px sans-serif;overflow-wrap:anywhere">'
            f"{_drawing(mol)}<div>{html.escape(_name(mol))}</div>"
            f'<div style="color:#b00">{html.escape(problem)}</div></div>'
            for mol, problem in zip(self[:SHOWN], self.problems, strict=False)
        )
        more = f"<p>{len(self) - SHOWN} more of {len(self)}</p>" if len(self) > SHOWN else ""
        return f'<div style="display:flex;flex-wrap:wrap;gap:8px">{cells}</div>{more}'


def smiles_of(mol: Chem.Mol) -> str:
    """Canonical SMILES without hydrogens, with stereo; "" of a molecule that is not sanitized."""
    if mol.NeedsUpdatePropertyCache():
        return ""
    try:
        return isomeric_smiles(without_hydrogens(mol))
    except (RuntimeError, ValueError):  # its rings were never sought
        return ""


def properties(mol: Chem.Mol) -> dict[str, Any]:
    """The properties of a molecule but its name, numbers as numbers."""
    known: Mapping[str, Any] = mol.GetPropsAsDict(includePrivate=False, includeComputed=False)
    return dict(known)


def _name(mol: Chem.Mol) -> str:
    return mol.GetProp("_Name") if mol.HasProp("_Name") else ""


def _drawing(mol: Chem.Mol) -> str:
    flat = Chem.Mol(mol)
    flat.RemoveAllConformers()
    drawing = rdMolDraw2D.MolDraw2DSVG(_SIZE, _SIZE)
    with rdBase.BlockLogs():
        try:
            if smiles_of(mol):
                flat = Chem.MolFromSmiles(smiles_of(mol))
            else:
                flat.UpdatePropertyCache(strict=False)
                Chem.FastFindRings(flat)
            rdDepictor.Compute2DCoords(flat)
            drawing.drawOptions().prepareMolsBeforeDrawing = False
            drawing.DrawMolecule(flat)
            drawing.FinishDrawing()
        except (RuntimeError, ValueError):
            return "<div>cannot be drawn</div>"
    text: str = drawing.GetDrawingText()
    return text[text.index("<svg") :]


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise UserError("a DataFrame needs pandas: pip install pandas") from None
    return pandas
