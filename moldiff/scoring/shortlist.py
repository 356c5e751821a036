"""From checked records to a short list: what refused each, and which of the others are worth looking at first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from moldiff.config.rank import RankOptions
from moldiff.errors import UserError
from moldiff.parallel import SECONDS, Lost, in_order
from moldiff.scoring.expressions import Condition, Unknown
from moldiff.scoring.ranking import diverse_pool, nearest_of_others, pareto_fronts, percentiles, pick_diverse
from moldiff.scoring.sets.fingerprints import fingerprint
from moldiff.scoring.substructures import Substructures, known_fingerprints, nearest_similarity

ALWAYS = ("valid", "not duplicate")
"""Conditions that hold for every short list."""
SIMILARITY = "similarity"
"""The column that `similar_to` makes."""
DECIMALS = 3
TAGS = 8
"""Data items of a molecule in the SDF; everything else is in the CSV."""
_USEFUL = ("qed", "sa", "logp", "mw", "tpsa", "heavy_atoms")


@dataclass
class Candidate:
    """A checked record on its way to the short list; one with a reason before the choice is refused."""

    row: dict[str, Any]
    reason: str = ""
    score: float | None = None
    front: int | None = None
    rank: int | None = None
    nearest_chosen: float | None = None


class Judge:
    """The conditions of a ranking, read once and asked of any number of records."""

    def __init__(self, options: RankOptions, columns: Iterable[str], always: Sequence[str] = ALWAYS) -> None:
        """Read all conditions over rows of these columns; ``always`` are those before the user's.

        Raises:
            UserError: a condition, pattern, file or column that cannot be used.
        """
        self.own = frozenset(options.scores) | ({SIMILARITY} if options.similar_to else set())
        known = frozenset(columns) | self.own
        self.weights = dict(options.weights)
        if options.similar_to:
            self.weights.setdefault(SIMILARITY, 1.0)
        for name in self.weights:
            if name not in known:
                raise UserError(f"weight of {name}: no such column; there are {', '.join(sorted(known))}")
        self.conditions = [Condition(text, known) for text in (*always, *options.filters)]
        self._late = [condition for condition in self.conditions if set(condition.columns) & self.own]
        self._early = [condition for condition in self.conditions if condition not in self._late]
        self._substructures = Substructures.read(options.smarts, options.not_smarts, options.alerts)
        self._similar_to = known_fingerprints(options.similar_to) if options.similar_to else None

    def refuse_early(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Refuse by all that needs no score of the user's own; returns those that pass, with their similarity."""
        passing = []
        for candidate in candidates:
            candidate.reason = _refusal(candidate.row, self._early)
            if not candidate.reason:
                passing.append(candidate)
        if not self._substructures and self._similar_to is None:
            return passing
        texts = [(candidate.row["smiles"], candidate.row["key"]) for candidate in passing]
        look = partial(_look, self._substructures, self._similar_to)  # a user's pattern may take a molecule for ever
        for candidate, found in zip(passing, in_order(look, texts, workers=0, timeout=SECONDS, chunk=64), strict=True):
            if isinstance(found, Lost):
                candidate.reason = f"refused by structure: {found.reason}"
                continue
            candidate.reason, similarity = found
            if similarity is not None:
                candidate.row[SIMILARITY] = similarity
        return [candidate for candidate in passing if not candidate.reason]

    def refuse_late(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Refuse by the user's own scores, and where a column to score by is not a number; returns those that pass."""
        passing = []
        for candidate in candidates:
            candidate.reason = _refusal(candidate.row, self._late) or _incomplete(candidate.row, self.weights)
            if not candidate.reason:
                passing.append(candidate)
        return passing


def choose(passed: list[Candidate], options: RankOptions, weights: Mapping[str, float]) -> list[Candidate]:
    """The short list in the order of the ranks; ranks, scores and reasons of all that passed are filled in."""
    if not passed:
        return []
    columns = [
        percentiles(np.array([float(c.row[name]) for c in passed]), largest=weight > 0)
        for name, weight in weights.items()
    ]
    goodness = np.stack(columns, axis=1)
    share = np.abs(np.array(list(weights.values())))
    score = goodness @ (share / share.sum())
    fronts = pareto_fronts(goodness) if options.method == "pareto" else np.ones(len(passed), dtype=np.int64)
    order = sorted(range(len(passed)), key=lambda at: (int(fronts[at]), -float(score[at]), passed[at].row["index"]))
    ranked = [passed[at] for at in order]
    for position, at in enumerate(order, start=1):
        candidate = passed[at]
        candidate.score, candidate.rank = float(score[at]), position
        candidate.front = int(fronts[at]) if options.method == "pareto" else None
        candidate.reason = f"passed, rank {position}"
    diverse = options.diversity > 1
    scores = np.array([candidate.score for candidate in ranked])
    places = (
        diverse_pool(scores, options.n, times=options.diversity, share=options.best, floor=options.floor)
        if diverse
        else list(range(min(options.n, len(ranked))))
    )
    pool = [ranked[place] for place in places]
    packed = np.stack([np.frombuffer(fingerprint(Chem.MolFromSmiles(c.row["key"])), dtype=np.uint8) for c in pool])
    picked = pick_diverse(packed, min(options.n, len(pool)), options.seed)
    how = "picked for diversity" if diverse and len(pool) > len(picked) else "chosen"
    for place, near in zip(picked, nearest_of_others(packed, picked), strict=True):
        candidate = pool[place]
        front = f", Pareto front {candidate.front}" if options.method == "pareto" else ""
        candidate.reason = f"{how}: rank {candidate.rank}{front}, score {candidate.score:.{DECIMALS}f}"
        candidate.nearest_chosen = near
    return [pool[place] for place in sorted(picked)]


def refused_by(candidate: Candidate) -> str:
    """The condition that refused a candidate; "" if none did."""
    if not candidate.reason.startswith("refused"):
        return ""
    return candidate.reason.partition(": ")[0].removeprefix("refused").removeprefix(" by ") or "null column"


def refusals(candidates: Iterable[Candidate]) -> dict[str, int]:
    """How many candidates each condition refused, the most frequent first."""
    counts: dict[str, int] = {}
    for candidate in candidates:
        if name := refused_by(candidate):
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def record(candidate: Candidate) -> dict[str, Any]:
    """A line of the CSV: place and reason first, then all columns, numbers rounded."""
    first = {
        "rank": candidate.rank,
        "score": candidate.score,
        "pareto_front": candidate.front,
        "nearest_chosen": candidate.nearest_chosen,
        "reason": candidate.reason,
    }
    return {name: rounded(value) for name, value in (first | candidate.row).items()}


def tags(candidate: Candidate, weights: Mapping[str, float]) -> dict[str, Any]:
    """What the SDF says of a chosen molecule: its place and why, its SMILES, and the numbers that matter most."""
    full = record(candidate)
    names = ["rank", "score", "reason", "smiles", *weights, *_USEFUL]
    useful = [name for name in dict.fromkeys(names) if full.get(name) not in (None, "")]
    return {name: full[name] for name in useful[: max(TAGS, 4 + len(weights))]}


def rounded(value: Any) -> Any:
    """A number to three decimals, anything else as it is."""
    return round(value, DECIMALS) if isinstance(value, float) else value


def text(value: object) -> str:
    """A value of a row in words: null, true, false, or what it says."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(rounded(value))


def summary_lines(
    chosen: Sequence[Candidate], counts: Mapping[str, int], passed: int, total: int, weights: Mapping[str, float]
) -> str:
    """What the terminal shows: how many were chosen, what refused the others, and the best of the list."""
    lines = [f"{len(chosen)} of {total} chosen; {passed} passed, {total - passed} refused"]
    lines += [f"{count:8d} refused by {name}" for name, count in counts.items()]
    columns = ["rank", "score", *weights, "name", "smiles"]
    if chosen:
        lines.append("  ".join(f"{name:>8s}" for name in columns[:-1]) + "  smiles")
    for candidate in chosen[:10]:
        full = record(candidate)
        lines.append("  ".join(f"{text(full[name]):>8s}" for name in columns[:-1]) + f"  {full['smiles']}")
    if len(chosen) > 10:
        lines.append(f"     ... and {len(chosen) - 10} more")
    return "\n".join(lines)


def _look(
    substructures: Substructures, similar_to: NDArray[np.uint8] | None, texts: tuple[str, str]
) -> tuple[str, float | None]:
    """Why a molecule's structure is refused, and its similarity if that is asked for; given its SMILES and flat key."""
    smiles, key = texts
    reason = substructures.refusal(Chem.MolFromSmiles(smiles))
    return reason, None if reason or similar_to is None else nearest_similarity(key, similar_to)


def _refusal(row: Mapping[str, Any], conditions: Iterable[Condition]) -> str:
    for condition in conditions:
        unknown = ""
        try:
            if condition.holds(row):
                continue
        except Unknown as column:
            unknown = f"{column} is null"
        values = ", ".join(f"{name} is {text(row[name])}" for name in condition.columns)
        return f"refused by {condition.text}: {unknown or values}"
    return ""


def _incomplete(row: Mapping[str, Any], weights: Mapping[str, float]) -> str:
    for name in weights:
        value = row[name]
        if value is None or isinstance(value, str) or not np.isfinite(value):
            return f"refused: {name} is {text(value)}, and it is scored by"
    return ""
