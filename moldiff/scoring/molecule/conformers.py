"""How near does a structure come to what a conformer generator makes of the same molecule?"""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolAlign

CONFORMERS = 10
"""Conformers made for each molecule."""
ITERATIONS = 1000
"""Iterations of their minimisation."""
SEED = 0xF00D
"""Of the embedding: the same molecule always gets the same conformers."""
MATCHES = 1000
"""Ways to match a molecule on itself that are tried at most."""


@dataclass(frozen=True)
class Comparison:
    """Smallest heavy-atom RMSD to the conformers, Å, or the ``reason`` why there is none."""

    rmsd: float | None
    reason: str | None = None


def compare_with_conformers(mol: Chem.Mol) -> Comparison:
    """Smallest heavy-atom RMSD to 10 conformers of the same stereoisomer, equivalent atoms exchanged at will.

    The conformers are ETKDGv3's (Wang et al. 2020, 10.1021/acs.jcim.0c00025), minimized with MMFF94s where it has
    parameters; the structure is taken as it is. A distance below about 1 Å says that the structure is a conformation
    that the generator finds too; a large one may also mean that ten conformers do not cover a flexible molecule.

    Args:
        mol: sanitized molecule with a conformer, coordinates in Å; left as it is.

    Returns:
        The comparison, or the reason why there is none. Never raises.
    """
    if mol.GetNumAtoms() == 0 or mol.GetNumConformers() == 0:
        return Comparison(None, "no coordinates")
    if not np.isfinite(mol.GetConformer().GetPositions()).all():
        return Comparison(None, "coordinates not finite")
    with rdBase.BlockLogs():
        try:
            return _compare(mol)
        except (RuntimeError, ValueError) as error:  # RDKit's ways to refuse what it cannot handle
            return Comparison(None, f"not evaluated: {type(error).__name__}")


def _compare(mol: Chem.Mol) -> Comparison:
    complete = Chem.AddHs(mol, addCoords=True)
    Chem.AssignStereochemistryFrom3D(complete)
    made = Chem.Mol(complete)
    made.RemoveAllConformers()
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = SEED
    for random_start in (False, True):
        parameters.useRandomCoords = random_start
        if len(rdDistGeom.EmbedMultipleConfs(made, CONFORMERS, parameters)):
            break
    else:
        return Comparison(None, "ETKDGv3 finds no conformer")
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(made):
        rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(made, maxIters=ITERATIONS, mmffVariant="MMFF94s")
    keep = Chem.RemoveHsParameters()
    keep.removeHydrides = True
    bare, given = (Chem.RemoveHs(one, keep, sanitize=False) for one in (made, complete))
    return Comparison(
        min(
            float(rdMolAlign.GetBestRMS(bare, given, prbId=conformer.GetId(), refId=0, maxMatches=MATCHES))
            for conformer in bare.GetConformers()
        )
    )
