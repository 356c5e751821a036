"""Which molecules of others weights take, and how."""

from dataclasses import dataclass

from rdkit import Chem

from moldiff.chemistry.arrays import to_arrays
from moldiff.chemistry.parsing import has_coordinates
from moldiff.chemistry.stereo import anywhere
from moldiff.models.checkpoint import Model
from moldiff.molecules.batch import Vocabulary
from moldiff.sampling.plan import FAR_BEYOND


@dataclass(frozen=True)
class Intake:
    """What weights know, without the weights: it travels to other processes.

    Attributes:
        vocabulary: elements and charges.
        hydrogens: explicit where they are atoms of the model, else implicit.
        largest: atoms of the largest molecule that is taken; 0 for no limit.
    """

    vocabulary: Vocabulary
    hydrogens: str
    largest: int

    @classmethod
    def of(cls, model: Model) -> "Intake":
        """Of a model: molecules of up to `FAR_BEYOND` times the largest size that it knows."""
        largest = FAR_BEYOND * max(model.statistics.sizes, default=0)
        return cls(model.network.vocabulary, model.statistics.hydrogens, largest)


def unfit(mol: Chem.Mol, intake: Intake) -> str:
    """Why the weights cannot place a molecule's atoms; empty if they can."""
    if (count := mol.GetNumAtoms()) == 0:
        return "no atoms"
    if intake.largest and count > intake.largest:
        known = intake.largest // FAR_BEYOND
        return f"{count} atoms, and the largest molecule that the weights were trained on has {known}"
    if len(Chem.GetMolFrags(mol)) > 1:
        return "several molecules in one record"
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() not in intake.vocabulary.elements:
            return f"the weights do not know the element {atom.GetSymbol()}"
        if atom.GetFormalCharge() not in intake.vocabulary.charges:
            return f"the weights do not know the charge {atom.GetFormalCharge():+d}"
    try:
        to_arrays(mol if mol.GetNumConformers() else anywhere(mol))
    except ValueError as error:
        return str(error)
    return ""


def prepared(mol: Chem.Mol, intake: Intake, *, fixed: bool = False) -> tuple[Chem.Mol | None, str]:
    """A copy with its stereochemistry assigned and the hydrogens of the weights, kekulized; or why there is none.

    Args:
        mol: sanitized.
        intake: of the weights.
        fixed: whether its positions are needed; otherwise they only say the stereochemistry.
    """
    posed = has_coordinates(mol)
    if fixed and not posed:
        return None, "no coordinates"
    own = Chem.Mol(mol)
    if posed:
        Chem.AssignStereochemistryFrom3D(own)
    else:
        Chem.AssignStereochemistry(own, cleanIt=True, force=True)
    own = Chem.RemoveHs(own)
    if intake.hydrogens == "explicit":
        own = Chem.AddHs(own, addCoords=posed)
    if reason := unfit(own, intake):
        return None, reason
    Chem.Kekulize(own)
    return own, ""


def in_its_pose(mol: Chem.Mol, intake: Intake) -> tuple[Chem.Mol | None, str]:
    """A copy in its pose with the hydrogens of the weights, each where it is; or why there is none."""
    if not has_coordinates(mol):
        return None, "has no pose; make one with `moldiff conformers`"
    own = Chem.AddHs(mol, addCoords=True) if intake.hydrogens == "explicit" else Chem.RemoveHs(mol)
    reason = unfit(own, intake)
    return (None, reason) if reason else (own, "")
