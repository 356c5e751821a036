"""Options of rank."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from moldiff.config.options import Flag, Options


class RankOptions(Options):
    """A short list of the checked molecules."""

    n: int = Field(50, ge=0)
    """Number of molecules on the short list; 0 leaves the stage out of the workflow."""
    filters: Annotated[list[str], Flag("--filter", "CONDITION")] = Field([])
    """Conditions over the columns of the check that must hold, such as `qed >= 0.5`."""
    smarts: Annotated[list[str], Flag("--smarts", "SMARTS")] = Field([])
    """Substructures that a molecule must have, all of them."""
    not_smarts: Annotated[list[str], Flag("--not-smarts", "SMARTS")] = Field([])
    """Substructures that a molecule must not have, any of them."""
    alerts: Annotated[str | None, Flag("--alerts", "FILE")] = None
    """File of unwanted substructures: one per line, SMARTS and, after a space, a name."""
    similar_to: Annotated[list[str], Flag("--similar-to", "SMILES|FILE")] = Field([])
    """Molecules to be near to: gives the column `similarity` (largest Tanimoto), which is scored by unless `weights`
    names it."""
    weights: Annotated[dict[str, float], Flag("--weight", "COLUMN=NUMBER")] = Field({"qed": 1.0, "sa": -1.0})
    """Columns to score by: weights above 0 where more is better, below 0 where less is."""
    method: Literal["weighted", "pareto"] = "weighted"
    """weighted: by the weighted mean of percentiles; pareto: by Pareto fronts in the weighted columns."""
    diversity: int = Field(10, ge=1)
    """MaxMin picks among at most the best `diversity * n`; 1 takes the best as they are."""
    best: float = Field(0.33, gt=0, le=1)
    """Fraction of the molecules that passed, best first, among which MaxMin picks."""
    floor: float = Field(0.5, ge=0, le=1)
    """Score below which MaxMin picks no molecule; if fewer than n reach it, the best n are taken."""
    scores: Annotated[dict[str, str], Flag("--score", "NAME=SPEC")] = Field({})
    """Your own columns by name: `FILE.py:FUNCTION`; `command: LINE` with SMILES in and numbers out; `command-sdf: LINE`
    with an SDF in (standard input, or the file named by {sdf})."""
    tables: Annotated[list[str], Flag("--table", "FILE.csv")] = Field([])
    """CSV files made for the checked molecules, such as that of `moldiff likelihood`: their columns can be asked for
    and scored by like the check's. A column `record` (from 1) or `name` says of which molecule a line is."""
    score_timeout: float = Field(60.0, gt=0, le=1e6)
    """Time limit of your own score, seconds a molecule; a command, run once for all, has that for each of them."""
    seed: int = Field(0, ge=0)
    """Seed of the picking."""

    @field_validator("weights")
    @classmethod
    def _numbers(cls, weights: dict[str, float]) -> dict[str, float]:
        for column, weight in weights.items():
            if weight == 0:
                raise ValueError(f"the weight of {column} is {weight:g}; leave the column out, or give it a number")
        return weights
