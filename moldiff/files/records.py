"""The JSON records that training and sampling leave beside their files, as typed records: who reads one reads these.

That of a dataset is `moldiff.dataset.validation.DatasetInfo`, that of a check `moldiff.scoring.records.CheckSummary`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moldiff.errors import UserError
from moldiff.files.manifest import read_record, record_of

Kind = TypeVar("Kind", bound=BaseModel)
Count = Annotated[int, Field(ge=0)]


class TrainingInfo(BaseModel):
    """What train.json says of a training; None where an unfinished or other program's file does not say it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    steps: Count | None = None
    minutes: float | None = None
    molecules_seen: Count | None = None
    processes: Count | None = None
    threads: Count | None = None
    device: str = ""
    options: dict[str, Any] = {}
    versions: dict[str, str] = {}


class SamplesInfo(BaseModel):
    """What the record beside a file of samples says: what was asked for, what came out, and at which cost.

    Attributes:
        requested: molecules that were asked for.
        produced: molecules in the file.
        not_finite: molecules left out because coordinates are not finite.
        flawed: molecules left out for each flaw at the part that was to be kept.
        evaluations: of the network for a molecule without restarts.
        restarts: number of molecules by their number of restarts.
        mean_evaluations: for a molecule with restarts, on average; None without a molecule.
        seconds: wall time.
        model: SHA-256 of the weights.
        options: of the sampling.
        version: of moldiff.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    requested: Count
    produced: Count
    not_finite: Count = 0
    flawed: dict[str, Count] = {}
    evaluations: Count | None = None
    restarts: dict[str, Count] = {}
    mean_evaluations: float | None = None
    seconds: float
    model: str
    options: dict[str, Any]
    version: str = ""

    @classmethod
    def beside(cls, path: Path, remedy: str) -> Self:
        """The record beside a file of samples, which is compared with its checksum.

        Raises:
            UserError: either is missing, unreadable or not what was written.
        """
        record = record_of(path)
        return typed(record, read_record(record, remedy), cls, remedy)


def typed(path: Path, content: Mapping[str, Any], kind: type[Kind], remedy: str) -> Kind:
    """The content of a JSON file as a typed record.

    Raises:
        UserError: a field is missing or cannot be.
    """
    try:
        return kind.model_validate(dict(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the record"
        raise UserError(f"{path}: {where}: {first['msg'].lower()[:200]}; {remedy}") from None
