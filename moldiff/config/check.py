"""Options of check."""

from typing import Literal

from pydantic import Field

from moldiff.config.options import Options


class CheckOptions(Options):
    """Scoring of structures."""

    hydrogens: Literal["auto", "explicit", "implicit"] = "auto"
    """explicit: a missing hydrogen is an error; implicit: RDKit fills them; auto: implicit if no record has any."""
    charge: int = Field(0, ge=-1000, le=1000)
    """Total charge assumed for XYZ records, which hold no bonds, unless their comment line says charge=N."""
    smiles_column: str | None = None
    """Column of a table that holds SMILES; by default one named smiles, or the only one with smiles in its name."""
    reference_smiles_column: str | None = None
    """The same for the tables of --train and --reference; by default the same column as for the checked tables."""
    timeout: float = Field(30.0, gt=0, le=1e6)
    """Time limit for one molecule, seconds."""
    posebusters: int = Field(0, ge=0)
    """Number of molecules, chosen by the seed, on which PoseBusters itself is run as a cross-check; 0 for none."""
    strain: int = Field(0, ge=0)
    """Number of molecules, chosen by the seed, whose MMFF94s strain is computed; 0 for none."""
    xtb: int = Field(0, ge=0)
    """Number of molecules, chosen by the seed, that are relaxed with GFN2-xTB (extra `xtb`); 0 for none."""
    etkdg: int = Field(0, ge=0)
    """Number of molecules, chosen by the seed, that are compared with ETKDGv3 + MMFF94s conformers; 0 for none."""
    fcd: int = Field(0, ge=0)
    """Number of distinct valid molecules for the Fréchet ChemNet distance (extra `fcd`); 0 for none."""
    workers: int = Field(0, ge=0, le=1024)
    """Processes; 0 uses all available cores."""
    min_valid: float = Field(0.0, ge=0, le=1)
    """Smallest fraction of valid records; below it the command exits with status 3."""
    seed: int = Field(0, ge=0)
    """Seed of the random samples."""
