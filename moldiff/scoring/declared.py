"""What a column, a rate, a number and a descriptor are: declared once, for tables, pages and docs alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["integer", "number", "text", "boolean"]
Row = Mapping[str, Any]
"""A finished row of a check; its composition is read (`moldiff.scoring.molecule.composition`)."""
Share = tuple[int, int]
"""What a row adds to the numerator and the denominator of a rate."""


@dataclass(frozen=True)
class Column:
    """A column of rows.parquet and rows.csv; null where it does not apply or could not be computed."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True)
class Metric:
    """A rate: a share of records, molecules or atoms, with its Wilson interval."""

    name: str
    """Key in the summary."""
    title: str
    """What people call it."""
    meaning: str
    of: str
    """What it is a share of."""
    counts: Callable[[Row], Share] | None = None
    """What a row adds; None where the rate is made of sets."""
    distinct: Callable[[Row], str | None] | None = None
    """Text of a valid row of which the distinct ones are counted, among those that have one."""
    better: Literal[-1, 0, 1] = 1
    """1 where higher is better, -1 where lower is, 0 where neither is."""
    when: Literal["always", "counted", "train", "reference"] = "always"
    """Stated always, if its denominator is not 0, or if there is a training set or a reference."""
    beside: bool = False
    """Stated beside the same rate of the reference."""
    headline: bool = False
    """One of the few that people look for first."""


@dataclass(frozen=True)
class Value:
    """A number of a set that is not a share."""

    name: str
    title: str
    meaning: str
    unit: str = ""
    better: Literal[-1, 0, 1] = 0


@dataclass(frozen=True)
class Bins:
    """Equal bins from ``low``; a value outside is counted in the nearest bin."""

    low: float
    width: float
    count: int


@dataclass(frozen=True)
class Descriptor:
    """A number of a molecule whose distribution over distinct valid molecules is taken; its name is its column."""

    name: str
    title: str
    meaning: str
    bins: Bins
    unit: str = ""
    integer: bool = False

    @property
    def column(self) -> Column:
        """Its column of the rows."""
        unit = f", {self.unit}" if self.unit else ""
        return Column(self.name, "integer" if self.integer else "number", self.meaning + unit)

    @property
    def label(self) -> str:
        """Its title with the unit, for an axis."""
        return f"{self.title}, {self.unit}" if self.unit else self.title
