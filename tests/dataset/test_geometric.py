from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch_geometric.loader import DataLoader

from moldiff.dataset.storage import TABLE_FILE, FeaturizedDataset
from moldiff.errors import UserError
from moldiff.molecules.batch import MoleculeBatch
from tests import tiny


@pytest.fixture
def made(tmp_path: Path) -> FeaturizedDataset:
    return tiny.dataset(tmp_path / "set", tiny.random_molecules(7, seed=3), valid=2)


def test_every_molecule_is_what_the_arrays_say(made: FeaturizedDataset):
    data = made.to_geometric()
    assert len(data) == 7
    for number, one in enumerate(data):
        alone = made.molecules.take(np.array([number]))
        assert one.num_nodes == len(alone.atomic_numbers)
        assert torch.equal(one.pos, torch.from_numpy(alone.positions))
        assert one.z.tolist() == alone.atomic_numbers.tolist()
        assert one.charge.tolist() == alone.formal_charges.tolist()
        orders = {
            tuple(pair): order for pair, order in zip(one.edge_index.T.tolist(), one.edge_attr.tolist(), strict=True)
        }
        expected = dict(zip(map(tuple, alone.bonds.tolist()), alone.bond_orders.tolist(), strict=True))
        assert orders == expected | {(j, i): order for (i, j), order in expected.items()}
        assert one.smiles == "C" * one.num_nodes


def test_a_split_in_batches_of_a_loader_is_read_back(made: FeaturizedDataset):
    valid = made.to_geometric("valid")
    assert len(valid) == 2
    assert len(made.to_geometric("train")) == 5
    (batch,) = DataLoader(valid, batch_size=2)
    back = MoleculeBatch.from_geometric(batch, tiny.VOCABULARY)
    assert back.sizes.tolist() == made.molecules.sizes[-2:].tolist()
    elements = torch.tensor(tiny.VOCABULARY.elements)[back.element[back.mask]]
    assert elements.tolist() == made.molecules.atomic_numbers[made.molecules.atom_offsets[5] :].tolist()


def test_columns_become_targets(made: FeaturizedDataset):
    path = made.folder / TABLE_FILE
    table = pq.read_table(path)
    table = table.append_column("gap", pa.array(["1.5", None, "", "-2e3", "0", "1", "2"]))
    pq.write_table(table.append_column("word", pa.array(["x"] * 7)), path)
    data = made.to_geometric(targets=["gap"])
    values = torch.cat([one.y for one in data])
    nan = float("nan")
    torch.testing.assert_close(values, torch.tensor([[1.5], [nan], [nan], [-2e3], [0], [1], [2]]), equal_nan=True)
    with pytest.raises(UserError, match="has no column logp"):
        made.to_geometric(targets=["logp"])
    with pytest.raises(UserError, match="column word holds what is no number"):
        made.to_geometric(targets=["word"])
