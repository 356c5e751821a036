"""One record in, one row out: the order of operations in which every metric is taken.

The work is a sequence of small steps. `score` takes one record through all of them; the check stage takes each step
for a group of records before the next, which keeps a step's code in the processor's cache (a third of the time).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.parsing import quiet
from moldiff.scoring.molecule import validity
from moldiff.scoring.molecule.coordinates import bonds_between
from moldiff.scoring.molecule.geometry import measure
from moldiff.scoring.molecule.graph import implicit_hydrogens
from moldiff.scoring.molecule.keys import flat_smiles, isomeric_smiles, key_hash, stereo_from_3d, without_hydrogens
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.molecule.portrait import ASPECTS, Aspect, Portrait, portrait
from moldiff.scoring.molecule.pose import pb_valid
from moldiff.scoring.molecule.sanity import sanity
from moldiff.scoring.molecule.stability import stable_atoms

Value = str | int | float | bool | bytes | None
Row = dict[str, Value]


@dataclass(frozen=True)
class Task:
    """A record to score: its number among all records, from 1, and what is asked of it."""

    number: int
    record: Record
    charge: int = 0
    asked: Literal["all", "distributions", "keys"] = "all"
    """all: what a row holds; of a reference's molecules only what others are compared with: distributions and keys,
    or keys (with fingerprint, ring systems and scaffold)."""
    key: str = ""
    """The flat key of a valid molecule that is known to have it; then the record is not read."""


@dataclass
class Progress:
    """A record on its way: what the steps so far have made of it. A step leaves alone what an earlier one ended."""

    task: Task
    row: Row
    reasons: list[str] = field(default_factory=list)
    written: Chem.Mol | None = None
    sanitized: validity.Sanitized | None = None
    heavy: Chem.Mol | None = None
    portrait: Portrait | None = None
    between: NDArray[np.float64] | None = None

    @property
    def whole(self) -> Chem.Mol | None:
        """The sanitized molecule, hydrogens as written."""
        return self.sanitized.mol if self.sanitized else None


def warm_up() -> None:
    """Load patterns and tables now (a second), so that processes forked afterwards share them; silence RDKit."""
    quiet()
    score(Task(0, Record("", 0, "Cc1ccccc1", "smiles")))


def blank_row(task: Task, reason: str = "") -> Row:
    """The row of a record of which nothing can be said but ``reason``."""
    record = task.record
    return {
        "index": task.number,
        "source": record.source,
        "record": record.index,
        "name": record.name,
        "readable": False,
        "sanitizable": False,
        "connected": False,
        "valid": False,
        "valid_largest_fragment": False,
        "reasons": reason,
        "_strict": False,
        "_stable_explicit": 0,
        "_stable_implicit": 0,
        "_has_hydrogens": False,
        "_missing_hydrogens": 0,
    }


def score(task: Task) -> Row:
    """Everything that follows from one record alone; columns that start with _ are for the summary only.

    What depends on other records (duplicate, novel, the hydrogen policy) is decided where rows come together. Never
    raises: what RDKit refuses in the middle of the work is a row that says so, and costs no other record.
    """
    state: Any = task
    for step in STEPS:
        state = step(state)
    row: Row = state
    return row


def _begin(task: Task) -> Progress:
    progress = Progress(task, blank_row(task))
    if task.key:
        progress.row |= {"readable": True, "sanitizable": True, "connected": True, "valid": True}
        _open_portrait(progress, task.key)
    return progress


def _open_portrait(progress: Progress, flat: str) -> None:
    progress.row |= {"key": flat, "_key": key_hash(flat)}
    progress.portrait = portrait(flat)


def _guarded(step: Callable[[Progress], None], progress: Progress) -> Progress:
    try:
        step(progress)
    except (RuntimeError, ValueError) as error:
        first_line = str(error).strip().partition("\n")[0]
        reason = f"cannot be scored: {type(error).__name__}: {first_line[:200]}"
        return Progress(progress.task, blank_row(progress.task), [reason])
    return progress


def _read(progress: Progress) -> None:
    task = progress.task
    if task.key:
        return
    parsed = parse(task.record, task.charge)
    progress.reasons.append(parsed.reason)
    if parsed.mol is None:
        return
    progress.row |= {
        "bonds": parsed.bonds or None,
        "coordinates": parsed.conformer,
        "readable": True,
        "atoms": parsed.mol.GetNumAtoms(),
        "_has_hydrogens": parsed.mol.GetNumAtoms() > parsed.mol.GetNumHeavyAtoms(),
    }
    if parsed.bonds:
        progress.written = parsed.mol


def _count_stable(progress: Progress) -> None:
    if progress.written is not None and progress.task.asked == "all":
        stable, filled_stable = stable_atoms(progress.written)
        progress.row |= {
            "_stable_explicit": filled_stable if progress.task.record.kind == "smiles" else stable,
            "_stable_implicit": filled_stable,
        }


def _sanitize(progress: Progress) -> None:
    written = progress.written
    if written is None:
        return
    fragments = validity.fragments(written)
    progress.sanitized = validity.sanitize(written)
    whole = progress.whole
    progress.row |= {
        "sanitizable": whole is not None,
        "connected": fragments == 1,
        "valid": whole is not None and fragments == 1,
        "valid_largest_fragment": validity.valid_largest_fragment(written, whole),
    }
    progress.reasons += [progress.sanitized.problem, f"{fragments} fragments" if fragments > 1 else ""]


def _find_faults(progress: Progress) -> None:
    if progress.written is None or progress.sanitized is None or progress.whole is None or progress.task.asked != "all":
        return
    faults = validity.strict_faults(progress.written, progress.sanitized)
    progress.reasons += faults
    progress.row["_strict"] = bool(progress.row["valid"]) and not faults
    # The grammar of SMILES implies hydrogens, so none is missing there.
    implied = progress.task.record.kind == "smiles"
    progress.row["_missing_hydrogens"] = 0 if implied else implicit_hydrogens(progress.whole)


def _perceive_stereo(progress: Progress) -> None:
    if progress.whole is not None:
        stereo = progress.row["coordinates"] and progress.task.asked == "all"
        progress.heavy = stereo_from_3d(progress.whole) if stereo else progress.whole


def _remove_hydrogens(progress: Progress) -> None:
    if progress.heavy is not None:
        progress.heavy = without_hydrogens(progress.heavy)


def _spell(progress: Progress) -> None:
    if progress.heavy is None:
        return
    if progress.task.asked == "all":
        progress.row["smiles"] = isomeric_smiles(progress.heavy)
    if progress.row["valid"]:
        _open_portrait(progress, flat_smiles(progress.heavy))


def _draw(aspect: Aspect, progress: Progress) -> None:
    if progress.portrait is not None and aspect in ASPECTS[progress.task.asked]:
        progress.portrait.draw(aspect)


def _judge_pose(progress: Progress) -> None:
    """Verdict on the three-dimensional structure, its hydrogens kept as written."""
    if progress.portrait is None or progress.whole is None or progress.task.asked != "all":
        return
    if not progress.row["coordinates"]:
        progress.row["pb_failed"] = "not evaluated: no 3D coordinates"
        return
    progress.between = bonds_between(progress.whole)
    pose = pb_valid(progress.whole, progress.between, sanitized=True)
    progress.row |= {"pb_valid": pose.valid, "pb_failed": "; ".join(pose.failed)}


def _judge_distances(progress: Progress) -> None:
    if progress.between is not None and progress.whole is not None:
        sane = sanity(progress.whole, progress.between)
        progress.row |= {"sane": sane.valid, "sanity_failed": "; ".join(sane.failed)}


def _measure(progress: Progress) -> None:
    if progress.portrait is None or progress.whole is None or progress.task.asked == "keys":
        return
    if progress.row["coordinates"]:
        progress.row["_geometry"] = measure(progress.whole).tobytes()


def _finish(progress: Progress) -> Row:
    row = progress.row
    if progress.portrait is not None:
        row |= progress.portrait.values
    row["reasons"] = "; ".join(reason for reason in progress.reasons if reason)
    return row


_QUESTIONS: tuple[Callable[[Progress], None], ...] = (
    _read,
    _count_stable,
    _sanitize,
    _find_faults,
    _perceive_stereo,
    _remove_hydrogens,
    _spell,
    *(partial(_draw, aspect) for aspect in ASPECTS["all"]),
    _judge_pose,
    _judge_distances,
    _measure,
)
STEPS: tuple[Callable[[Any], Any], ...] = (_begin, *(partial(_guarded, step) for step in _QUESTIONS), _finish)
"""From a `Task` to its row: each step takes what the one before it gave."""
