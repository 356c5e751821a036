"""Rings, scaffolds and functional groups of a molecule without hydrogens, as canonical text."""

from collections import Counter
from functools import cache

import numpy as np
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from moldiff.scoring.molecule.graph import orders
from moldiff.scoring.molecule.patterns import Possible, groups, possible


def ring_systems(heavy: Chem.Mol) -> list[str]:
    """Canonical flat SMILES of each system of rings that share atoms, with exocyclic multiple bonds; sorted.

    An exocyclic atom held by a double bond belongs to the system (pyridone is not pyridine).
    """
    systems: list[set[int]] = []
    for ring in heavy.GetRingInfo().AtomRings():
        joined = set(ring)
        apart = []
        for system in systems:
            if system & joined:
                joined |= system
            else:
                apart.append(system)
        systems = [*apart, joined]
    double = orders(heavy) == 2 if systems else np.empty(0)
    found = []
    for system in systems:
        held = np.flatnonzero(double[sorted(system)].any(axis=0)).tolist()
        found.append(Chem.MolFragmentToSmiles(heavy, sorted(system.union(held)), isomericSmiles=False))
    return sorted(found)


def ring_sizes(heavy: Chem.Mol) -> Counter[int]:
    """Number of rings of each size (smallest set of rings, RDKit's symmetrised form)."""
    return Counter(len(ring) for ring in heavy.GetRingInfo().AtomRings())


def scaffold(heavy: Chem.Mol) -> str:
    """Canonical flat SMILES of the Murcko scaffold; empty for a molecule without rings."""
    return Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(heavy), isomericSmiles=False)


def functional_groups(heavy: Chem.Mol, screened: Possible | None = None) -> dict[str, int]:
    """Occurrences of RDKit's 85 functional groups (`fr_*`), those that occur.

    Args:
        heavy: sanitized molecule without hydrogens.
        screened: what `possible` says of it, if that is known.
    """
    named = _named_groups()
    left = (named[place] for place in (screened or possible(heavy))["groups"])
    return {name: count for name, pattern in left if (count := len(heavy.GetSubstructMatches(pattern)))}


@cache
def _named_groups() -> list[tuple[str, Chem.Mol]]:
    return list(groups().items())
