from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from moldiff.molecules.batch import MoleculeBatch, Vocabulary, centred
from tests import tiny


def assert_same(one: MoleculeBatch, other: MoleculeBatch) -> None:
    for name, value in vars(one).items():
        torch.testing.assert_close(getattr(other, name), value, msg=lambda message, name=name: f"{name}: {message}")


def test_vocabulary_counts_its_classes() -> None:
    assert tiny.VOCABULARY.sizes == {"element": 4, "charge": 3, "bond": 4}


@pytest.mark.parametrize(
    ("elements", "charges"), [((7, 6), (0,)), ((6, 6), (0,)), ((), (0,)), ((6,), ()), ((6,), (1, 0))]
)
def test_vocabulary_is_distinct_and_ascending(elements: tuple[int, ...], charges: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="distinct and ascending"):
        Vocabulary(elements, charges)


def test_centred_removes_the_mean_of_real_atoms() -> None:
    mask = tiny.mask_of(4, 1)
    pos = torch.randn(2, 4, 3, generator=tiny.seeded(), dtype=torch.float64) + 5
    result = centred(pos, mask)
    assert result.sum(1).abs().max() < 1e-12
    assert not result[~mask].any()
    torch.testing.assert_close(result[0], pos[0] - pos[0].mean(0))


@pytest.mark.parametrize("asked", [0, 4], ids=["nothing asked", "hands asked"])
def test_molecules_that_are_taken_out_and_put_back_are_the_same(asked: int) -> None:
    hands = torch.arange(4 * asked * 4).view(4, asked, 4)
    batch, places = tiny.batch_of(4, 2, 3, 1).replace(handedness=hands), torch.tensor([3, 0])
    chosen = batch.select(places)
    assert chosen.sizes.tolist() == [1, 4]
    assert_same(batch.put(places, chosen), batch)
    others = tiny.batch_of(4, 4, seed=1).replace(handedness=hands[:2] + 1)
    mixed = batch.put(places, others)
    assert_same(mixed.select(places), others)
    assert_same(mixed.select(torch.tensor([1, 2])), batch.select(torch.tensor([1, 2])))


def test_pair_mask_holds_two_different_real_atoms() -> None:
    batch = tiny.batch_of(4, 2, 1)
    assert batch.pair_mask.sum(1).tolist() == [6, 1, 0]
    index, matrix = batch.pairs, batch.pairs.matrix(batch.pair_mask)
    assert torch.equal(batch.pair_mask, batch.mask[:, index.row] & batch.mask[:, index.column])
    assert torch.equal(matrix, matrix.transpose(1, 2))
    assert not matrix.diagonal(dim1=1, dim2=2).any()
    assert batch.sizes.tolist() == [4, 2, 1]


def test_places_are_atoms_or_pairs() -> None:
    batch = tiny.batch_of(4, 2)
    assert batch.places("bond").shape == batch.bond.shape
    assert all(batch.places(name) is batch.mask for name in ("pos", "element", "charge"))


def test_padding_appends_pairs_and_moves_none() -> None:
    small, large = tiny.batch_of(4, 2), tiny.batch_of(7, 4, 2)
    assert torch.equal(small.pairs.row, large.pairs.row[:6])
    assert torch.equal(small.pairs.column, large.pairs.column[:6])
    assert large.pair_mask[1].tolist() == [True] * 6 + [False] * 15


def test_blank_molecules_have_a_size_and_nothing_else() -> None:
    blank = MoleculeBatch.blank(tiny.mask_of(4, 1), torch.float64)
    assert (len(blank), blank.sizes.tolist(), blank.bond.shape) == (2, [4, 1], (2, 6))
    assert blank.pos.dtype == torch.float64
    assert not any(values.any() for name, values in vars(blank).items() if name != "mask")


def test_replace_changes_a_copy() -> None:
    batch = tiny.batch_of(4, 2)
    before = batch.pos.clone()
    changed = batch.replace(pos=batch.pos * 2)
    assert torch.equal(batch.pos, before)
    assert changed.bond is batch.bond
    with pytest.raises(AttributeError):
        batch.pos = changed.pos


def test_copies_between_devices_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy from a GPU that is not waited for is read before it has arrived: its classes are any numbers."""
    real, asked = torch.Tensor.to, []

    def noting(tensor: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
        asked.append(options)
        return real(tensor, *args, **options)

    batch = tiny.batch_of(4, 2)
    levels = tiny.at(batch, 1.0, 0.5)
    monkeypatch.setattr(torch.Tensor, "to", noting)
    batch.to("cpu", torch.float32)
    levels.to("cpu", torch.float32)
    assert len(asked) >= 11
    assert not any(options.get("non_blocking") for options in asked)


def test_to_changes_the_precision_of_positions_only() -> None:
    moved = tiny.batch_of(4, 2).to("cpu", torch.float32)
    assert moved.pos.dtype == torch.float32
    assert moved.bond.dtype == torch.long
    assert moved.mask.dtype == torch.bool


def test_a_shape_that_does_not_fit_is_refused() -> None:
    batch = tiny.batch_of(4, 2)
    with pytest.raises(Exception, match=r"element|atom"):
        batch.replace(element=batch.element[:, :2])


def test_there_and_back_through_geometric() -> None:
    batch = tiny.batch_of(5, 3, 1)
    geometric = batch.to_geometric(tiny.VOCABULARY)
    assert geometric.num_nodes == 9
    assert geometric.edge_index.shape[1] == 2 * int((batch.bond > 0).sum()), "each bond once a direction"
    assert set(geometric.z.tolist()) <= set(tiny.VOCABULARY.elements)
    assert_same(batch, MoleculeBatch.from_geometric(geometric, tiny.VOCABULARY))


def test_one_molecule_of_geometric_is_centred() -> None:
    data = Data(
        pos=torch.tensor([[1.0, 1, 1], [3.0, 1, 1]]),
        z=torch.tensor([8, 6]),
        charge=torch.tensor([0, 0]),
        edge_index=torch.tensor([[0, 1], [1, 0]]),
        edge_attr=torch.tensor([2, 2]),
    )
    batch = MoleculeBatch.from_geometric(data, tiny.VOCABULARY)
    assert batch.pos[0, :, 0].tolist() == [-1, 1]
    assert batch.element.tolist() == [[2, 0]]
    assert batch.bond.tolist() == [[2]]
    assert batch.bond_matrix.tolist() == [[[0, 2], [2, 0]]]


@pytest.mark.parametrize(("field", "value", "message"), [("z", 17, "element 17"), ("charge", 2, "charge 2")])
def test_what_the_vocabulary_lacks_is_named(field: str, value: int, message: str) -> None:
    geometric = tiny.batch_of(3).to_geometric(tiny.VOCABULARY)
    geometric[field][1] = value
    with pytest.raises(ValueError, match=message):
        MoleculeBatch.from_geometric(geometric, tiny.VOCABULARY)
