"""Moves: of a part the rest stays to the last bit, of the whole nothing does; sizes change with placeholders."""

import numpy as np
import pytest
import torch

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.models.checkpoint import Model, Statistics
from moldiff.molecules.batch import Vocabulary
from moldiff.network.build import build_network
from moldiff.sampling.moves import moved
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from tests import tiny


def sampler(*, placeholder: bool) -> Sampler:
    torch.manual_seed(0)
    network = build_network(tiny.network().options, Vocabulary((6, 7, 8, 9), (-1, 0, 1), placeholder), tiny.SIGMA_DATA)
    marginals = dict(tiny.MARGINALS)
    if placeholder:
        marginals["element"] = [*(0.8 * share for share in marginals["element"]), 0.2]
    share = 0.3 if placeholder else 0.0
    return Sampler(Model.of(network.float().eval(), Statistics(1.2, marginals, {9: 1}, "implicit", share)))


def chain(atoms: int) -> MoleculeArrays:
    first = np.arange(atoms - 1)
    return MoleculeArrays(
        positions=(np.random.default_rng(atoms).normal(size=(atoms, 3)) + 7).astype(np.float32).astype(float),
        atomic_numbers=np.full(atoms, 6, np.uint8),
        formal_charges=np.zeros(atoms, np.int8),
        bonds=np.stack([first, first + 1], 1).astype(np.uint16),
        bond_orders=np.ones(atoms - 1, np.uint8),
    )


PLAN = Plan.of(tiny.sample_options(steps=4, restarts=0))


def same(one: MoleculeArrays, other: MoleculeArrays) -> int:
    """Atoms of the first molecule that the other has at the same place, to the last bit."""
    return sum(bool((other.positions == place).all(1).any()) for place in one.positions)


@pytest.mark.parametrize("placeholder", [False, True])
def test_a_move_of_a_part_keeps_the_rest(placeholder: bool) -> None:
    molecules = [chain(12), chain(20), chain(2)]
    made = moved(sampler(placeholder=placeholder), PLAN, molecules, 2.0, 1.0, 5)
    for before, after in zip(molecules, made, strict=True):
        kept = same(before, after)
        assert 0.4 * len(before) - 1 <= kept < len(before)


def test_a_move_of_the_whole_keeps_no_atom_and_follows_from_its_seed() -> None:
    molecules = [chain(12), chain(5)]
    one, two, other = (moved(sampler(placeholder=False), PLAN, molecules, 2.0, 0.0, seed) for seed in (1, 1, 2))
    assert [same(before, after) for before, after in zip(molecules, one, strict=True)] == [0, 0]
    assert [len(after) for after in one] == [12, 5]
    np.testing.assert_array_equal(one[0].positions, two[0].positions)
    assert not np.array_equal(one[0].positions, other[0].positions)
