"""Bonds of a molecule that comes as positions alone, as an XYZ file holds it."""

import math

from rdkit import Chem
from rdkit.Chem import rdDetermineBonds

from moldiff.chemistry.valence import Assignment, assign

_BOND_TYPES = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
_COVALENT_FACTORS = (1.2, 1.15, 1.25, 1.1, 1.3)
_MAX_ITERATIONS = 2000


def perceive_bonds(mol: Chem.Mol, charge: int = 0) -> tuple[Chem.Mol, str]:
    """A copy with bonds and formal charges found from the positions, sanitized, and the method that found them.

    Who is bonded to whom is RDKit's van-der-Waals connectivity at several covalent factors; orders and charges are
    those of the closed-shell structure of least cost (`moldiff.chemistry.valence`), spelled as data sets spell them. Of
    the factors counts the one whose molecule is in one piece, then that of least cost. What has an element with no
    fixed valences is left to RDKit's own search, which can take very long: call it in a process that can be ended.

    Raises:
        ValueError: no method finds a sensible molecule.
    """
    best: tuple[tuple[int, float], Chem.Mol, str] | None = None
    seen: set[frozenset[tuple[int, int]]] = set()
    for factor in _COVALENT_FACTORS:
        connected = Chem.Mol(mol)
        rdDetermineBonds.DetermineConnectivity(connected, useVdw=True, covFactor=factor)
        found_bonds = map(connected.GetBondWithIdx, range(connected.GetNumBonds()))  # iterating costs four times that
        bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in found_bonds]
        if frozenset(bonds) in seen:
            continue
        seen.add(frozenset(bonds))
        assigned = _assigned(connected, bonds, charge)
        if assigned is None:
            continue
        rank = (len(Chem.GetMolFrags(assigned[0])), assigned[1])
        if best is None or rank < best[0]:
            best = rank, assigned[0], _method(factor)
    if best is not None:
        return best[1], best[2]
    return _searched_at_all(mol, charge)


def _method(factor: float) -> str:
    return f"perceived, van der Waals {factor}"


def _assigned(connected: Chem.Mol, bonds: list[tuple[int, int]], charge: int) -> tuple[Chem.Mol, float] | None:
    """The molecule with orders and charges, and what they cost; None where there are none or RDKit refuses them."""
    table = Chem.GetPeriodicTable()
    numbers = [connected.GetAtomWithIdx(atom).GetAtomicNum() for atom in range(connected.GetNumAtoms())]
    radii = [table.GetRcovalent(number) for number in numbers]
    positions = connected.GetConformer().GetPositions()
    lengths = [
        math.dist(positions[first], positions[second]) / (radii[first] + radii[second]) for first, second in bonds
    ]
    assignment = assign(numbers, bonds, lengths, charge)
    if assignment is None:
        return None
    mol = _built(connected, assignment)
    try:
        Chem.SanitizeMol(mol)
    except ValueError:
        return None
    if any(mol.GetAtomWithIdx(atom).GetNumRadicalElectrons() for atom in range(len(numbers))):
        return None
    return mol, assignment.cost


def _built(connected: Chem.Mol, assignment: Assignment) -> Chem.Mol:
    mol = Chem.RWMol(connected)
    for index, order in enumerate(assignment.orders):
        mol.GetBondWithIdx(index).SetBondType(_BOND_TYPES[order])
    for index, own in enumerate(assignment.charges):
        atom = mol.GetAtomWithIdx(index)
        atom.SetFormalCharge(own)
        atom.SetNoImplicit(True)
    return mol.GetMol()


def _searched_at_all(mol: Chem.Mol, charge: int) -> tuple[Chem.Mol, str]:
    """What RDKit's search finds at any of the factors.

    Raises:
        ValueError: no factor gives a molecule of closed shells.
    """
    reason = "no bonds fit the positions"
    separate: tuple[Chem.Mol, str] | None = None
    for factor in _COVALENT_FACTORS:
        try:
            perceived = _searched(mol, charge, factor)
        except ValueError as error:
            reason = str(error)
            continue
        if len(Chem.GetMolFrags(perceived)) == 1:
            return perceived, _method(factor)
        separate = separate or (perceived, _method(factor))
    if separate is not None:
        return separate
    raise ValueError(reason)


def _searched(mol: Chem.Mol, charge: int, factor: float) -> Chem.Mol:
    """A copy with what RDKit's `DetermineBonds` finds, sanitized.

    Raises:
        ValueError: it finds none, or unpaired electrons.
    """
    perceived = Chem.Mol(mol)
    try:
        rdDetermineBonds.DetermineBonds(
            perceived, useVdw=True, covFactor=factor, charge=charge, embedChiral=False, maxIterations=_MAX_ITERATIONS
        )
        Chem.SanitizeMol(perceived)
    except (ValueError, RuntimeError) as error:
        raise ValueError(str(error).splitlines()[0]) from None
    if any(perceived.GetAtomWithIdx(atom).GetNumRadicalElectrons() for atom in range(perceived.GetNumAtoms())):
        raise ValueError("the bonds that fit the positions leave unpaired electrons")
    return perceived
