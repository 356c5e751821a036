"""The configuration of a run of the workflow: the options of every stage."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from moldiff.config.check import CheckOptions
from moldiff.config.featurize import FeaturizeOptions
from moldiff.config.options import Options
from moldiff.config.rank import RankOptions
from moldiff.config.report import ReportOptions
from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions


class Config(Options):
    """A complete run of the workflow."""

    name: str = Field("demo", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    """Name of the run: results are written to results/NAME."""
    results: str = Field("results", min_length=1, max_length=1000)
    """Folder of all results; blanks and quotes are allowed, braces and line ends are not."""
    featurize: FeaturizeOptions = FeaturizeOptions()
    """From raw molecules to the featurized dataset."""
    train: TrainOptions = TrainOptions()
    """Training of the denoiser."""
    sample: SampleOptions = SampleOptions()
    """Generation of molecules."""
    check: CheckOptions = CheckOptions()
    """Scoring of structures."""
    rank: RankOptions = RankOptions()
    """A short list of the checked molecules."""
    report: ReportOptions = ReportOptions()
    """The report."""

    @field_validator("results")
    @classmethod
    def _a_folder_that_rules_can_name(cls, results: str) -> str:
        if awkward := sorted({sign for sign in results if sign in "{}" or not sign.isprintable()}):
            raise ValueError(f"contains {awkward[0]!r}, which is not supported in a path; choose another folder")
        if results.startswith(("-", "~")):
            raise ValueError(f"begins with {results[0]!r}, which would be misunderstood; write ./{results}")
        return results.rstrip("/") or "/"

    @model_validator(mode="after")
    def _inputs(self) -> Self:
        if not self.featurize.inputs:
            raise ValueError("featurize.inputs is empty; name the files to learn from")
        return self


def option_groups() -> dict[str, type[Options]]:
    """The option groups by the name of their stage, in the order of the workflow."""
    return {
        name: field.annotation
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Options)
    }
