"""Would a medicinal chemist draw this molecule? Its ring systems, and the flags that make it not reasonable."""

from collections.abc import Sequence
from dataclasses import asdict

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from moldiff.scoring.molecule.chembl import occurrence
from moldiff.scoring.molecule.flags import group_flags
from moldiff.scoring.molecule.patterns import Possible
from moldiff.scoring.molecule.rings import ring_systems, ring_values, topology_flags


def realism(
    heavy: Chem.Mol,
    systems: Sequence[str] | None = None,
    screened: Possible | None = None,
    rotatable_bonds: int | None = None,
) -> dict[str, str | int | float | bytes | None]:
    """The columns of the rows about rings and flags, ``reasonable`` the last.

    Args:
        heavy: sanitized molecule without hydrogens and stereo.
        systems: its `ring_systems`, if they are known.
        screened: what `moldiff.scoring.molecule.patterns.possible` says of it, if that is known.
        rotatable_bonds: its rotatable bonds, strict definition of RDKit, if they are known.
    """
    systems = ring_systems(heavy) if systems is None else systems
    known = [occurrence(system) for system in systems]
    rarest = min((ring.times for ring in known), default=None)
    values = ring_values(heavy)
    if rotatable_bonds is None:
        rotatable_bonds = int(rdMolDescriptors.CalcNumRotatableBonds(heavy))
    of_topology = topology_flags(heavy, values, rarest, rotatable_bonds)
    of_groups = group_flags(heavy, screened["flags"] if screened else None)
    return {
        **asdict(values),
        "chembl_rings": rarest,
        "chembl_unknown": sum(ring.times == 0 for ring in known),
        "chembl_unknown_exact": sum(not ring.exact for ring in known),
        "topology_flags": "; ".join(of_topology),
        "group_flags": "; ".join(of_groups),
        "reasonable": not of_topology and not of_groups,
    }
