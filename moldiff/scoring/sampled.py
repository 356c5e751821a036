"""Questions too slow for every record: asked of some, which the seed and the number of records decide."""

from collections.abc import Iterator, Mapping
from typing import Any

from rdkit import Chem

from moldiff.chemistry.gfn2 import require_tblite
from moldiff.config.check import CheckOptions
from moldiff.scoring.ask import ask_all, draw
from moldiff.scoring.molecule.conformers import Comparison, compare_with_conformers
from moldiff.scoring.molecule.crosscheck import crosscheck_all, require_posebusters
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.molecule.strain import Relaxation, strain
from moldiff.scoring.molecule.validity import fragments, sanitize
from moldiff.scoring.molecule.xtb import relax_all
from moldiff.scoring.score import Task

SLOW_TIMEOUT = 300.0
"""Seconds for a molecule's GFN2-xTB relaxation or PoseBusters run, where the option's limit is below."""


class Samples:
    """The drawn records, remembered while all records pass by, and the questions asked of them."""

    def __init__(self, options: CheckOptions, total: int | None) -> None:
        """Draw from ``total`` records, which is needed if any sample is wanted.

        Raises:
            UserError: GFN2-xTB or PoseBusters is wanted and not installed.
        """
        self._options = options
        if options.xtb:
            require_tblite()
        if options.posebusters:
            require_posebusters()
        counts = {name: getattr(options, name) for name in ("strain", "xtb", "etkdg", "posebusters")}
        self._drawn: dict[str, frozenset[int]] = {
            name: frozenset(place + 1 for place in draw(total or 0, count, options.seed))
            for name, count in counts.items()
        }
        self._tasks: dict[int, Task] = {}

    @staticmethod
    def wanted(options: CheckOptions) -> bool:
        """Whether any question is asked of a sample."""
        return bool(options.strain or options.xtb or options.etkdg or options.posebusters)

    def watch(self, tasks: Iterator[Task]) -> Iterator[Task]:
        """The tasks as they are; drawn ones are remembered."""
        drawn = frozenset().union(*self._drawn.values())
        for task in tasks:
            if task.number in drawn:
                self._tasks[task.number] = task
            yield task

    def ask(self, workers: int) -> dict[int, dict[str, Any]]:
        """Columns by number of record, for drawn records that are valid and have coordinates."""
        mols = {number: mol for number, task in sorted(self._tasks.items()) if (mol := _structure(task)) is not None}
        found: dict[int, dict[str, Any]] = {number: {} for number in mols}
        slow = max(self._options.timeout, SLOW_TIMEOUT)
        chosen = {name: {n: mol for n, mol in mols.items() if n in drawn} for name, drawn in self._drawn.items()}
        if chosen["strain"]:
            answers = ask_all(
                strain, list(chosen["strain"].values()), workers=workers, timeout=slow, title="MMFF94s strain"
            )
            relaxed = [Relaxation(None, None, answer) if isinstance(answer, str) else answer for answer in answers]
            _note(found, chosen["strain"], relaxed, "strain")
        if chosen["xtb"]:
            relaxed = relax_all(list(chosen["xtb"].values()), workers=workers, timeout=slow)
            _note(found, chosen["xtb"], relaxed, "xtb")
        if chosen["etkdg"]:
            compared = ask_all(
                compare_with_conformers, list(chosen["etkdg"].values()), workers=workers, timeout=slow, title="ETKDG"
            )
            for number, answer in zip(chosen["etkdg"], compared, strict=True):
                comparison = Comparison(None, answer) if isinstance(answer, str) else answer
                found[number] |= {"etkdg_rmsd": comparison.rmsd, "etkdg_reason": comparison.reason}
        if chosen["posebusters"]:
            verdicts = crosscheck_all(
                list(chosen["posebusters"].values()), configuration="mol", workers=workers, timeout=slow
            )
            for number, verdict in zip(chosen["posebusters"], verdicts, strict=True):
                missing = [f"not evaluated: {test}" for test in verdict.not_evaluated]
                reason = [verdict.reason] if verdict.reason else []
                found[number]["posebusters"] = verdict.passed
                found[number]["posebusters_failed"] = "; ".join([*verdict.failed, *missing, *reason])
        return found


def _note(
    found: dict[int, dict[str, Any]], asked: Mapping[int, Chem.Mol], relaxed: list[Relaxation], name: str
) -> None:
    for number, relaxation in zip(asked, relaxed, strict=True):
        found[number] |= {
            f"{name}_energy": relaxation.energy,
            f"{name}_rmsd": relaxation.rmsd,
            f"{name}_reason": relaxation.reason,
        }


def _structure(task: Task) -> Chem.Mol | None:
    parsed = parse(task.record, task.charge)
    if parsed.mol is None or not parsed.bonds or not parsed.conformer or fragments(parsed.mol) != 1:
        return None
    return sanitize(parsed.mol).mol
