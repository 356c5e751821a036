"""What the report is made of, read from the folders of the stages; a part that was not given is simply absent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from moldiff.dataset.validation import DatasetInfo
from moldiff.errors import UserError
from moldiff.files.manifest import check_files, read_record, record_of
from moldiff.files.records import Kind, SamplesInfo, TrainingInfo, typed
from moldiff.reporting.costs import Cost, read_costs
from moldiff.reporting.figures import name_of
from moldiff.scoring.records import SUMMARY, CheckSummary


@dataclass(frozen=True)
class Evidence:
    """Everything that the page reports; None or empty where it was not given or is missing."""

    output: Path
    """Where the page is written: links are relative to its folder."""
    config: Mapping[str, Any] | None = None
    dataset: Path | None = None
    dataset_info: DatasetInfo | None = None
    rejections: Sequence[Mapping[str, str]] = ()
    """First rows of rejected.csv."""
    training: Path | None = None
    training_info: TrainingInfo | None = None
    metrics: pd.DataFrame | None = None
    samples: Sequence[Path] = ()
    sample_infos: Sequence[SamplesInfo | None] = ()
    check: Path | None = None
    summary: CheckSummary | None = None
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    costs: Sequence[Cost] = ()
    """What the jobs of the workflow cost, by rule."""

    def truth(self, column: str) -> np.ndarray:
        """Where a column of the rows is known to be true, [row]; all False where there is no such column."""
        if column not in self.rows:
            return np.zeros(len(self.rows), dtype=bool)
        return np.array([value in _TRUE for value in self.rows[column].tolist()], dtype=bool)

    def known(self, column: str) -> bool:
        """Whether a column exists and holds at least one value."""
        return column in self.rows and bool(self.rows[column].notna().any())

    def numbers(self, column: str) -> np.ndarray:
        """A column as float64 [row], NaN where there is no number."""
        if column not in self.rows:
            return np.full(len(self.rows), np.nan)
        return pd.to_numeric(self.rows[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)

    def text(self, position: int, column: str) -> str:
        """A cell of the rows as text, empty where it holds none."""
        value = self.rows[column].iloc[position] if column in self.rows else ""
        return value if isinstance(value, str) else ""

    def name(self, position: int) -> str:
        """What people call the molecule of a row: its title on one line, or its number."""
        return name_of(self.text(position, "name"), f"record {position + 1}")

    def distinct_valid(self) -> np.ndarray:
        """Positions of the first record of each distinct valid molecule, ascending."""
        return np.flatnonzero(self.truth("valid") & ~self.truth("duplicate"))


_TRUE = (True, np.True_, "True", "true")


def gather(
    output: Path,
    *,
    dataset: Path | None,
    training: Path | None,
    samples: Sequence[Path],
    check: Path | None,
    config: Mapping[str, Any] | None,
    benchmarks: Path | None = None,
) -> Evidence:
    """Read what the stages left behind.

    Raises:
        UserError: something that was named does not exist or cannot be read; the message names the file.
    """
    for path, stage in ((dataset, "featurize"), (training, "train"), (check, "check")):
        if path is not None and not path.is_dir():
            raise UserError(f"{path}: no such folder; give the folder that `moldiff {stage}` wrote")
    for path in samples:
        if not path.is_file():
            raise UserError(f"{path}: no such file; give the file that `moldiff sample` wrote")
    if check is not None and not any((check / name).is_file() for name in (SUMMARY, "rows.parquet", "rows.csv")):
        raise UserError(f"{check}: holds neither summary.json nor rows; give the folder that `moldiff check` wrote")
    records = [record_of(path) for path in samples]
    return Evidence(
        output=output,
        config=config,
        dataset=dataset,
        dataset_info=_record(dataset, "dataset.json", DatasetInfo),
        rejections=_rejections(dataset),
        training=training,
        training_info=_record(training, "train.json", TrainingInfo),
        metrics=_metrics(training),
        samples=list(samples),
        sample_infos=[_record(path.parent, path.name, SamplesInfo) for path in records],
        check=check,
        summary=_record(check, SUMMARY, CheckSummary),
        rows=read_rows(check) if check else pd.DataFrame(),
        costs=read_costs(benchmarks) if benchmarks else (),
    )


def train_smiles(dataset: Path) -> list[str]:
    """SMILES of the distinct training molecules of a featurized set, in its order.

    Raises:
        UserError: the table is missing or unreadable.
    """
    path = dataset / "molecules.parquet"
    try:
        table = pq.read_table(path, columns=["smiles", "split"])
    except (OSError, pa.ArrowException, KeyError) as error:
        raise UserError(f"{path}: cannot be read ({_line(error)}); featurize the molecules again") from None
    pairs = zip(table["smiles"].to_pylist(), table["split"].to_pylist(), strict=True)
    return list(dict.fromkeys(smiles for smiles, split in pairs if split == "train" and smiles))


def read_rows(check: Path) -> pd.DataFrame:
    """The rows of a checked folder, of rows.parquet or else rows.csv; an empty table where there is neither.

    Raises:
        UserError: they cannot be read.
    """
    parquet, table = check / "rows.parquet", check / "rows.csv"
    path = parquet if parquet.is_file() else table
    if not path.is_file():
        return pd.DataFrame()
    try:
        return pd.read_parquet(path) if path == parquet else pd.read_csv(path, low_memory=False)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read ({_line(error)}); check the molecules again") from None


def _record(folder: Path | None, name: str, kind: type[Kind]) -> Kind | None:
    """The record of a stage, whose files are compared with their checksums if they are still there."""
    if folder is None or not (folder / name).is_file():
        return None
    remedy = "run the stage that wrote it again"
    content = read_record(folder / name, remedy, verify=False)
    check_files(folder, content, remedy, may_miss=True)
    return typed(folder / name, content, kind, remedy)


def _metrics(training: Path | None) -> pd.DataFrame | None:
    path = training / "metrics.csv" if training else None
    if path is None or not path.is_file():
        return None
    try:
        return pd.read_csv(path).apply(pd.to_numeric, errors="coerce")
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({_line(error)}); train again or remove it") from None


def _rejections(dataset: Path | None) -> list[dict[str, str]]:
    path = dataset / "rejected.csv" if dataset else None
    if path is None or not path.is_file():
        return []
    try:
        table = pd.read_csv(path, dtype=str, nrows=10, keep_default_na=False)
    except pd.errors.EmptyDataError:
        return []
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({_line(error)}); featurize the molecules again") from None
    return [{str(key): str(value) for key, value in row.items()} for row in table.to_dict("records")]


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
