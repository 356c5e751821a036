"""Options of rank."""

from typing import Literal

from pydantic import Field

from moldiff.config.options import Options


class RankOptions(Options):
    """A short list of the checked molecules."""

    n: int = Field(0, ge=0)
    """Molecules wanted on the short list; 0 leaves the stage out of the workflow."""
    filters: list[str] = Field([])
    """Conditions over the columns of the check that must hold, such as `qed >= 0.5`."""
    weights: dict[str, float] = Field({"qed": 1.0, "sa": -1.0})
    """Columns to score by: weights above 0 where more is better, below 0 where less is."""
    method: Literal["weighted", "pareto"] = "weighted"
    """weighted: by the weighted mean of percentiles; pareto: by Pareto fronts in the weighted columns."""
    diversity: int = Field(10, ge=1)
    """MaxMin picks among the best `diversity * n`; 1 takes the best as they are."""
    scores: dict[str, str] = Field({})
    """Own columns by name: `FILE.py:FUNCTION`, or `command: LINE` with SMILES in and numbers out."""
    seed: int = Field(0, ge=0)
    """Seed of the picking."""
