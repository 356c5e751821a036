"""Atom and molecule stability: does the record, as written, give each atom a valence that exists?

The tables published with EDM and its successors were fitted to molecules whose aromatic bonds (1.5) had been
truncated to single bonds by an integer tensor, which both admits atoms that do not exist (three-valent neutral
carbon) and leaves out ones that do (neutral sulfoxide sulfur). Here aromatic bonds are counted apart. An entry
(a, s) of an atom means: a aromatic bonds, and the orders of its other bonds, written hydrogens included, add up
to s. The entries follow from the closed-shell valences V of each element and charge:

* (0, s): s is in V.
* (a, s) with a = 2 or 3: in a Kekulé form the atom has a ring double bond, a + 1 + s in V (benzene C, pyridine N),
  or lends a lone pair or an empty orbital, a + s in V (pyrrole N, furan O, tropylium C+, borole B), or carries its
  double bond outside the ring, as the C=O carbon of pyridone, (2, 2). Only those known of stable compounds are listed.

V: H 1; B 3; B- 4; C 4; C+ and C- 3; N 3; N+ 4; N- 2; O 2; O+ 3; O- 1; halogens 1, their anions 0, I also 3 and 5
(iodanes); Si, Ge, Sn 4; P 3 and 5; P+ 4; S and Se 2, 4 and 6 (4: neutral sulfoxide); S+ 3 and 5, S- 1; As 3 and 5;
Al and Bi 3; Hg 2; bare ions of the common counter-ion metals 0. Five-valent neutral nitrogen (nitro written with
two double bonds) is not in V. What is not listed is unstable.
"""

import numpy as np
from rdkit import Chem

from moldiff.scoring.molecule.graph import AROMATIC, atoms, has_radicals, implicit_hydrogens, orders

TABLE_VERSION = "moldiff-valence-1"

VALENCES: dict[tuple[str, int], frozenset[tuple[int, int]]] = {
    key: frozenset(entries)
    for key, entries in {
        ("H", 0): [(0, 1)],
        ("H", 1): [(0, 0)],
        ("H", -1): [(0, 0)],
        ("B", 0): [(0, 3), (2, 1), (3, 0)],
        ("B", -1): [(0, 4), (2, 1), (3, 0)],
        ("C", 0): [(0, 4), (2, 1), (2, 2), (3, 0)],
        ("C", 1): [(0, 3), (2, 0), (2, 1), (3, 0)],
        ("C", -1): [(0, 3), (2, 0), (2, 1), (3, 0)],
        ("N", 0): [(0, 3), (2, 0), (2, 1), (3, 0)],
        ("N", 1): [(0, 4), (2, 1), (3, 0)],
        ("N", -1): [(0, 2), (2, 0)],
        ("O", 0): [(0, 2), (2, 0)],
        ("O", 1): [(0, 3), (2, 0)],
        ("O", -1): [(0, 1)],
        ("F", 0): [(0, 1)],
        ("F", -1): [(0, 0)],
        ("Al", 0): [(0, 3)],
        ("Si", 0): [(0, 4)],
        ("P", 0): [(0, 3), (0, 5), (2, 0), (2, 1), (2, 2)],
        ("P", 1): [(0, 4), (2, 1)],
        ("P", -1): [(0, 2), (0, 6)],
        ("S", 0): [(0, 2), (0, 4), (0, 6), (2, 0), (2, 2)],
        ("S", 1): [(0, 3), (0, 5), (2, 0), (2, 1)],
        ("S", -1): [(0, 1)],
        ("Cl", 0): [(0, 1)],
        ("Cl", -1): [(0, 0)],
        ("Ge", 0): [(0, 4)],
        ("As", 0): [(0, 3), (0, 5)],
        ("As", 1): [(0, 4)],
        ("Se", 0): [(0, 2), (0, 4), (0, 6), (2, 0), (2, 2)],
        ("Se", 1): [(0, 3), (2, 0)],
        ("Se", -1): [(0, 1)],
        ("Br", 0): [(0, 1)],
        ("Br", -1): [(0, 0)],
        ("Sn", 0): [(0, 4)],
        ("I", 0): [(0, 1), (0, 3), (0, 5)],
        ("I", 1): [(0, 2)],
        ("I", -1): [(0, 0)],
        ("Hg", 0): [(0, 2)],
        ("Bi", 0): [(0, 3)],
        ("Li", 1): [(0, 0)],
        ("Na", 1): [(0, 0)],
        ("K", 1): [(0, 0)],
        ("Mg", 2): [(0, 0)],
        ("Ca", 2): [(0, 0)],
        ("Zn", 2): [(0, 0)],
    }.items()
}

_NUMBERED = {
    (Chem.GetPeriodicTable().GetAtomicNumber(symbol), charge): entries for (symbol, charge), entries in VALENCES.items()
}


def stable_atoms(written: Chem.Mol) -> tuple[int, int]:
    """Number of atoms whose (aromatic bonds, sum of other orders) is listed for their element and charge.

    Args:
        written: the record as written, not sanitized.

    Returns:
        The number with the hydrogens that are in the record, and the number with those too that RDKit fills in
        (policy implicit; SMILES always, whose grammar implies them).
    """
    filled = Chem.Mol(written)
    filled.UpdatePropertyCache(strict=False)
    between = orders(written)
    aromatic = between == AROMATIC
    rings = aromatic.sum(axis=1).tolist()
    others = np.where(aromatic, 0, between).sum(axis=1).tolist()
    radicals = has_radicals(written)
    complete = not implicit_hydrogens(filled)
    as_written = as_filled = 0
    for atom, ring, other in zip(atoms(filled), rings, others, strict=True):
        entries = _NUMBERED.get((atom.GetAtomicNum(), atom.GetFormalCharge()))
        if entries is None or (radicals and atom.GetNumRadicalElectrons()):
            continue
        stable = (ring, other) in entries
        as_written += stable
        as_filled += stable if complete else (ring, other + atom.GetTotalNumHs()) in entries
    return as_written, as_filled
