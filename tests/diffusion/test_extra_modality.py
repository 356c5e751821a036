"""A modality more, as a prototype: one real number an atom, such as a partial charge. No module of moldiff changes."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from moldiff.diffusion import schedules
from moldiff.diffusion.modality import Modality, Move
from moldiff.diffusion.process import Process, State
from moldiff.diffusion.solvers import Numbers, Solver, euler, generate, heun
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.levels import Levels
from tests import tiny
from tests.diffusion.test_solvers import logits


@dataclass(frozen=True)
class Numbered:
    """The modality: x = x₀ + σ ε, of data with variance 1."""

    weight: float = 0.1

    def prior(self, places: Tensor, level: Tensor, random: Generator) -> Tensor:
        return (level**2 + 1).sqrt() * torch.randn(level.shape, generator=random, dtype=level.dtype) * places

    def corrupt(self, clean: Tensor, places: Tensor, level: Tensor, random: Generator) -> Tensor:
        return clean + level * torch.randn(level.shape, generator=random, dtype=level.dtype) * places

    def renoise(self, noisy: Tensor, places: Tensor, level: Tensor, higher: Tensor, random: Generator) -> Tensor:
        return self.corrupt(noisy, places, (higher**2 - level**2).sqrt(), random)

    def loss(self, predicted: Tensor, clean: Tensor, places: Tensor, level: Tensor) -> Tensor:
        free = places & (level > 0)
        return ((predicted - clean) ** 2 * (1 + 1 / level**2)).masked_fill(~free, 0).sum(1) / free.sum(1).clamp_min(1)

    def step(self, noisy: Tensor, predicted: Tensor, places: Tensor, move: Move, random: Generator) -> Tensor:
        return predicted + move.lower / move.level * (noisy - predicted)


@dataclass(frozen=True)
class NumberedMolecules:
    """The state: molecules and a number for each atom."""

    molecules: MoleculeBatch
    number: Tensor

    def __getattr__(self, name: str) -> Any:
        return getattr(self.molecules, name)

    def places(self, name: str) -> Tensor:
        return self.molecules.mask if name == "number" else self.molecules.places(name)

    def replace(self, number: Tensor, **fields: Tensor) -> "NumberedMolecules":
        return NumberedMolecules(self.molecules.replace(**fields), number)


PROCESS = Process({**tiny.process().modalities, "number": Numbered()})


# what follows tests the prototype


def numbered() -> NumberedMolecules:
    molecules = tiny.batch_of(5, 3)
    number = torch.randn(molecules.mask.shape, generator=tiny.seeded(), dtype=torch.float64) * molecules.mask
    return NumberedMolecules(molecules, number)


def at(state: NumberedMolecules, sigma: float, given: Tensor | None = None) -> SimpleNamespace:
    levels = Levels.along(state.molecules)(sigma)
    free = state.mask if given is None else state.mask & ~given
    return SimpleNamespace(**vars(levels), number=sigma * free)


def oracle(clean: NumberedMolecules) -> Any:
    element, charge, bond = logits(clean.element, 4), logits(clean.charge, 3), logits(clean.bond, 4)
    known = SimpleNamespace(pos=clean.pos, element=element, charge=charge, bond=bond, number=clean.number)
    return lambda noisy, levels, previous: known


def test_it_is_a_modality_of_a_state() -> None:
    assert isinstance(Numbered(), Modality)
    assert isinstance(numbered(), State)


@pytest.mark.parametrize("solver", [euler, heun])
def test_every_solver_takes_it_along_and_keeps_what_is_given_of_it(solver: Solver) -> None:
    clean = numbered()
    given = clean.mask & (torch.arange(5) % 2 == 0)
    blank = NumberedMolecules(MoleculeBatch.blank(clean.mask, torch.float64), clean.number * given)
    grid, numbers = schedules.karras(8, 10.0, 0.03), Numbers(0.4, 1.2, high=3.0)
    states = list(
        generate(PROCESS, oracle(clean), solver, grid, blank, tiny.seeded(), lambda s: at(clean, s, given), numbers)
    )
    assert all(torch.equal(state.number[given], clean.number[given]) for state in states)
    assert not torch.allclose(states[0].number, clean.number)
    torch.testing.assert_close(states[-1].number, clean.number, rtol=0, atol=1e-6)
    assert torch.equal(states[-1].bond, clean.bond)


def test_its_loss_stands_beside_the_others() -> None:
    clean = numbered()
    losses = PROCESS.loss(oracle(clean)(None, None, None), clean, at(clean, 0.5))
    assert PROCESS.weights["number"] == 0.1
    assert set(losses) == {"pos", "element", "charge", "bond", "number"}
    assert not losses["number"].any()
