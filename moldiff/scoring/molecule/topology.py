"""Ring sizes, scaffolds and functional groups of a molecule without hydrogens, as canonical text."""

from collections import Counter
from functools import cache

from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from moldiff.scoring.molecule.patterns import Possible, groups, possible


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
    possible_groups = (named[place] for place in (screened or possible(heavy))["groups"])
    return {name: count for name, pattern in possible_groups if (count := len(heavy.GetSubstructMatches(pattern)))}


@cache
def _named_groups() -> list[tuple[str, Chem.Mol]]:
    return list(groups().items())
