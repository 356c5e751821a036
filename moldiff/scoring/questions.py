"""Questions too slow for every record, asked of a sample: each is one object with its columns, rates and numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from rdkit import Chem

from moldiff.chemistry.gfn2 import require_tblite
from moldiff.scoring.declared import Column, Metric, Row, Share, Value
from moldiff.scoring.molecule.conformers import compare_with_conformers
from moldiff.scoring.molecule.crosscheck import crosscheck, require_posebusters
from moldiff.scoring.molecule.strain import Relaxation, strain
from moldiff.scoring.molecule.xtb import relax

Answer = Mapping[str, float | bool | str | None]
"""Columns of a row by name."""


@dataclass(frozen=True)
class Question:
    """A question about a valid molecule with coordinates.

    Attributes:
        name: of the option of `CheckOptions` that says of how many molecules it is asked.
        title: what it is called beside the progress bar.
        columns: of its answer.
        ask: function of a module's top level: the answer for a sanitized molecule with a conformer. Never raises.
        lost: the answer where a molecule was given up, for a reason.
        metrics: rates made of the columns.
        values: numbers made of the columns of the same names: median and 90th percentile over strict molecules.
        require: makes sure that what it needs is installed, or raises `UserError`.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    ask: Callable[[Chem.Mol], Answer]
    lost: Callable[[str], Answer]
    metrics: tuple[Metric, ...]
    values: tuple[Value, ...]
    require: Callable[[], None] = lambda: None


def _ask_posebusters(mol: Chem.Mol) -> Answer:
    verdict = crosscheck(mol, "mol")
    missing = [f"not evaluated: {test}" for test in verdict.not_evaluated]
    reason = [verdict.reason] if verdict.reason else []
    return {"posebusters": verdict.passed, "posebusters_failed": "; ".join([*verdict.failed, *missing, *reason])}


def _lose_posebusters(reason: str) -> Answer:
    return {"posebusters": False, "posebusters_failed": reason}


def _ask_strain(mol: Chem.Mol) -> Answer:
    return _relaxation("strain", strain(mol))


def _ask_xtb(mol: Chem.Mol) -> Answer:
    return _placed_relaxation(relax(mol))


def _relaxation(name: str, relaxation: Relaxation) -> Answer:
    return {f"{name}_energy": relaxation.energy, f"{name}_rmsd": relaxation.rmsd, f"{name}_reason": relaxation.reason}


def _placed_relaxation(relaxation: Relaxation) -> Answer:
    return {**_relaxation("xtb", relaxation), "xtb_placement": relaxation.placement}


def _lose_strain(reason: str) -> Answer:
    return _relaxation("strain", Relaxation(None, None, reason))


def _lose_xtb(reason: str) -> Answer:
    return _placed_relaxation(Relaxation(None, None, reason))


def _ask_etkdg(mol: Chem.Mol) -> Answer:
    nearest = compare_with_conformers(mol)
    return {"etkdg_rmsd": nearest.rmsd, "etkdg_reason": nearest.reason}


def _lose_etkdg(reason: str) -> Answer:
    return {"etkdg_rmsd": None, "etkdg_reason": reason}


def _answered(name: str, row: Row) -> Share:
    """Whether a strict molecule that was asked has an answer."""
    answered = row[f"{name}_rmsd"] is not None
    return (int(answered), int(answered or bool(row[f"{name}_reason"]))) if row["valid_strict"] else (0, 0)


def _coverage(name: str, title: str, meaning: str) -> Metric:
    counts = partial(_answered, name)
    return Metric(f"{name}_coverage", title, meaning, "sampled, strict", counts, when="counted")


POSEBUSTERS = Question(
    name="posebusters",
    title="PoseBusters",
    columns=(
        Column("posebusters", "boolean", "PoseBusters itself, configuration mol; of a sample"),
        Column("posebusters_failed", "text", "its tests failed"),
    ),
    ask=_ask_posebusters,
    lost=_lose_posebusters,
    require=require_posebusters,
    metrics=(
        Metric(
            "posebusters",
            "PoseBusters",
            "the package itself, configuration mol; a test not evaluated is a fail",
            "sampled, valid",
            lambda row: (0, 0) if row["posebusters"] is None or not row["valid"] else (int(row["posebusters"]), 1),
            when="counted",
        ),
    ),
    values=(),
)
STRAIN = Question(
    name="strain",
    title="MMFF94s strain",
    columns=(
        Column("strain_energy", "number", "MMFF94s energy above the local minimum, kcal/mol; of a sample"),
        Column("strain_rmsd", "number", "heavy-atom RMSD to that minimum, Å"),
        Column("strain_reason", "text", "why there is no strain energy"),
    ),
    ask=_ask_strain,
    lost=_lose_strain,
    metrics=(_coverage("strain", "Strain, coverage", "have an MMFF94s strain energy"),),
    values=(
        Value("strain_energy", "Strain, kcal/mol", "median MMFF94s energy above the nearest minimum", "kcal/mol", -1),
        Value("strain_rmsd", "Strain, RMSD in Å", "median displacement of the heavy atoms to that minimum", "Å", -1),
    ),
)
ETKDG = Question(
    name="etkdg",
    title="ETKDG",
    columns=(
        Column("etkdg_rmsd", "number", "smallest heavy-atom RMSD to 10 ETKDGv3 + MMFF94s conformers, Å; of a sample"),
        Column("etkdg_reason", "text", "why there is no such RMSD"),
    ),
    ask=_ask_etkdg,
    lost=_lose_etkdg,
    metrics=(_coverage("etkdg", "ETKDG, coverage", "could be compared with ETKDGv3 conformers"),),
    values=(
        Value("etkdg_rmsd", "ETKDG, RMSD in Å", "median distance to the nearest of 10 ETKDGv3 conformers", "Å", -1),
    ),
)
XTB = Question(
    name="xtb",
    title="GFN2-xTB",
    columns=(
        Column(
            "xtb_energy",
            "number",
            "energy lowered by GFN2-xTB relaxation, kcal/mol, after hydrogens that were not in the record were relaxed "
            "alone; of a sample",
        ),
        Column("xtb_placement", "number", "what relaxing these alone lowered before, kcal/mol; 0 if none was placed"),
        Column("xtb_rmsd", "number", "heavy-atom RMSD of that relaxation, Å"),
        Column("xtb_reason", "text", "why there is no relaxation energy"),
    ),
    ask=_ask_xtb,
    lost=_lose_xtb,
    metrics=(_coverage("xtb", "GFN2-xTB, coverage", "could be relaxed by GFN2-xTB"),),
    values=(
        Value(
            "xtb_energy",
            "GFN2-xTB relaxation, kcal/mol",
            "median energy lowered by the relaxation, after placed hydrogens were relaxed alone",
            "kcal/mol",
            -1,
        ),
        Value(
            "xtb_placement",
            "GFN2-xTB, placed hydrogens, kcal/mol",
            "median energy lowered by relaxing placed hydrogens alone, which is not counted above",
            "kcal/mol",
        ),
        Value("xtb_rmsd", "GFN2-xTB relaxation, RMSD in Å", "median displacement of the heavy atoms", "Å", -1),
    ),
    require=require_tblite,
)
QUESTIONS = (POSEBUSTERS, STRAIN, ETKDG, XTB)
"""In the order of their columns."""
