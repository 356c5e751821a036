"""Files made after public reports, which were read rightly from the beginning: they stay so."""

import json
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem

from moldiff.chemistry import conformers
from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.parsing import Rejected, has_coordinates, parse_record
from moldiff.chemistry.preparation import prepare
from moldiff.config.featurize import FeaturizeOptions
from moldiff.dataset.columns import input_columns
from tests.chemistry.test_cases import CASES, key, made, read


def reason(record: Record) -> str:
    """Why a record gives no sanitized molecule."""
    try:
        Chem.SanitizeMol(parse_record(record))
    except (Rejected, ValueError) as problem:
        return str(problem)
    raise AssertionError(f"{record.text!r} is a molecule")


def test_a_v3000_line_that_is_continued():
    (record,) = read(CASES / "v3k_continued.sdf")
    assert key(record) == "CC(F)Cl"


def test_no_blank_line_before_the_end_of_a_record():
    records = read(CASES / "no_blank_before_dollars.sdf")
    assert [record.properties for record in records] == [{"a": "1"}, {"a": "3"}, {"a": "5"}]
    assert [key(record) for record in records] == ["CCO", "Oc1ccccc1", "CC(N)=O"]


def test_an_item_without_a_name_costs_no_other():
    (record,) = read(CASES / "empty_prop_name.sdf")
    assert record.properties == {"": "1", "b": "2"}
    assert key(record) == "CCO"


def test_line_ends_of_windows():
    records = read(CASES / "crlf.sdf")
    assert [(key(record), record.properties) for record in records] == [("CCO", {"a": "1"}), ("Oc1ccccc1", {"a": "2"})]


def test_a_record_without_an_end_of_its_block_is_named_and_the_next_is_read():
    first, second = read(CASES / "no_mend.sdf")
    assert reason(first) == "unreadable: no M  END line"
    assert key(second) == "Oc1ccccc1"


def test_headers_of_two_or_three_dimensions_against_what_the_coordinates_are():
    records = read(CASES / "dims.sdf")
    posed = [has_coordinates(parse_record(record)) for record in records]
    assert posed == [True, True, True, True, False, False, False, True]


def test_a_table_with_an_index_and_a_frame_with_extended_columns():
    assert [(r.text, r.name) for r in read(CASES / "pandas_smi.smi")] == [("CCO", "a"), ("CCN", "b")]
    (record,) = read(CASES / "ase_ext.xyz")
    assert (key(record), record.name) == ("C", "my methane")


def test_smiles_with_extensions_whose_commas_are_not_quoted():
    first, second, third = read(CASES / "cxsmiles_unquoted.csv")
    assert str(first.problem).startswith("wrong number of fields")
    assert [key(second), key(third)] == ["CCO", "CC(N)C(=O)O"]


def test_names_of_several_lines_and_in_other_scripts():
    assert [(r.name, r.properties["note"]) for r in read(CASES / "names.csv")] == [
        ("2,3-dimethyl, (±)-x", "日本語"),
        ("α-amine", "line1\nline2"),
    ]


def test_what_a_spreadsheet_made_of_smiles_is_refused_row_by_row():
    records = read(CASES / "mangled.csv")
    good = {"MAR1": "CCO", "9": "CCN", "10": "CCC"}
    assert [record.name for record in records] == ["MAR1", *map(str, range(2, 11))]
    assert {record.name: key(record) for record in records if record.name in good} == good
    assert all(reason(record) for record in records if record.name not in good)


def test_broken_smiles_are_refused_with_a_reason():
    records = read(CASES / "bad.smi")
    assert [key(record) for record in records[:1]] == ["c1ccccc1"]
    reasons = {record.name: reason(record) for record in records[1:]}
    for name, words in {
        "ring_open": "unclosed ring",
        "paren": "extra open parentheses",
        "valence": "valence",
        "unknown": "syntax error",
        "aromatic_odd": "non-ring atom 4 marked aromatic",
        "n4": "valence",
    }.items():
        assert words in reasons[name], reasons


def test_items_that_come_twice_have_long_values_or_odd_names(tmp_path: Path):
    block = (CASES / "empty_prop_name.sdf").read_text().partition(">  <>")[0]
    names = ["a", "a", "smiles", "id", "record", "input_id", "big", "multi", "unié", "A", "", "a b,c"]
    values = ["1", "2", "WRONG", "X", "99", "Y", "x" * 2_000_000, "l1\nl2\nl3", "日本", "3", "4", "5"]
    items = "".join(f"> <{name}>\n{value}\n\n" for name, value in zip(names, values, strict=True))
    (record,) = made(tmp_path / "props.sdf", f"{block}{items}$$$$\n")
    found = record.properties
    assert {value for name, value in found.items() if name not in ("a", "a_2")} == set(values[2:])
    assert found["a"] in ("1", "2")
    assert key(record) == "CCO"
    columns = input_columns([json.dumps(found)])
    assert {"input_smiles", "input_id", "input_record"} <= set(columns)
    assert sorted(column[0].as_py() for column in columns.values()) == sorted(found.values())


@pytest.mark.parametrize(
    ("found", "seconds", "attempts", "words"),
    [
        ([-1], 0.0, [False, True], "no conformer: ETKDGv3 finds none"),
        ([], 0.0, [False, True], "no conformer: ETKDGv3 finds none"),
        ([-1], 5.0, [False], "timeout: no conformer in 3 s"),
    ],
)
def test_an_embedding_that_runs_out_of_time_says_so(
    monkeypatch: pytest.MonkeyPatch, found: list[int], seconds: float, attempts: list[bool], words: str
):
    tried: list[bool] = []
    now = [0.0]

    def embed(mol: Chem.Mol, count: int, parameters: Any) -> list[int]:  # RDKit's is C++, and as slow as it likes
        tried.append(parameters.useRandomCoords)
        now[0] += seconds
        return found

    monkeypatch.setattr(conformers.rdDistGeom, "EmbedMultipleConfs", embed)
    monkeypatch.setattr(conformers.time, "monotonic", lambda: now[0])
    options = FeaturizeOptions(conformer_timeout=3.0, max_atoms=400, elements=["H", "C", "N", "O", "Fe"])
    c60, heme, _ = read(CASES / "timeout_dev.smi")
    for record in (c60, heme):
        tried.clear()
        with pytest.raises(Rejected, match=words):
            prepare(record, options)
        assert tried == attempts


def test_a_molecule_after_those_is_kept():
    assert prepare(read(CASES / "timeout_dev.smi")[2], FeaturizeOptions(minimize=False))[0].smiles == "CCO"
