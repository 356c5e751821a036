"""Parts of molecules as users give them: files with a pose, SMILES without; where they may grow, and what must stay.

A dummy atom, `[*]` in SMILES and `*` or `R` in SDF, marks its neighbour as open: there and nowhere else a bond to a new
atom may be made. Without marks every atom with a hydrogen to spare is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from moldiff.chemistry.arrays import MoleculeArrays, to_arrays
from moldiff.chemistry.exits import Exit, exits_of
from moldiff.chemistry.formats.records import read_records
from moldiff.chemistry.parsing import Rejected, has_coordinates, parse_record
from moldiff.chemistry.sides import Side, sides_of
from moldiff.errors import UserError

DUMMY = 0


@dataclass(frozen=True)
class Fragment:
    """A part that is kept as it is, with its pose.

    Attributes:
        arrays: its atoms, their positions, the bonds among them.
        exits: the bonds that may leave it, where atoms are expected.
        marked: whether something was asked for at each of the exits.
        sides: where new neighbours of open atoms have to be.
        name: of the molecule or file, for messages.
    """

    arrays: MoleculeArrays
    exits: tuple[Exit, ...]
    marked: bool
    sides: tuple[Side, ...] = ()
    name: str = ""

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def open(self) -> np.ndarray:
        """[atom] Whether a bond to a new atom may be made."""
        return np.isin(np.arange(len(self)), [leaving.atom for leaving in self.exits])


def read_molecule(path: str | Path) -> Chem.Mol:
    """The one molecule with a pose of an SDF file, sanitized, its explicit hydrogens kept.

    Raises:
        UserError: the file cannot be read, holds no or several molecules, or one without a three-dimensional pose.
    """
    records = [record for record, _ in zip(read_records([str(path)]), range(2), strict=False)]
    if len(records) != 1:
        raise UserError(f"{path}: holds {'several molecules' if records else 'no molecule'}, but one is expected")
    try:
        mol = parse_record(records[0])
    except Rejected as problem:
        raise UserError(f"{path}: {problem}") from None
    if not has_coordinates(mol):
        raise UserError(f"{path}: has no three-dimensional pose; give SMILES with --scaffold-smiles to generate poses")
    return _sanitized(mol, str(path))


def read_fragment(path: str | Path, *, hydrogens: str, pieces: int = 1) -> Fragment:
    """A part from an SDF file, its pose as it is.

    Args:
        path: of the file.
        hydrogens: explicit where they are atoms of the model, else implicit.
        pieces: how many connected pieces are asked for.

    Raises:
        UserError: see `read_molecule` and `fragment_of`.
    """
    return fragment_of(read_molecule(path), str(path), hydrogens=hydrogens, pieces=pieces)


def fragments_of_smiles(text: str, *, hydrogens: str, conformers: int, seed: int) -> list[Fragment]:
    """A part from SMILES, in up to ``conformers`` poses (ETKDGv3 and MMFF94s, marks standing for methyl groups).

    Raises:
        UserError: the SMILES cannot be read, no pose is found, and see `fragment_of`.
    """
    with rdBase.CaptureErrorLog() as log:
        mol = Chem.MolFromSmiles(text)
    if mol is None:
        lines = [line for line in log.messages.strip().splitlines() if line.strip()]
        raise UserError(f"{text}: unreadable SMILES ({lines[0].partition('] ')[2] if lines else 'no explanation'})")
    if mol.GetNumAtoms() == 0:
        raise UserError("the SMILES of the scaffold is empty")
    capped = Chem.RWMol(mol)
    for atom in capped.GetAtoms():
        atom.SetAtomMapNum(0)
        if atom.GetAtomicNum() == DUMMY:
            _check_mark(atom, text)
            atom.SetAtomicNum(6)
            atom.SetIsotope(0)
            atom.SetNoImplicit(False)
    complete = Chem.AddHs(_sanitized(capped.GetMol(), text))
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed & 0x7FFFFFFF
    if not (made := list(rdDistGeom.EmbedMultipleConfs(complete, conformers, parameters))):
        parameters.useRandomCoords = True
        made = list(rdDistGeom.EmbedMultipleConfs(complete, conformers, parameters))
    if not made:
        raise UserError(f"{text}: ETKDGv3 finds no pose; give one as SDF with --scaffold")
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(complete):
        rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(complete, mmffVariant="MMFF94s")
    fragments = []
    for number in made:
        posed = Chem.Mol(mol)
        conformer = Chem.Conformer(mol.GetNumAtoms())
        for atom in range(mol.GetNumAtoms()):
            conformer.SetAtomPosition(atom, complete.GetConformer(number).GetAtomPosition(atom))
        posed.AddConformer(conformer, assignId=True)
        fragments.append(fragment_of(posed, text, hydrogens=hydrogens))
    return fragments


def fragment_of(mol: Chem.Mol, name: str, *, hydrogens: str, pieces: int = 1) -> Fragment:
    """A part from a sanitized molecule with a pose; its dummy atoms mark the open atoms.

    Where hydrogens are atoms, those of closed atoms are kept or added; those of an open atom without marks are left
    to the model.

    Raises:
        UserError: it has another number of pieces, no open atom, or a mark that is not on one atom.
    """
    marked = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == DUMMY]
    opened: dict[int, list[int]] = {}
    for index in marked:
        opened.setdefault(_check_mark(mol.GetAtomWithIdx(index), name), []).append(index)
    if not marked:
        opened = {a.GetIdx(): [] for a in mol.GetAtoms() if a.GetAtomicNum() > 1 and a.GetTotalNumHs(True)}
    sides = sides_of(mol, set(opened), set(marked))
    full = Chem.AddHs(mol, addCoords=True) if hydrogens == "explicit" else Chem.Mol(mol)
    left_out = set(marked)
    for atom in full.GetAtoms():
        if atom.GetAtomicNum() == 1 and atom.GetDegree() == 1:
            holder = atom.GetNeighbors()[0]
            if hydrogens != "explicit" or (not marked and holder.GetIdx() in opened):
                left_out.add(atom.GetIdx())
    kept = [index for index in range(full.GetNumAtoms()) if index not in left_out]
    count = len(Chem.GetMolFrags(mol)) if not marked else len(Chem.GetMolFrags(_without(mol, set(marked))))
    if count != pieces:
        asked = f"{_pieces(pieces)} {'is' if pieces == 1 else 'are'} asked for"
        raise UserError(f"{name}: is in {_pieces(count)}, and {asked}")
    if not opened:
        raise UserError(
            f"{name}: no atom is open: none has a hydrogen to spare; mark one with [*], or give another part"
        )
    place = {old: new for new, old in enumerate(kept)}
    arrays = _taken(to_arrays(full), kept)
    moved = tuple(
        replace(side, atom=place[side.atom], others=(place[side.others[0]], place[side.others[1]]))
        for side in sides
        if side.atom in place and all(other in place for other in side.others)
    )
    return Fragment(arrays, exits_of(full, opened, place), bool(marked), moved, name)


def without_atoms(mol: Chem.Mol, atoms: Sequence[int], name: str, *, hydrogens: str) -> Fragment:
    """What is kept of a molecule of which a part is replaced: open are the atoms that were bonded to it.

    Args:
        mol: sanitized, with a pose.
        atoms: numbers of the atoms to replace, from 0.
        name: of the molecule, for messages.
        hydrogens: explicit where they are atoms of the model, else implicit.

    Raises:
        UserError: an atom does not exist, all of them or none would be replaced, or nothing was bonded to them.
    """
    total = mol.GetNumAtoms()
    if wrong := [index + 1 for index in atoms if not 0 <= index < total]:
        raise UserError(f"{name}: has no atom {wrong[0]}; its atoms are numbered from 1 to {total}")
    full = Chem.AddHs(mol, addCoords=True) if hydrogens == "explicit" else mol
    removed = set(atoms)
    for atom in full.GetAtoms():
        lone = atom.GetAtomicNum() == 1 and atom.GetDegree() == 1
        if lone and (hydrogens != "explicit" or atom.GetNeighbors()[0].GetIdx() in removed):
            removed.add(atom.GetIdx())
    kept = [index for index in range(full.GetNumAtoms()) if index not in removed]
    if not atoms or not kept:
        which = "every atom" if atoms else "no atom"
        raise UserError(f"{name}: {which} is replaced; name some of its {total} atoms")
    replaced, opened = set(atoms), {}
    for index in kept:
        if beyond := [n.GetIdx() for n in full.GetAtomWithIdx(index).GetNeighbors() if n.GetIdx() in replaced]:
            opened[index] = beyond
    if not opened:
        raise UserError(f"{name}: no kept atom is bonded to those that are replaced; they are a separate molecule")
    exits = exits_of(full, opened, {old: new for new, old in enumerate(kept)})
    return Fragment(_taken(to_arrays(full), kept), exits, marked=True, name=name)


def parse_atoms(text: str) -> list[int]:
    """Numbers from 0 of a list counted from 1, such as ``3,4,5-9``.

    Raises:
        UserError: it is not such a list.
    """
    atoms: list[int] = []
    for part in text.split(","):
        ends = part.strip().split("-")
        numbers = [int(end) for end in ends if end.strip().isdecimal()]
        if len(ends) > 2 or len(numbers) != len(ends) or not 1 <= numbers[0] <= numbers[-1]:
            raise UserError(f"atoms {text}: expected numbers from 1 on and ranges, such as 3,4,5-9")
        atoms += range(numbers[0] - 1, numbers[-1])
    return sorted(set(atoms))


def _sanitized(mol: Chem.Mol, name: str) -> Chem.Mol:
    with rdBase.BlockLogs():
        try:
            Chem.SanitizeMol(mol)
        except ValueError as error:
            raise UserError(
                f"{name}: is not possible ({str(error).strip()}); a marked atom must have a hydrogen to spare"
            ) from None
        if mol.GetNumConformers():
            Chem.AssignStereochemistryFrom3D(mol)
    return mol


def _check_mark(atom: Chem.Atom, name: str) -> int:
    """The atom that a dummy marks."""
    near = [other for other in atom.GetNeighbors() if other.GetAtomicNum() != DUMMY]
    single = all(bond.GetBondType() == Chem.BondType.SINGLE for bond in atom.GetBonds())
    if len(near) != 1 or atom.GetDegree() != 1 or not single:
        raise UserError(f"{name}: a mark [*] must have one single bond, to the atom that it marks as open")
    return int(near[0].GetIdx())


def _without(mol: Chem.Mol, atoms: set[int]) -> Chem.Mol:
    rest = Chem.RWMol(mol)
    for index in sorted(atoms, reverse=True):
        rest.RemoveAtom(index)
    return rest.GetMol()


def _taken(arrays: MoleculeArrays, kept: list[int]) -> MoleculeArrays:
    place = np.full(len(arrays), -1)
    place[kept] = np.arange(len(kept))
    bonds = place[arrays.bonds.astype(np.int64)].reshape(-1, 2)
    inside = (bonds >= 0).all(1)
    return MoleculeArrays(
        arrays.positions[kept],
        arrays.atomic_numbers[kept],
        arrays.formal_charges[kept],
        bonds[inside].astype(np.uint16),
        arrays.bond_orders[inside],
    )


def _pieces(number: int) -> str:
    return "one piece" if number == 1 else f"{number} pieces"
