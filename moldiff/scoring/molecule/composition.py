"""What molecules are made of, as counts that add up over molecules and shards."""

from collections import Counter
from collections.abc import Mapping

from rdkit import Chem

from moldiff.scoring.molecule.graph import atoms, bonds, implicit_hydrogens
from moldiff.scoring.molecule.topology import ring_sizes

Composition = dict[str, Counter[str]]
"""Counts by name, of the five kinds of `KINDS`."""

KINDS = ("elements", "bond_orders", "ring_sizes", "atom_counts", "charges")
_ORDERS = {
    Chem.BondType.SINGLE: "single",
    Chem.BondType.DOUBLE: "double",
    Chem.BondType.TRIPLE: "triple",
    Chem.BondType.AROMATIC: "aromatic",
}


def composition(heavy: Chem.Mol) -> Composition:
    """Elements (hydrogens counted, written or not), bond orders of bonded heavy pairs, ring sizes, size and charge.

    It is taken from the molecule without hydrogens, so a file with and one without hydrogens compare.
    """
    elements = Counter(atom.GetSymbol() for atom in atoms(heavy))
    hydrogens = implicit_hydrogens(heavy)
    if hydrogens:
        elements["H"] += hydrogens
    return {
        "elements": elements,
        "bond_orders": Counter(_ORDERS.get(bond.GetBondType(), "other") for bond in bonds(heavy)),
        "ring_sizes": Counter({str(size): count for size, count in ring_sizes(heavy).items()}),
        "atom_counts": Counter([str(heavy.GetNumHeavyAtoms())]),
        "charges": Counter([str(Chem.GetFormalCharge(heavy))]),
    }


def empty() -> Composition:
    """Counts of nothing."""
    return {kind: Counter() for kind in KINDS}


def add(total: Composition, other: Mapping[str, Mapping[str, int]]) -> None:
    """Add the counts of ``other`` to ``total``, which changes."""
    for kind, counts in other.items():
        total[kind].update(counts)
