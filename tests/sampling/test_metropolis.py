"""Metropolis moves: what is accepted, what never is, and that the score of the accepted follows exp(score / τ)."""

import numpy as np
import pytest

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.sampling.metropolis import Evaluation, Member, advance, best

NOTHING = MoleculeArrays(np.zeros((1, 3)), np.ones(1), np.zeros(1), np.zeros((0, 2)), np.zeros(0))


def member(key: str, score: float | None, problem: str = "") -> Member:
    return Member(NOTHING, key, score, problem)


def moves(population: list[Member], proposals: list[Member], temperature: float = 1e-9) -> list[Evaluation]:
    return advance(population, proposals, 1, temperature, np.random.default_rng(0))[1]


def test_better_is_taken_worse_is_not_when_it_is_cold() -> None:
    population = [member("a", 0.5), member("b", 0.5)]
    current, made = advance(population, [member("c", 0.6), member("d", 0.4)], 3, 1e-9, np.random.default_rng(0))
    assert [one.key for one in current] == ["c", "b"]
    assert [(one.round, one.place, one.accepted, one.reason) for one in made] == [
        (3, 0, True, "accepted"),
        (3, 1, False, "worse"),
    ]


@pytest.mark.parametrize(
    ("proposal", "reason"),
    [
        (member("", None, "not valid"), "not valid"),
        (member("x", None), "no score"),
        (member("b", 9.0), "a member already"),
        (member("a", 0.5), "accepted"),
    ],
)
def test_what_is_never_taken(proposal: Member, reason: str) -> None:
    population = [member("a", 0.5), member("b", 0.5)]
    assert moves(population, [proposal, member("b", 0.5)])[0].reason == reason


def test_no_two_members_become_the_same_in_one_round() -> None:
    population = [member("a", 0.1), member("b", 0.1)]
    made = moves(population, [member("c", 0.9), member("c", 0.9)])
    assert [one.accepted for one in made] == [True, False]


def test_a_symmetric_walk_comes_to_the_boltzmann_distribution() -> None:
    scores, temperature, random = np.array([0.0, 0.3, 0.5, 0.2]), 0.25, np.random.default_rng(1)
    place, visits = 0, np.zeros(4)
    for number in range(20000):
        proposed = (place + int(random.choice([-1, 1]))) % 4
        current = [member(str(place), float(scores[place]))]
        (after,), _ = advance(current, [member(str(proposed), float(scores[proposed]))], number, temperature, random)
        place = int(after.key)
        visits[place] += 1
    expected = np.exp(scores / temperature)
    assert visits / visits.sum() == pytest.approx(expected / expected.sum(), abs=0.02)


def test_the_best_distinct_members_come_out() -> None:
    start = [member("a", 0.5)]
    made = moves(start, [member("b", 0.7)])
    made += moves([member("b", 0.7)], [member("c", 0.6)])
    assert [one.key for one in best(made, start, 5)] == ["b", "a"]
    assert [one.key for one in best(made, start, 1)] == ["b"]
