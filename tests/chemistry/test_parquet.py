from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moldiff.chemistry.formats.records import read_records
from moldiff.errors import UserError


def test_rows_are_records(tmp_path: Path):
    path = tmp_path / "some.parquet"
    pq.write_table(pa.table({"id": ["a", None, "c"], "SMILES": ["CCO", "C", None], "potency": [1.5, None, 3.0]}), path)
    records = list(read_records([path]))
    assert [record.text for record in records] == ["CCO", "C", ""]
    assert [record.name for record in records] == ["a", "", "c"]
    assert records[0].properties["potency"] == "1.5"
    assert records[2].problem == "no SMILES in the row"
    assert [record.index for record in records] == [1, 2, 3]


def test_mistakes_are_explained(tmp_path: Path):
    path = tmp_path / "some.parquet"
    pq.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(UserError, match="no column smiles"):
        list(read_records([path]))
    path.write_bytes(b"no parquet")
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        list(read_records([path]))
