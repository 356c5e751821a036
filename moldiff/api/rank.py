"""`moldiff.rank`: a short list of molecules in memory, with a reason for each choice and each refusal."""

import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from rdkit import Chem

from moldiff.api.check import Checked, Given, check
from moldiff.config.keywords import RankKeywords
from moldiff.config.options import parse
from moldiff.config.rank import RankOptions
from moldiff.errors import UserError
from moldiff.sampling.finish import finish
from moldiff.sampling.molecules import Molecules
from moldiff.scoring.shortlist import Candidate, Judge, choose, record, refusals, summary_lines, tags
from moldiff.scoring.tables import join_tables
from moldiff.stages.rank import qualify

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Ranking:
    """A short list and what became of every molecule.

    Attributes:
        molecules: the short list in the order of the ranks; rank, score and reason are properties of each.
        candidates: a line for each molecule: place, score, reason, then all columns of the check.
        refused: how many molecules each condition refused.
        passed: molecules that met all conditions.
        text: what `moldiff rank` prints.
    """

    molecules: Molecules
    candidates: list[dict[str, Any]]
    refused: dict[str, int]
    passed: int
    text: str

    def to_dataframe(self) -> "DataFrame":
        """The candidates as a pandas DataFrame."""
        import pandas

        return pandas.DataFrame(self.candidates)

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text)}</pre>{self.molecules._repr_html_()}"


def rank(
    molecules: "Checked | Given", n: int = 50, *, train: str | Path | None = None, **options: Unpack[RankKeywords]
) -> Ranking:
    """Make a short list, as `moldiff rank` does.

    Args:
        molecules: what `moldiff.check` gave, or molecules as it takes them, which are then checked first.
        n: molecules wanted.
        train: training set of that check, for conditions on the column novel.
        options: of `moldiff.config.rank.RankOptions`.

    Raises:
        UserError: a condition, column or score that cannot be used; what `moldiff.check` raises.
    """
    chosen = parse(RankOptions, {"n": n, **options}, "options of rank")
    if n < 1:
        raise UserError("rank: n must be at least 1")
    checked = molecules if isinstance(molecules, Checked) else check(molecules, train=train)
    rows = [dict(row) for row in checked.rows]
    join_tables(rows, chosen.tables)
    candidates = [Candidate(row) for row in rows]
    judge = Judge(chosen, candidates[0].row)
    passing = judge.refuse_early(candidates)
    mols = {row["index"]: mol for row, mol in zip(checked.rows, checked.molecules, strict=True)}
    passed = qualify(passing, mols, chosen, judge)
    best = choose(passed, chosen, judge.weights)
    refused = refusals(candidates)
    return Ranking(
        Molecules(_listed(mols[candidate.row["index"]], tags(candidate, judge.weights)) for candidate in best),
        [record(candidate) for candidate in candidates],
        refused,
        len(passed),
        summary_lines(best, refused, len(passed), len(candidates), judge.weights),
    )


def _listed(mol: Chem.Mol, properties: dict[str, Any]) -> Chem.Mol:
    listed = finish(mol, {})
    for name, value in properties.items():
        listed.SetProp(name, str(value))
    return listed
