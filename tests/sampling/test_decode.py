import numpy as np
import pytest

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.sampling.decode import Decoder, is_finite, to_arrays
from tests import tiny


def test_arrays_hold_the_molecules_without_padding() -> None:
    batch = tiny.batch_of(4, 2, 1)
    arrays = to_arrays(batch, tiny.VOCABULARY)
    assert [len(each) for each in arrays] == [4, 2, 1]
    for number, each in enumerate(arrays):
        size = len(each)
        np.testing.assert_array_equal(each.positions, batch.pos[number, :size].numpy())
        assert each.atomic_numbers.tolist() == [tiny.VOCABULARY.elements[i] for i in batch.element[number, :size]]
        assert each.formal_charges.tolist() == [tiny.VOCABULARY.charges[i] for i in batch.charge[number, :size]]
        rebuilt = np.zeros((size, size), int)
        for (row, column), order in zip(each.bonds.tolist(), each.bond_orders.tolist(), strict=True):
            assert row < column
            rebuilt[row, column] = rebuilt[column, row] = order
        np.testing.assert_array_equal(rebuilt, batch.bond_matrix[number, :size, :size].numpy())
        pairs = each.bonds.tolist()
        assert pairs == sorted(pairs)


@pytest.mark.parametrize(("hydrogens", "strict"), [("implicit", True), ("explicit", False)])
def test_missing_hydrogen_breaks_a_molecule_only_where_the_model_makes_them(hydrogens: str, strict: bool) -> None:
    carbon = MoleculeArrays(np.zeros((1, 3)), np.array([6]), np.array([0]), np.zeros((0, 2)), np.zeros(0))
    decoder = Decoder(tiny.VOCABULARY, hydrogens)
    assert decoder.strict(carbon) is strict
    assert all(atom.GetNoImplicit() is not strict for atom in decoder.rdkit(carbon).GetAtoms())


def test_molecule_that_is_no_number_is_not_strict() -> None:
    carbon = MoleculeArrays(np.full((1, 3), np.nan), np.array([6]), np.array([0]), np.zeros((0, 2)), np.zeros(0))
    assert not is_finite(carbon)
    assert not Decoder(tiny.VOCABULARY, "implicit").strict(carbon)
