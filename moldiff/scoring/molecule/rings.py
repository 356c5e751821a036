"""Ring systems of a molecule: which there are, how its rings are joined, and what of that a chemist would doubt."""

import re
from dataclasses import dataclass

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

RARE = 100
"""A ring system that ChEMBL holds less often is rare: the usual bar of medicinal chemistry filters (Walters)."""
MOST_JOINED_RINGS = 3
LARGEST_RING = 7
MOST_ROTATABLE_BONDS = 10
"""Veber et al., J. Med. Chem. 45, 2615, 2002."""
SMALL_RING = 4
LARGEST_STRAINED_RING = 8
"""Rings up to this size hold no double bond at a bridgehead (Bredt)."""

TOPOLOGY_FLAGS = {
    "rare_ring_system": f"a ring system that ChEMBL holds less than {RARE} times",
    "joined_rings": f"more than {MOST_JOINED_RINGS} rings in one ring system",
    "large_ring": f"a ring of more than {LARGEST_RING} atoms",
    "odd_ring_of_seven": "a ring of seven that is bridged, shares bonds with two rings, or with one not aromatic",
    "several_rings_of_seven": "two or more rings of seven",
    "small_ring_on_aromatic": f"a ring of up to {SMALL_RING} atoms that shares a bond with an aromatic ring",
    "bridgehead_alkene": f"a double bond at a bridgehead of rings of up to {LARGEST_STRAINED_RING} atoms (anti-Bredt)",
    "many_rotatable_bonds": f"more than {MOST_ROTATABLE_BONDS} rotatable bonds",
}
"""Flags of topology by name, with their meaning."""

_BRACKETS = re.compile(r"\[[^\]]*\]")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class RingValues:
    """Numbers of rings; the field names are the columns of the rows."""

    rings: int
    """Rings (smallest set of rings, RDKit's symmetrised form)."""
    largest_ring: int
    """Atoms of the largest ring, 0 without rings."""
    joined_rings: int
    """Rings in the largest system of rings that share atoms."""
    bridgeheads: int
    """Bridgehead atoms (RDKit)."""
    spiro_atoms: int
    """Spiro atoms (RDKit)."""
    stereocentres: int
    """Tetrahedral stereocentres, specified or not (RDKit)."""


def ring_systems(heavy: Chem.Mol) -> list[str]:
    """Canonical flat SMILES of the ring systems of a molecule without hydrogens and stereo; sorted.

    A system is what remains together when every single bond that is in no ring is cut: rings that share atoms, and
    what double bonds hold to them (pyridone is not pyridine). Open valences are filled with hydrogen, so that pyrrole
    is the same system wherever it is bound. This is the definition of useful_rdkit_utils, whose counts the table of
    ChEMBL holds, but that double bonds to any element are kept.
    """
    texts = Chem.MolToSmiles(without_chains(heavy), isomericSmiles=False).split(".")
    # Digits outside of brackets close rings.
    return sorted(text for text in texts if _DIGIT.search(_BRACKETS.sub("", text)))


def without_chains(heavy: Chem.Mol) -> Chem.Mol:
    """A copy, atoms in their order, whose single bonds that are in no ring are cut: what remains are ring systems."""
    cut = [
        bond.GetIdx()
        for bond in map(heavy.GetBondWithIdx, range(heavy.GetNumBonds()))
        if bond.GetBondType() == Chem.BondType.SINGLE and not bond.IsInRing()
    ]
    return Chem.FragmentOnBonds(heavy, cut, addDummies=False) if cut else Chem.Mol(heavy)


def ring_values(heavy: Chem.Mol) -> RingValues:
    """Numbers of rings of a sanitized molecule without hydrogens."""
    rings = [set(ring) for ring in heavy.GetRingInfo().AtomRings()]
    joined: list[tuple[set[int], int]] = []
    for ring in rings:
        touching = [system for system in joined if not system[0].isdisjoint(ring)]
        apart = [system for system in joined if system[0].isdisjoint(ring)]
        joined = [*apart, (ring.union(*(atoms for atoms, _ in touching)), 1 + sum(count for _, count in touching))]
    return RingValues(
        rings=len(rings),
        largest_ring=max(map(len, rings), default=0),
        joined_rings=max((count for _, count in joined), default=0),
        bridgeheads=int(rdMolDescriptors.CalcNumBridgeheadAtoms(heavy)),
        spiro_atoms=int(rdMolDescriptors.CalcNumSpiroAtoms(heavy)),
        stereocentres=int(rdMolDescriptors.CalcNumAtomStereoCenters(heavy)),
    )


def topology_flags(heavy: Chem.Mol, values: RingValues, rarest: int | None, rotatable_bonds: int) -> list[str]:
    """Names of the `TOPOLOGY_FLAGS` that hold for a molecule, in their order.

    Args:
        heavy: sanitized molecule without hydrogens.
        values: its `ring_values`.
        rarest: occurrences in ChEMBL of its rarest ring system; None without rings.
        rotatable_bonds: its rotatable bonds, strict definition of RDKit.
    """
    rings = heavy.GetRingInfo().AtomRings()
    flags = {
        "rare_ring_system": rarest is not None and rarest < RARE,
        "joined_rings": values.joined_rings > MOST_JOINED_RINGS,
        "large_ring": values.largest_ring > LARGEST_RING,
        "several_rings_of_seven": sum(len(ring) == 7 for ring in rings) > 1,
        "many_rotatable_bonds": rotatable_bonds > MOST_ROTATABLE_BONDS,
    }
    sizes = {len(ring) for ring in rings}
    if values.joined_rings > 1 and (values.bridgeheads or 7 in sizes or min(sizes) <= SMALL_RING):
        flags |= _fusion_flags(heavy, rings, bridged=values.bridgeheads > 0)
    return [name for name in TOPOLOGY_FLAGS if flags.get(name)]


def _fusion_flags(heavy: Chem.Mol, rings: tuple[tuple[int, ...], ...], *, bridged: bool) -> dict[str, bool]:
    member = np.zeros((len(rings), heavy.GetNumAtoms()), dtype=np.int64)
    for place, ring in enumerate(rings):
        member[place, list(ring)] = 1
    shared = member @ member.T
    sizes = shared.diagonal().copy()
    np.fill_diagonal(shared, 0)
    aromatic = np.array([all(heavy.GetAtomWithIdx(atom).GetIsAromatic() for atom in ring) for ring in rings])
    seven = sizes == 7
    fused = shared == 2
    odd = (shared > 2).any(axis=1) | (fused.sum(axis=1) > 1) | (fused & ~aromatic).any(axis=1)
    return {
        "odd_ring_of_seven": bool((seven & odd).any()),
        "small_ring_on_aromatic": bool((fused[sizes <= SMALL_RING] & aromatic).any()),
        "bridgehead_alkene": bridged and _has_bridgehead_alkene(heavy, member, shared, sizes),
    }


def _has_bridgehead_alkene(heavy: Chem.Mol, member: np.ndarray, shared: np.ndarray, sizes: np.ndarray) -> bool:
    small = sizes <= LARGEST_STRAINED_RING
    for one, other in np.argwhere(np.triu(shared > 2)).tolist():
        if not (small[one] and small[other]):
            continue
        both = member[one] + member[other]
        for index in np.flatnonzero(both == 2).tolist():
            atom = heavy.GetAtomWithIdx(index)
            inside = [bond for bond in atom.GetBonds() if both[bond.GetOtherAtomIdx(index)]]
            if len(inside) > 2 and any(bond.GetBondType() != Chem.BondType.SINGLE for bond in inside):
                return True
    return False
