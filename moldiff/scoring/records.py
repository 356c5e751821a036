"""What a check leaves on disk in summary.json, as typed records: every stage that reads it reads these."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moldiff.errors import UserError
from moldiff.files.manifest import read_record
from moldiff.scoring.sets.statistics import rate

DEFINITIONS = "moldiff-check-2"
"""Version of the definitions of all metrics; results of different versions are not compared."""
SUMMARY = "summary.json"


_READ = ConfigDict(frozen=True, extra="ignore")
"""Of every part of the summary: what a newer version adds to it is left out."""


class RateRecord(BaseModel):
    """A share with its Wilson 95 % interval; None where nothing was counted. ``reference`` is the reference's share."""

    model_config = _READ

    numerator: int
    denominator: int
    value: float | None
    low: float | None
    high: float | None
    reference: float | None = None


class NumberRecord(BaseModel):
    """A number, the molecules ``n`` it was taken from, and what else is known of it."""

    model_config = _READ

    value: int | float
    pairs: int | None = None
    p90: float | None = None
    n: int
    unit: str = ""


class HistogramRecord(BaseModel):
    """Counts in equal bins from ``low``."""

    model_config = _READ

    low: float
    width: Annotated[float, Field(gt=0)]
    counts: list[int]


class DescriptorRecord(BaseModel):
    """The distribution of a descriptor; numbers are None where nothing was counted."""

    model_config = _READ

    n: int
    mean: float | None
    std: float | None
    p10: float | None
    p50: float | None
    p90: float | None
    histogram: HistogramRecord


class DistanceRecord(BaseModel):
    """A distance to the reference beside its noise floor, and the molecules of each."""

    model_config = _READ

    kind: str
    unit: str
    value: float | None
    noise_floor: float | None
    n: int
    reference_n: int
    noise_floor_n: int
    covered: float | None


class KnownSetRecord(BaseModel):
    """A training or reference set."""

    model_config = _READ

    path: str
    checksum: str
    records: int
    valid: int
    distinct: int
    profiled: int


class InputRecord(BaseModel):
    """A checked file and its number of records."""

    model_config = _READ

    path: str
    sha256: str | None
    records: int


class CheckSummary(BaseModel):
    """Everything that a check says of a set of molecules; dictionaries are by name of the metric."""

    model_config = _READ

    definitions: str
    hydrogens: str
    n_total: int
    n_valid: int
    n_distinct: int
    metrics: dict[str, RateRecord]
    valence_table: str = ""
    hydrogens_option: str = ""
    values: dict[str, NumberRecord] = {}
    descriptors: dict[str, DescriptorRecord] = {}
    distances: dict[str, DistanceRecord] = {}
    flags: dict[str, RateRecord] = {}
    functional_groups: dict[str, RateRecord] = {}
    failures: dict[str, int] = {}
    pose_failures: dict[str, int] = {}
    new_ring_systems: dict[str, int] = {}
    train: KnownSetRecord | None = None
    reference: KnownSetRecord | None = None
    reference_descriptors: dict[str, DescriptorRecord] = {}
    inputs: list[InputRecord] = []
    options: dict[str, Any] = {}
    versions: dict[str, str] = {}
    sha256: dict[str, str] = {}
    """Checksums of the files beside it."""

    def written(self) -> dict[str, Any]:
        """The summary as written to summary.json."""
        return self.model_dump(mode="json", exclude_unset=True)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The summary of a checked folder.

        Raises:
            UserError: there is none that can be read.
        """
        path = folder / SUMMARY
        content = read_record(path, "run `moldiff check` first", verify=False)
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise UserError(
                f"{path}: is not a summary of this version's check ({place}: {first['msg']}); run `moldiff check` again"
            ) from None


def rate_record(numerator: int, denominator: int, reference: float | None = None) -> RateRecord:
    """A share with its interval, and the reference's share if there is one."""
    counted = vars(rate(numerator, denominator))
    return RateRecord(**counted) if reference is None else RateRecord(**counted, reference=reference)
