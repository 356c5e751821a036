from itertools import islice
from pathlib import Path

import pytest
import torch

from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import FeaturizedDataset
from moldiff.errors import UserError
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.pairs import PairIndex
from tests import tiny

MOLECULES = tiny.random_molecules(300)


@pytest.fixture(scope="module")
def featurized(tmp_path_factory: pytest.TempPathFactory) -> FeaturizedDataset:
    return tiny.dataset(tmp_path_factory.mktemp("dataset"), MOLECULES, valid=20)


@pytest.fixture(scope="module")
def loader(featurized: FeaturizedDataset) -> MoleculeLoader:
    return MoleculeLoader.of(featurized, "train", tiny.VOCABULARY)


def naive(numbers: list[int]) -> MoleculeBatch:
    """The molecules put into a batch one by one."""
    mask = tiny.mask_of(*(len(MOLECULES[number].atomic_numbers) for number in numbers))
    pos, element = torch.zeros(*mask.shape, 3), torch.zeros(mask.shape, dtype=torch.long)
    charge, bond = torch.zeros_like(element), torch.zeros(*mask.shape, mask.shape[1], dtype=torch.long)
    index = PairIndex.of(mask.shape[1], mask.device)
    for place, number in enumerate(numbers):
        molecule = MOLECULES[number]
        atoms = len(molecule.atomic_numbers)
        pos[place, :atoms] = torch.from_numpy(molecule.positions - molecule.positions.mean(0))
        for atom in range(atoms):
            element[place, atom] = tiny.VOCABULARY.elements.index(molecule.atomic_numbers[atom])
            charge[place, atom] = tiny.VOCABULARY.charges.index(molecule.formal_charges[atom])
        for (row, column), order in zip(molecule.bonds.tolist(), molecule.bond_orders.tolist(), strict=True):
            bond[place, row, column] = bond[place, column, row] = order
    return MoleculeBatch(pos, element, charge, index.pack(bond), mask)


def assert_same(one: MoleculeBatch, other: MoleculeBatch) -> None:
    for name, value in vars(one).items():
        torch.testing.assert_close(getattr(other, name), value, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("numbers", [[0], [5, 4, 3], list(range(280)), [7, 7]])
def test_gathered_molecules_are_those_put_together_one_by_one(loader: MoleculeLoader, numbers: list[int]) -> None:
    assert_same(naive(numbers), loader.gather(torch.tensor(numbers)))


def test_split_is_respected(featurized: FeaturizedDataset, loader: MoleculeLoader) -> None:
    valid = MoleculeLoader.of(featurized, "valid", tiny.VOCABULARY)
    assert (len(loader), len(valid)) == (280, 20)
    assert_same(naive([280, 299]), valid.gather(torch.tensor([0, 19])))
    assert len(MoleculeLoader.of(featurized, "test", tiny.VOCABULARY)) == 0


@pytest.mark.parametrize("batch_size", [1, 7, 32, 1000])
def test_epoch_holds_every_molecule_once(loader: MoleculeLoader, batch_size: int) -> None:
    batches = loader.batches(batch_size, seed=3, epoch=2)
    assert torch.cat(batches).sort().values.tolist() == list(range(280))
    assert all(len(batch) for batch in batches)


def test_batches_are_cut_by_pairs_and_hold_similar_sizes(loader: MoleculeLoader) -> None:
    pairs = [int((loader.sizes[batch] ** 2).sum()) for batch in loader.batches(32, seed=0, epoch=0)]
    budget = 32 * float((loader.sizes.double() ** 2).mean())
    assert max(pairs) <= budget + 81
    kept = [loader.gather(batch).mask for batch in loader.batches(32, seed=0, epoch=0)]
    assert sum(int(mask.sum()) for mask in kept) / sum(mask.numel() for mask in kept) > 0.8, "little is padding"


def test_order_follows_from_seed_and_epoch(loader: MoleculeLoader) -> None:
    def order(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in loader.batches(16, seed, epoch)]

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)


@pytest.mark.parametrize("start", [0, 1, 17, 40, 100])
def test_resumed_batches_are_those_that_would_have_come(loader: MoleculeLoader, start: int) -> None:
    undisturbed = list(islice(loader.order(16, seed=5, start=0), start + 3))[start:]
    for expected, actual in zip(undisturbed, islice(loader.order(16, seed=5, start=start), 3), strict=True):
        assert_same(loader.gather(expected), loader.gather(actual))


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [(Vocabulary((6, 7, 8), (-1, 0, 1)), r"atomic number\) 9"), (Vocabulary((6, 7, 8, 9), (0, 1)), "formal charge -1")],
)
def test_what_the_model_does_not_know_is_an_error(
    featurized: FeaturizedDataset, vocabulary: Vocabulary, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        MoleculeLoader.of(featurized, "train", vocabulary)


def test_molecules_without_bonds(tmp_path: Path) -> None:
    atoms = [molecule for molecule in MOLECULES if len(molecule.atomic_numbers) == 1]
    loader = MoleculeLoader.of(tiny.dataset(tmp_path, atoms), "train", tiny.VOCABULARY)
    batch = loader.gather(torch.arange(len(atoms)))
    assert not batch.bond.any()
    assert not batch.pos.any()
