"""A molecule as plain numpy arrays, and the way to RDKit and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Geometry import Point3D

_BOND_TYPES = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
_ORDERS = {1.0, 2.0, 3.0}
_DATIVE = Chem.MolFromSmarts("*->*")
"""Counts as 1.0 in GetBondTypeAsDouble()."""


@dataclass(frozen=True, slots=True)
class MoleculeArrays:
    """One molecule: positions [atom, 3] in Å, elements, formal charges and kekulized bonds.

    ``bonds`` [bond, 2] holds atom indices i < j, ``bond_orders`` [bond] 1, 2 or 3.
    """

    positions: np.ndarray
    atomic_numbers: np.ndarray
    formal_charges: np.ndarray
    bonds: np.ndarray
    bond_orders: np.ndarray

    def __len__(self) -> int:
        return len(self.atomic_numbers)


def to_arrays(mol: Chem.Mol) -> MoleculeArrays:
    """The atoms, kekulized bonds and first conformer of an RDKit molecule; the molecule itself is left as it is.

    Raises:
        ValueError: no conformer, a bond that is not single, double, triple or kekulizable, a charge beyond ±127.
    """
    if mol.GetNumConformers() == 0:
        raise ValueError("the molecule has no conformer")
    pairs, orders = _bonds(mol)
    if 1.5 in orders:
        mol = Chem.Mol(mol)
        Chem.Kekulize(mol, clearAromaticFlags=True)
        pairs, orders = _bonds(mol)
    if not _ORDERS.issuperset(orders):
        types = {bond.GetBondType() for bond in mol.GetBonds()} - set(_BOND_TYPES.values())
        raise ValueError(f"a bond of type {min(kind.name.lower() for kind in types)} has no order 1, 2 or 3")
    numbers, charges = [], []
    for index in range(mol.GetNumAtoms()):
        atom = mol.GetAtomWithIdx(index)
        numbers.append(atom.GetAtomicNum())
        charges.append(atom.GetFormalCharge())
    if charges and max(map(abs, charges)) > 127:
        raise ValueError("a formal charge is beyond 127")
    return MoleculeArrays(
        positions=mol.GetConformer().GetPositions().reshape(-1, 3),
        atomic_numbers=np.array(numbers, dtype=np.uint8),
        formal_charges=np.array(charges, dtype=np.int8),
        bonds=np.array(pairs, dtype=np.uint16).reshape(-1, 2),
        bond_orders=np.array(orders, dtype=np.uint8),
    )


def _bonds(mol: Chem.Mol) -> tuple[list[int], list[float]]:
    """Both atoms of each bond, the first one first, end to end, and the orders; 0 for a dative bond.

    By index and as numbers, since iterating over GetBonds() and making BondType objects costs four times as much.
    """
    pairs: list[int] = []
    orders: list[float] = []
    for index in range(mol.GetNumBonds()):
        bond = mol.GetBondWithIdx(index)
        begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        pairs += (begin, end) if begin < end else (end, begin)
        orders.append(bond.GetBondTypeAsDouble())
    if mol.HasSubstructMatch(_DATIVE):
        orders.append(0.0)
    return pairs, orders


def to_rdkit(
    arrays: MoleculeArrays,
    name: str = "",
    properties: Mapping[str, object] | None = None,
    *,
    hydrogens: Literal["implicit", "explicit"] = "implicit",
) -> Chem.Mol:
    """An unsanitized RDKit molecule with one conformer and exactly the atoms, charges and bonds given.

    Args:
        arrays: the molecule.
        name: its title.
        properties: written as text properties.
        hydrogens: explicit if every hydrogen is in the arrays, so that sanitizing may add none and an
            atom with too few bonds becomes a radical; implicit leaves them to RDKit's valence model.
    """
    mol = Chem.RWMol()
    no_implicit = hydrogens == "explicit"
    for number, charge in zip(arrays.atomic_numbers.tolist(), arrays.formal_charges.tolist(), strict=True):
        atom = Chem.Atom(number)
        atom.SetFormalCharge(charge)
        atom.SetNoImplicit(no_implicit)
        mol.AddAtom(atom)
    for (begin, end), order in zip(arrays.bonds.tolist(), arrays.bond_orders.tolist(), strict=True):
        mol.AddBond(begin, end, _BOND_TYPES[order])
    conformer = Chem.Conformer(len(arrays))
    conformer.Set3D(True)
    for index, (x, y, z) in enumerate(arrays.positions.tolist()):
        conformer.SetAtomPosition(index, Point3D(x, y, z))
    mol.AddConformer(conformer, assignId=True)
    if name:
        mol.SetProp("_Name", name)
    for key, value in (properties or {}).items():
        mol.SetProp(key, str(value))
    return mol.GetMol()


@cache
def implied_hydrogens(atomic_number: int, formal_charge: int, valence: int) -> int | None:
    """Hydrogens that RDKit adds to an atom with these bonds (sum of kekulized orders); None if they are too many.

    Only this decides whether a heavy-atom graph without hydrogens sanitizes back to the molecule it came from.
    """
    mol = Chem.RWMol()
    atom = Chem.Atom(atomic_number)
    atom.SetFormalCharge(formal_charge)
    mol.AddAtom(atom)
    for _ in range(valence):
        neighbour = Chem.Atom(9)
        neighbour.SetNoImplicit(True)
        mol.AddBond(0, mol.AddAtom(neighbour), Chem.BondType.SINGLE)
    with rdBase.BlockLogs():
        try:
            mol.UpdatePropertyCache(strict=True)
        except ValueError:
            return None
    return int(mol.GetAtomWithIdx(0).GetTotalNumHs())
