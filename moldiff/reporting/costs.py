"""What the jobs of a workflow cost, gathered from the files that its rules' ``benchmark:`` leaves."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from moldiff.reporting.figures import number

_SHARD = re.compile(r"\d+-of-(\d+)")


@dataclass(frozen=True)
class Cost:
    """The jobs of one rule; None where nothing was measured, as for jobs that end within moments.

    Attributes:
        rule: its name.
        jobs: number of jobs.
        seconds: of all jobs, wall time.
        longest: of the longest job, wall time, s.
        processor: seconds of all jobs.
        memory: largest resident set of a job, MB.
    """

    rule: str
    jobs: int
    seconds: float | None
    longest: float | None
    processor: float | None
    memory: float | None


def read_costs(folder: Path) -> list[Cost]:
    """Costs of each rule with files in ``folder``: RULE.tsv, or RULE/K-of-N.tsv for shards; in the order of their end.

    Files of an earlier run that was cut into another number of shards do not count, nor do files of another kind.
    """
    files: dict[str, list[Path]] = {}
    for path in folder.glob("*.tsv"):
        files[path.stem] = [path]
    for path in folder.glob("*/*.tsv"):
        files.setdefault(path.parent.name, []).append(path)
    ended = {rule: max(path.stat().st_mtime_ns for path in paths) for rule, paths in files.items()}
    return [_cost(rule, _of_last_run(files[rule])) for rule in sorted(files, key=lambda rule: (ended[rule], rule))]


def _of_last_run(paths: Sequence[Path]) -> list[Path]:
    newest = max(paths, key=lambda path: path.stat().st_mtime_ns)
    parts = _SHARD.fullmatch(newest.stem)
    if parts is None:
        return [newest]
    return [path for path in paths if (match := _SHARD.fullmatch(path.stem)) and match[1] == parts[1]]


def _cost(rule: str, paths: Sequence[Path]) -> Cost:
    rows = [_row(path) for path in paths]
    columns = {name: [value for row in rows if (value := number(row.get(name))) is not None]
               for name in ("s", "cpu_time", "max_rss")}  # fmt: skip
    seconds, processor, memory = columns["s"], columns["cpu_time"], columns["max_rss"]
    return Cost(
        rule,
        len(paths),
        sum(seconds) if seconds else None,
        max(seconds, default=None),
        sum(processor) if processor else None,
        max(memory, default=None),
    )


def _row(path: Path) -> dict[str, str]:
    """The only row of a benchmark file; empty where there is none that can be read."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return next(csv.DictReader(file, delimiter="\t"), {})
    except (OSError, ValueError):
        return {}
