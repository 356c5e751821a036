import json

import pytest

from moldiff.dataset import columns as made


def test_columns_of_the_input_are_bounded(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    properties = [json.dumps({"a": "1", f"own {row}": "x"}) for row in range(6)]
    assert list(made.input_columns(properties)) == ["a", *(f"own {row}" for row in range(6))]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(made, "LEAST_COLUMNS", 2)
    monkeypatch.setattr(made, "MOST_CELLS", 18)
    columns = made.input_columns(properties)
    assert {name: values.to_pylist() for name, values in columns.items()} == {
        "a": ["1"] * 6,
        "own 0": ["x", *[None] * 5],
        "own 1": [None, "x", *[None] * 4],
    }
    said = "molecules.parquet: 3 columns of the input are kept, 4 more are left out, such as 'own 2'\n"
    assert capsys.readouterr().err == said
