"""Options of featurize: from raw molecules to the featurized dataset."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from moldiff.config.options import Flag, Options


class FeaturizeOptions(Options):
    """From raw molecules to the featurized dataset."""

    inputs: list[str] = Field([])
    """Files or globs: SDF, SMILES, CSV, TSV or XYZ, plain or .gz; or `pyg-qm9:FOLDER` for torch-geometric's QM9."""
    smiles_column: str | None = None
    """Column of a CSV or TSV that holds SMILES; by default a column named smiles, in any case."""
    id_column: str | None = None
    """Column or SDF property that names a molecule; by default the record's title."""
    hydrogens: Literal["implicit", "explicit"] = "implicit"
    """implicit: remove hydrogens from the graph; explicit: keep those given and add the missing ones."""
    suit: Annotated[str | None, Flag("--for")] = None
    """Weights that will be fine-tuned, a file or a shipped name: their elements, charges and hydrogens are used."""
    elements: list[str] = Field(["H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I"])
    """Allowed elements; a molecule with any other is rejected."""
    min_atoms: int = Field(1, ge=1)
    """Smallest number of atoms of the featurized molecule."""
    max_atoms: int = Field(120, ge=1, le=1000)
    """Largest number of atoms of the featurized molecule."""
    max_charge: int = Field(2, ge=0, le=4)
    """Largest absolute formal charge of an atom."""
    charges: list[int] = Field([])
    """Allowed formal charges of atoms; by default all up to max_charge."""
    fragments: Literal["reject", "largest", "keep"] = "largest"
    """What to do with a record of several fragments: store the largest (strip salts), reject the record, or keep all
    of them where they have coordinates, which is for molecules that a training shall learn to avoid."""
    neutralize: bool = False
    """Neutralize charges where hydrogen can be added or removed (RDKit Uncharger)."""
    conformers: int = Field(1, ge=1, le=100)
    """Conformers made for each molecule that comes without coordinates (ETKDGv3, seeded)."""
    minimize: bool = True
    """Minimize made conformers with MMFF94s (UFF where MMFF has no parameters)."""
    conformer_timeout: float = Field(10.0, gt=0, le=1e6)
    """Time limit for the conformers of one molecule, seconds."""
    relax: Literal["none", "gfn2"] = "none"
    """gfn2: relax every conformer, made or given, with GFN2-xTB (extra `xtb`); one second of a core for 45 atoms."""
    relax_timeout: float = Field(120.0, gt=0, le=1e6)
    """Time limit for the relaxation of one molecule's conformers, seconds."""
    gfn2_columns: bool = False
    """Add columns of a GFN2-xTB single point of each conformer (extra `xtb`): gfn2_dipole in D, gfn2_homo, gfn2_lumo
    and gfn2_gap in eV; some milliseconds of a core for 20 atoms."""
    gfn2_timeout: float = Field(60.0, gt=0, le=1e6)
    """Seconds after which the single points of one molecule's conformers are given up."""
    duplicates: Literal["keep", "reject"] = "keep"
    """What to do with a record whose canonical SMILES occurred in an earlier record."""
    limit: int | None = Field(None, ge=1)
    """Read only the first records, this many."""
    split: Literal["random", "scaffold", "hash", "column"] = "hash"
    """How molecules are divided into train, valid and test; hash goes by the InChIKey's first block."""
    split_column: str = "split"
    """Column or SDF property that holds train, valid or test, if split is column."""
    valid_fraction: float = Field(0.05, ge=0, lt=1)
    """Fraction of molecules held out for validation during training."""
    test_fraction: float = Field(0.0, ge=0, lt=1)
    """Fraction of molecules held out for testing."""
    shards: int = Field(1, ge=1, le=10000)
    """Number of parts that are featurized separately and merged; the result does not depend on it."""
    seed: int = Field(0, ge=0)
    """Seed of conformers and of the random split."""

    @model_validator(mode="after")
    def _fractions(self) -> Self:
        if self.valid_fraction + self.test_fraction >= 1:
            raise ValueError("valid_fraction + test_fraction leaves nothing to train on; lower one of them")
        if self.min_atoms > self.max_atoms:
            raise ValueError(f"min_atoms {self.min_atoms} is above max_atoms {self.max_atoms}")
        return self
