"""Hydrogen atoms where a structure has none, placed and relaxed while the other atoms stay."""

from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers
from rdkit.ForceField import rdForceField

ITERATIONS = 1000
"""Iterations after which a minimisation is given up; RDKit's default of 200 leaves one in eight unfinished."""
VARIANT = "MMFF94s"


def with_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    """A copy with all hydrogen atoms; in each conformer the added ones are relaxed by MMFF94s, where it can."""
    given = mol.GetNumAtoms()
    complete = Chem.AddHs(mol, addCoords=True)
    if complete.GetNumAtoms() > given:
        for conformer in complete.GetConformers():
            if (field := force_field(complete, conformer.GetId())) is None:
                break
            for atom in range(given):
                field.AddFixedPoint(atom)
            field.Initialize()
            field.Minimize(maxIts=ITERATIONS)
    return complete


def force_field(mol: Chem.Mol, conformer: int = -1) -> rdForceField.ForceField | None:
    """MMFF94s (Halgren 1999) on one conformer, or None where it has no parameters."""
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant=VARIANT)
    if properties is None:
        return None
    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties, confId=conformer)
    if field is not None:
        field.Initialize()
    return field
