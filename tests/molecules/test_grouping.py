"""Atoms in connected groups: what a group is, that the order of the atoms does not matter, what is in the slots."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.grouping import arranged, grouped, nodes, with_empty
from tests import tiny
from tests.symmetry import assert_close, changes

VOCABULARY = Vocabulary((6, 7, 8, 9), (-1, 0, 1), placeholder=True)


def molecule(bonds: list[tuple[int, int]], *pos: tuple[float, float, float]) -> MoleculeBatch:
    """A molecule with these bonds and positions."""
    blank = MoleculeBatch.blank(torch.ones(1, len(pos), dtype=torch.bool), torch.float64)
    bond = blank.bond.clone()
    for row, column in bonds:
        bond[0, column * (column - 1) // 2 + row] = 1
    return blank.replace(pos=torch.tensor([pos], dtype=torch.float64), bond=bond)


def connected(atoms: list[int], bond: torch.Tensor) -> bool:
    seen, pending = {atoms[0]}, [atoms[0]]
    while pending:
        near = {other for other in atoms if bond[pending[-1], other] > 0} - seen
        pending.pop()
        seen |= near
        pending += near
    return seen == set(atoms)


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4), group=st.integers(1, 5), seed=st.integers(0, 99))
def test_groups_are_connected_and_full_as_far_as_they_can_be(sizes: list[int], group: int, seed: int) -> None:
    batch = tiny.batch_of(*sizes, seed=seed)
    slot = grouped(batch, group)
    assert torch.equal(slot >= 0, batch.mask)
    for number, size in enumerate(sizes):
        own, bond = slot[number, :size].tolist(), batch.bond_matrix[number]
        assert len(set(own)) == size
        held = [[atom for atom in range(size) if own[atom] // group == node] for node in range(size)]
        assert int(nodes(slot, group)[number]) == sum(map(bool, held))
        for node, atoms in enumerate(one for one in held if one):
            assert sorted(own[atom] - node * group for atom in atoms) == list(range(len(atoms)))
            assert connected(atoms, bond)
        for earlier, atoms in enumerate(held):
            later = {atom for one in held[earlier + 1 :] for atom in one}
            if len(atoms) < group:
                assert not any(bond[atom, other] > 0 for atom in atoms for other in later)


@pytest.mark.parametrize("group", [2, 3, 4])
def test_groups_do_not_depend_on_the_order_or_the_pose(group: int) -> None:
    batch = tiny.batch_of(9, 6, 1)
    slot = grouped(batch, group)
    for change in changes(batch.mask):
        other = grouped(change.batch(batch), group)
        assert torch.equal(other.clamp_min(0), change.atoms(slot.clamp_min(0))), change.name


def test_groups_of_known_molecules() -> None:
    chain = molecule([(0, 1), (1, 2), (2, 3)], (0, 0, 0), (1.5, 0, 0), (3.0, 0, 0), (4.6, 0, 0))
    assert grouped(chain, 1).tolist() == [[1, 2, 3, 0]]
    assert grouped(chain, 2).tolist() == [[2, 3, 1, 0]], "from both ends, so that no atom is left alone"
    assert grouped(chain, 3).tolist() == [[3, 2, 1, 0]]
    assert grouped(chain, 4).tolist() == [[3, 2, 1, 0]]
    corners = [(1.0, 1.1, 1.2), (1.1, -1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0)]
    star = molecule([(0, 1), (0, 2), (0, 3), (0, 4)], (0, 0, 0), *corners)
    assert [int(nodes(grouped(star, group), group)) for group in (1, 2, 3, 4, 5)] == [5, 4, 3, 2, 1]
    loose = molecule([(0, 1)], (0, 0, 0), (1.5, 0, 0), (9, 0, 0))
    assert grouped(loose, 3).tolist() == [[3, 4, 0]]


@pytest.mark.parametrize("group", [1, 2, 3])
def test_slots_hold_the_molecule_and_placeholders(group: int) -> None:
    batch = tiny.batch_of(7, 4, 1)
    slot = grouped(batch, group)
    made = arranged(batch, slot, group, VOCABULARY)
    used = made.mask & (made.element < len(VOCABULARY.elements))
    assert torch.equal(made.sizes, group * nodes(slot, group))
    assert torch.equal(used.sum(1), batch.sizes)
    for number, size in enumerate(batch.sizes.tolist()):
        at = slot[number, :size]
        for name in ("element", "charge"):
            assert torch.equal(getattr(made, name)[number, at], getattr(batch, name)[number, :size])
        bonds = made.bond_matrix[number]
        assert torch.equal(bonds[at][:, at], batch.bond_matrix[number, :size, :size])
        assert bonds.sum() == batch.bond_matrix[number].sum()
        pos, own = made.pos[number, at], batch.pos[number, :size]
        assert_close("positions", pos - pos.mean(0), own - own.mean(0))
    empty = made.mask & ~used
    assert (made.charge[empty] == VOCABULARY.neutral).all()
    mean = with_empty(made.pos, used, group)
    assert_close("empty slots", made.pos, mean * made.mask[:, :, None])
    assert made.pos.sum(1).abs().max() < 1e-9


def test_slots_need_a_placeholder() -> None:
    batch = tiny.batch_of(3)
    with pytest.raises(ValueError, match="no placeholder"):
        arranged(batch, grouped(batch, 2), 2, tiny.VOCABULARY)
