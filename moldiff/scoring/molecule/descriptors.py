"""Numbers that medicinal chemists read: each is a function of the molecule without its hydrogens.

Explicit hydrogens would change most of them (they move SA from 2.4 to 7.2), so callers remove them first.
"""

from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem import QED, Crippen, Descriptors, rdMolDescriptors
from rdkit.Contrib.SA_Score import sascorer

from moldiff.scoring.molecule.patterns import Possible, possible


@dataclass(frozen=True)
class DescriptorValues:
    """Descriptors of one molecule; the field names are the columns of the rows."""

    qed: float
    """Quantitative estimate of drug-likeness, 0 to 1 (Bickerton et al. 2012)."""
    sa: float
    """Synthetic accessibility, 1 (easy) to 10 (Ertl and Schuffenhauer 2009)."""
    logp: float
    """Octanol-water partition coefficient, logarithm (Wildman and Crippen 1999)."""
    tpsa: float
    """Topological polar surface area, Å² (Ertl et al. 2000)."""
    mw: float
    """Average molecular weight, g/mol, hydrogens included."""
    hbd: int
    """Hydrogen-bond donors (RDKit `CalcNumHBD`)."""
    hba: int
    """Hydrogen-bond acceptors (RDKit `CalcNumHBA`)."""
    rotatable_bonds: int
    """Rotatable bonds, strict definition (RDKit)."""
    fsp3: float
    """Share of sp3 carbons."""
    heavy_atoms: int
    """Atoms other than hydrogen."""
    charge: int
    """Total formal charge, e."""


def describe(heavy: Chem.Mol, screened: Possible | None = None) -> DescriptorValues:
    """All descriptors of a sanitized molecule without hydrogens.

    Args:
        heavy: the molecule.
        screened: what `moldiff.scoring.molecule.patterns.possible` says of it, if that is known.
    """
    properties = _qed_properties(heavy, screened or possible(heavy))
    return DescriptorValues(
        qed=float(QED.qed(heavy, qedProperties=properties)),
        sa=synthetic_accessibility(heavy),
        logp=float(properties.ALOGP),
        tpsa=float(properties.PSA),
        mw=float(properties.MW),
        hbd=int(properties.HBD),
        hba=int(rdMolDescriptors.CalcNumHBA(heavy)),
        rotatable_bonds=int(properties.ROTB),
        fsp3=float(rdMolDescriptors.CalcFractionCSP3(heavy)),
        heavy_atoms=int(heavy.GetNumHeavyAtoms()),
        charge=int(Chem.GetFormalCharge(heavy)),
    )


def _qed_properties(heavy: Chem.Mol, screened: Possible) -> QED.QEDproperties:
    """What `QED.properties` gives, without a second removal of hydrogens and without patterns that cannot match."""
    acceptors = (QED.Acceptors[place] for place in screened["acceptors"])
    alerts = (QED.StructuralAlerts[place] for place in screened["qed"])
    aromatic = Chem.DeleteSubstructs(heavy, QED.AliphaticRings)
    return QED.QEDproperties(
        MW=Descriptors.MolWt(heavy),
        ALOGP=Crippen.MolLogP(heavy),
        HBA=sum(len(heavy.GetSubstructMatches(pattern)) for pattern in acceptors),
        HBD=rdMolDescriptors.CalcNumHBD(heavy),
        PSA=rdMolDescriptors.CalcTPSA(heavy),
        ROTB=rdMolDescriptors.CalcNumRotatableBonds(heavy, rdMolDescriptors.NumRotatableBondsOptions.Strict),
        AROM=len(Chem.GetSSSR(aromatic)),
        ALERTS=sum(heavy.HasSubstructMatch(pattern) for pattern in alerts),
    )


def synthetic_accessibility(heavy: Chem.Mol) -> float:
    """SA score of RDKit's contributed implementation."""
    return float(sascorer.calculateScore(heavy))


def lipinski_violations(values: DescriptorValues) -> int:
    """How many of Lipinski's four rules are broken; at most one passes."""
    broken = (values.mw > 500, values.logp > 5, values.hbd > 5, values.hba > 10)
    return sum(broken)
