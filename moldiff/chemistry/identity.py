"""Names of a molecule by which two are the same."""

from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold


def strip_labels(mol: Chem.Mol) -> None:
    """Take isotopes and atom map numbers off, in place: the arrays do not hold them."""
    for index in range(mol.GetNumAtoms()):
        atom = mol.GetAtomWithIdx(index)
        if atom.GetIsotope():
            atom.SetIsotope(0)
        if atom.GetAtomMapNum():
            atom.SetAtomMapNum(0)


def without_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    """A sanitized copy whose hydrogens are all implicit, those too that RDKit's RemoveHs keeps; labels are removed.

    Raises:
        ValueError: the molecule is not valid without them.
    """
    heavy = Chem.RemoveAllHs(mol)
    strip_labels(heavy)
    return heavy


def flat_smiles(mol: Chem.Mol) -> str:
    """Canonical SMILES of a sanitized molecule, without hydrogens, stereo, isotopes and atom map numbers.

    The one key of duplicates, uniqueness and novelty. Stereo is left out because perceiving it from generated
    coordinates gives spurious labels (amantadine gets one).

    Raises:
        ValueError: the molecule is not valid without its hydrogen atoms.
    """
    return flat_key(without_hydrogens(mol))


def flat_key(mol: Chem.Mol) -> str:
    """`flat_smiles` of a molecule that has no hydrogen atoms and labels; its stereo is removed in place."""
    Chem.RemoveStereochemistry(mol)
    return Chem.MolToSmiles(mol, isomericSmiles=False)


def inchikey(mol: Chem.Mol) -> str:
    """Standard InChIKey, or "" where InChI does not know the molecule."""
    return Chem.MolToInchiKey(mol) or ""


def scaffold_smiles(mol: Chem.Mol) -> str:
    """Flat SMILES of the Bemis-Murcko scaffold (J. Med. Chem. 1996, 39, 2887); "" for an acyclic molecule."""
    if mol.GetRingInfo().NumRings() == 0:
        return ""
    return Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol), isomericSmiles=False)
