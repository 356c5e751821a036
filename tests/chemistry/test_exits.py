"""Where bonds leave a part, and where atoms are expected beyond them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.chemistry.exits import DEVIATION, DISTANCE, MOST, SPREAD, Exit, expected_positions
from moldiff.chemistry.fragments import Fragment, fragment_of, fragments_of_smiles, without_atoms
from moldiff.chemistry.joining import joined
from tests.chemistry.test_fragments import posed


def cosine(left: np.ndarray, right: np.ndarray) -> float:
    return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right)))


def directions(fragment: Fragment) -> list[np.ndarray]:
    for leaving in fragment.exits:
        assert np.linalg.norm(leaving.direction) == pytest.approx(1)
    return [leaving.direction for leaving in fragment.exits]


def moved(fragment: Fragment, way: float) -> Fragment:
    return replace(fragment, arrays=replace(fragment.arrays, positions=fragment.arrays.positions + way))


def test_a_mark_shows_where_its_bond_leaves() -> None:
    (fragment,) = fragments_of_smiles("c1ccccc1[*:1]", hydrogens="implicit", conformers=1, seed=0)
    assert fragment.marked
    (leaving,) = fragment.exits
    assert fragment.open[leaving.atom]
    ring = fragment.arrays.positions
    assert cosine(leaving.direction, ring[leaving.atom] - ring.mean(0)) > 0.99


def test_an_atom_with_two_marks_has_two_exits() -> None:
    (fragment,) = fragments_of_smiles("C1CCCCC1([*:1])[*:2]", hydrogens="implicit", conformers=1, seed=0)
    assert [leaving.atom for leaving in fragment.exits] == [5, 5]
    first, second = directions(fragment)
    assert cosine(first, second) == pytest.approx(np.cos(np.deg2rad(109)), abs=0.1)


def test_without_marks_bonds_leave_away_from_the_neighbours() -> None:
    fragment = fragment_of(posed("c1ccccc1"), "benzene", hydrogens="implicit")
    assert not fragment.marked
    assert len(fragment.exits) == 6
    ring = fragment.arrays.positions
    for leaving in fragment.exits:
        assert cosine(leaving.direction, ring[leaving.atom] - ring.mean(0)) > 0.99


def test_bonds_lead_to_what_is_replaced() -> None:
    mol = posed("c1ccccc1CCN")
    fragment = without_atoms(mol, [6, 7, 8], "phenethylamine", hydrogens="implicit")
    assert fragment.marked
    (leaving,) = fragment.exits
    place = mol.GetConformer().GetPositions()
    np.testing.assert_allclose(leaving.direction * np.linalg.norm(place[6] - place[5]), place[6] - place[5])


def test_a_lone_atom_does_not_say_where() -> None:
    fragment = fragment_of(posed("N"), "ammonia", hydrogens="implicit")
    np.testing.assert_array_equal(fragment.exits[0].direction, 0)


def test_joined_parts_keep_their_exits() -> None:
    (ring,) = fragments_of_smiles("c1ccccc1[*:1]", hydrogens="implicit", conformers=1, seed=0)
    both = joined([ring, moved(ring, 9)])
    assert [leaving.atom for leaving in both.exits] == [5, 11]
    assert both.marked
    methane = fragment_of(posed("C"), "methane", hydrogens="implicit")
    assert not joined([ring, moved(methane, 20)]).marked


@given(atoms=st.integers(1, 30), exits=st.integers(1, 6), every=st.booleans(), seed=st.integers(0, 9999))
@settings(deadline=None)
def test_every_atom_is_beyond_an_exit_that_is_used(atoms: int, exits: int, every: bool, seed: int) -> None:
    apart = np.arange(exits)[:, None] * np.array([1000.0, 0, 0])
    leaving = tuple(Exit(number, np.array([0.0, 0, 1])) for number in range(exits))
    made = expected_positions(apart, leaving, atoms, np.random.default_rng(seed), every=every)
    assert made.shape == (atoms, 3)
    used = len(np.unique(np.round(made[:, 0] / 1000)))
    assert used == min(atoms, exits) if every else 1 <= used <= min(atoms, exits, MOST)


@pytest.mark.parametrize("atoms", [1, 8, 20])
def test_atoms_are_around_a_centre_beyond_their_exit(atoms: int) -> None:
    random = np.random.default_rng(0)
    positions, way = np.array([[3.0, -2, 1]]), np.array([0.0, 0.6, 0.8])
    made = np.stack([expected_positions(positions, (Exit(0, way),), atoms, random, every=True) for _ in range(4000)])
    far, varies, spread = (factor * atoms**power for factor, power in (DISTANCE, DEVIATION, SPREAD))
    centres = made.mean(1)
    np.testing.assert_allclose(centres.mean(0), positions[0] + far * way, atol=5 * varies / 4000**0.5 + 0.02)
    np.testing.assert_allclose(centres.std(0), (varies**2 + spread**2 / atoms) ** 0.5, rtol=0.06)
    if atoms > 1:
        np.testing.assert_allclose(
            (made - centres[:, None]).std((0, 1), ddof=0), spread * (1 - 1 / atoms) ** 0.5, rtol=0.05
        )
