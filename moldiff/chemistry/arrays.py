"""A molecule as plain numpy arrays, and the way to RDKit and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from rdkit import Chem
from rdkit.Geometry import Point3D

_ORDERS = {Chem.BondType.SINGLE: 1, Chem.BondType.DOUBLE: 2, Chem.BondType.TRIPLE: 3}
_BOND_TYPES = {order: bond_type for bond_type, order in _ORDERS.items()}


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
    # By index: iterating over GetAtoms() and GetBonds() costs three times as much.
    bonds = [mol.GetBondWithIdx(index) for index in range(mol.GetNumBonds())]
    types = [bond.GetBondType() for bond in bonds]
    if Chem.BondType.AROMATIC in types:
        mol = Chem.Mol(mol)
        Chem.Kekulize(mol, clearAromaticFlags=True)
        bonds = [mol.GetBondWithIdx(index) for index in range(mol.GetNumBonds())]
        types = [bond.GetBondType() for bond in bonds]
    try:
        orders = [_ORDERS[bond_type] for bond_type in types]
    except KeyError as error:
        raise ValueError(f"a bond of type {error.args[0].name.lower()} has no order 1, 2 or 3") from None
    atoms = [mol.GetAtomWithIdx(index) for index in range(mol.GetNumAtoms())]
    charges = [atom.GetFormalCharge() for atom in atoms]
    if charges and max(map(abs, charges)) > 127:
        raise ValueError("a formal charge is beyond 127")
    pairs = np.array([(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds], dtype=np.uint16)
    pairs = pairs.reshape(-1, 2)
    return MoleculeArrays(
        positions=mol.GetConformer().GetPositions().reshape(-1, 3),
        atomic_numbers=np.array([atom.GetAtomicNum() for atom in atoms], dtype=np.uint8),
        formal_charges=np.array(charges, dtype=np.int8),
        bonds=np.sort(pairs, axis=1),
        bond_orders=np.array(orders, dtype=np.uint8),
    )


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
        hydrogens: explicit if every hydrogen stands in the arrays, so that sanitizing may add none and an
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
    try:
        mol.UpdatePropertyCache(strict=True)
    except ValueError:
        return None
    return int(mol.GetAtomWithIdx(0).GetTotalNumHs())
