"""Metropolis moves on a population of molecules: any score, no training (CSMC, arXiv:2602.09424).

It is the machinery of restarts with a score in the place of validity: a proposal is accepted with probability
min(1, exp(change of the score / temperature)); what is not valid, or what another member of the population already
is, never. The moves are taken as symmetric, which denoising makes them only nearly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from moldiff.chemistry.arrays import MoleculeArrays


@dataclass(frozen=True)
class Member:
    """A molecule of the population.

    Attributes:
        arrays: the molecule.
        key: by which two are the same; empty for one that is not valid.
        score: what is to be high; None where there is none.
        problem: why there is none.
    """

    arrays: MoleculeArrays
    key: str = ""
    score: float | None = None
    problem: str = ""


@dataclass(frozen=True)
class Evaluation:
    """One proposal and what became of it.

    Attributes:
        round, place: when, and of which member of the population.
        member: the proposal.
        accepted: whether it took the member's place.
        reason: accepted, not valid, a member already, or worse.
    """

    round: int
    place: int
    member: Member
    accepted: bool
    reason: str


def advance(
    population: Sequence[Member],
    proposals: Sequence[Member],
    number: int,
    temperature: float,
    random: np.random.Generator,
) -> tuple[list[Member], list[Evaluation]]:
    """The population after one round, and every evaluation of it.

    Args:
        population: members with a score.
        proposals: one for each, scored.
        number: of the round.
        temperature: in units of the score.
        random: of the acceptance.
    """
    current, evaluations = list(population), []
    for place, proposal in enumerate(proposals):
        chance = float(random.random())
        reason = _verdict(current, place, proposal, temperature, chance)
        accepted = reason == "accepted"
        if accepted:
            current[place] = proposal
        evaluations.append(Evaluation(number, place, proposal, accepted, reason))
    return current, evaluations


def best(evaluations: Sequence[Evaluation], start: Sequence[Member], n: int) -> list[Member]:
    """The n best distinct molecules that were ever members."""
    members = [*start, *(one.member for one in evaluations if one.accepted)]
    known: dict[str, Member] = {}
    for member in sorted(members, key=_score, reverse=True):
        known.setdefault(member.key, member)
    return list(known.values())[:n]


Score = Callable[[Sequence[MoleculeArrays]], list[Member]]
"""Molecules scored."""


def _verdict(current: Sequence[Member], place: int, proposal: Member, temperature: float, chance: float) -> str:
    if proposal.score is None:
        return proposal.problem or "no score"
    if any(other.key == proposal.key for at, other in enumerate(current) if at != place):
        return "a member already"
    change = (proposal.score - _score(current[place])) / temperature
    return "accepted" if change >= 0 or chance < np.exp(change) else "worse"


def _score(member: Member) -> float:
    assert member.score is not None  # a member of the population has one
    return member.score
