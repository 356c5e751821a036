"""Restarts of whatever can be judged, selected and put back."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from moldiff.diffusion.restarts import States, restarted


@dataclass(frozen=True)
class Scores:
    values: Tensor

    def __len__(self) -> int:
        return len(self.values)

    def select(self, index: Tensor) -> "Scores":
        return Scores(self.values[index])

    def put(self, index: Tensor, others: "Scores") -> "Scores":
        return Scores(self.values.index_copy(0, index, others.values))


def judge(states: Scores) -> Tensor:
    return states.values >= 3


def again(states: Scores, index: Tensor) -> Scores:
    return Scores(states.values + 1)


@pytest.mark.parametrize(
    ("rounds", "values", "counts"),
    [(0, [3, 1, 5, 2], [0, 0, 0, 0]), (1, [3, 2, 5, 3], [0, 1, 0, 1]), (9, [3, 3, 5, 3], [0, 2, 0, 1])],
)
def test_refused_states_are_made_again_from_their_last_try(rounds: int, values: list[int], counts: list[int]) -> None:
    states, restarts = restarted(Scores(torch.tensor([3, 1, 5, 2])), judge, again, rounds)
    assert isinstance(states, States)
    assert (states.values.tolist(), restarts.tolist()) == (values, counts)


def test_each_try_is_judged_once_and_alone() -> None:
    seen: list[list[int]] = []
    handed: list[list[int]] = []

    def noting(states: Scores) -> Tensor:
        seen.append(states.values.tolist())
        return judge(states)

    def made(states: Scores, index: Tensor) -> Scores:
        handed.append(index.tolist())
        return again(states, index)

    restarted(Scores(torch.tensor([3, 1, 5, 2])), noting, made, 5)
    assert seen == [[3, 1, 5, 2], [2, 3], [3]]
    assert handed == [[1, 3], [1]]


def test_no_restart_asks_no_judge() -> None:
    states = Scores(torch.tensor([1]))
    assert restarted(states, lambda _: pytest.fail("nothing is to be judged"), again, 0)[0] is states
