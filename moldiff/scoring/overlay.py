"""How well a molecule fills the shape of another: RDKit's Gaussian overlay (PubChem's, Grant et al. 1996)."""

from rdkit import Chem
from rdkit.Chem import rdShapeAlign


def shape_overlap(reference: Chem.Mol, mol: Chem.Mol) -> float:
    """Tanimoto coefficient of the shapes, 0 to 1, of the best overlay of the molecule's pose on the reference's.

    Args:
        reference: with a conformer.
        mol: sanitized, with a conformer; it is left where it is.
    """
    shape, _ = rdShapeAlign.AlignMol(reference, Chem.Mol(mol), opt_param=1.0)
    return float(shape)
