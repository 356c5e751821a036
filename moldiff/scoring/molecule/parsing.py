"""From a record to a molecule as written; records that cannot be read and records without bonds are distinguished."""

from dataclasses import dataclass

from rdkit import Chem, rdBase

from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.formats.xyz import parse_xyz
from moldiff.chemistry.parsing import Rejected, parse_record
from moldiff.scoring.molecule.graph import bonds, has_dummies

_UNBONDED = "no bonds perceived"


@dataclass(frozen=True)
class Parsed:
    """A record read as written: nothing sanitized, no hydrogen removed.

    ``mol`` is None if the record cannot be read, and ``reason`` says why. ``bonds`` is "written", or how they were
    perceived from positions for XYZ, which holds none; it is empty if that failed, and ``reason`` says why.
    ``conformer`` says whether there are three-dimensional coordinates.
    """

    mol: Chem.Mol | None
    reason: str = ""
    bonds: str = "written"
    conformer: bool = False


def parse(record: Record, charge: int = 0) -> Parsed:
    """Read one record without changing it.

    Perceiving the bonds of XYZ can take long: the caller runs this in a process with a time-out.

    Args:
        record: an SDF (V2000 or V3000), SMILES or XYZ record.
        charge: total charge of an XYZ record whose comment line does not say ``charge=N``.
    """
    with rdBase.BlockLogs():
        try:
            mol = parse_record(record, charge)
        except Rejected as rejected:
            reason = str(rejected)
            if not reason.startswith(_UNBONDED):
                return Parsed(None, reason)
            return Parsed(parse_xyz(record.text, charge)[0], reason, bonds="", conformer=True)
    # RDKit reads unknown elements as dummy atoms without complaint.
    if has_dummies(mol):
        return Parsed(None, "dummy atom or unknown element")
    if record.kind == "smiles":
        _single_between_rings(mol)
    origin = mol.GetProp("_bonds") if mol.HasProp("_bonds") else "written"
    conformer = mol.GetNumConformers() > 0 and mol.GetConformer().Is3D()
    return Parsed(mol, bonds=origin, conformer=conformer)


def _single_between_rings(mol: Chem.Mol) -> None:
    """Make the unwritten bond between two aromatic rings single, as SMILES means it; RDKit waits for sanitizing."""
    aromatic = [bond for bond in bonds(mol) if bond.GetBondType() == Chem.BondType.AROMATIC]
    if aromatic:
        Chem.FastFindRings(mol)
        for bond in aromatic:
            if not bond.IsInRing():
                bond.SetBondType(Chem.BondType.SINGLE)
                bond.SetIsAromatic(False)
