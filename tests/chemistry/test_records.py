import gzip
import io
import sys
from types import SimpleNamespace

import pytest
from rdkit import Chem

from moldiff.chemistry.formats.records import LONGEST_NAME, expand_inputs, read_records
from moldiff.errors import UserError

METHANE = "methane\n  made by hand     3D\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n" + (
    "    0.0000    0.0000    0.0000 C   0  0  0  0  0  0  0  0  0  0  0  0\nM  END\n"
)
SDF = METHANE + "> <energy>\n-1.5\n\n>  <note>  (7)\ntwo\nlines\n\n$$$$\n" + "broken\n$$$$\n" + METHANE + "$$$$\n"


def write(path, content):
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read(path, **options):
    return list(read_records([path], **options))


@pytest.mark.parametrize("name", ["a.sdf", "a.sdf.gz", "a.SDF", "a.unknown"])
def test_sdf_is_cut_by_text(tmp_path, name):
    records = read(write(tmp_path / name, SDF))
    assert [(record.index, record.kind, record.name) for record in records] == [
        (1, "sdf", "methane"),
        (2, "sdf", "broken"),
        (3, "sdf", "methane"),
    ]
    assert records[0].properties == {"energy": "-1.5", "note": "two\nlines"}
    assert all(record.problem is None for record in records)


def test_windows_line_ends_and_a_missing_last_delimiter(tmp_path):
    unix = read(write(tmp_path / "a.sdf", SDF))
    windows = read(write(tmp_path / "b.sdf", SDF.removesuffix("$$$$\n").replace("\n", "\r\n")))
    assert [(record.text, record.properties) for record in windows] == [(r.text, r.properties) for r in unix]


def test_non_utf8_bytes_and_very_long_titles_are_kept(tmp_path):
    long = METHANE.replace("methane", "x" * 1_000_000)
    records = read(
        write(tmp_path / "a.sdf", METHANE.encode().replace(b"methane", b"m\xe9thane") + b"$$$$\n" + long.encode())
    )
    assert records[0].name == "méthane"
    assert records[1].name == "x" * LONGEST_NAME
    assert Chem.MolFromMolBlock(records[1].text).GetNumAtoms() == 1


def test_data_item_without_value_does_not_swallow_the_next(tmp_path):
    record = read(write(tmp_path / "a.sdf", METHANE + "> <a>\n> <b>\n1\n\n> <c>\n\n$$$$\n"))[0]
    assert record.properties == {"a": "", "b": "1", "c": ""}


@pytest.mark.parametrize("name", ["a.sdf.gz", "a.smi.gz", "a.csv.gz", "a.xyz.gz"])
def test_truncated_gzip_gives_what_came_before_and_says_so(tmp_path, name):
    lines = {
        "a.sdf.gz": SDF,
        "a.smi.gz": "CCO ethanol\n",
        "a.csv.gz": "smiles,id\nCCO,ethanol\n",
        "a.xyz.gz": "1\nargon\nAr 0 0 0\n",
    }[name]
    noise = "".join(f"# {(n * 7919) % 100003}\n" for n in range(3000)) if name == "a.smi.gz" else ""
    text = (lines + noise) * 500 if name != "a.csv.gz" else lines + "CCO,ethanol\n" * 500
    data = gzip.compress(text.encode())
    path = tmp_path / name
    path.write_bytes(data[: len(data) * 9 // 10])
    *good, last = read(path)
    assert last.problem.startswith("truncated gzip")
    assert all(record.problem is None for record in good)


def test_damaged_and_false_gzip(tmp_path):
    path = tmp_path / "a.sdf.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00" + b"rubbish" * 10)
    (record,) = read(path)
    assert record.problem.startswith("damaged gzip")
    path.write_bytes(SDF.encode())
    with pytest.raises(UserError, match="is not a gzip file"):
        read(path)


def test_gzip_of_several_members(tmp_path):
    path = tmp_path / "a.smi.gz"
    path.write_bytes(gzip.compress(b"C one\n") + gzip.compress(b"CC two\n"))
    assert [record.name for record in read(path)] == ["one", "two"]


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)], ids=["plain", "gzip"])
def test_empty_file_is_an_error(tmp_path, content):
    path = tmp_path / "a.sdf"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.sdf"):
        read(path)


def test_missing_files_folders_and_globs(tmp_path):
    for name in ("b.smi", "a.smi"):
        write(tmp_path / name, "C\n")
    assert [path.name for path in expand_inputs([f"{tmp_path}/*.smi", f"{tmp_path}/a.smi"])] == ["a.smi", "b.smi"]
    with pytest.raises(UserError, match=r"nothing\.sdf: no such file"):
        expand_inputs([f"{tmp_path}/nothing.sdf"])
    with pytest.raises(UserError, match="is a folder"):
        expand_inputs([str(tmp_path)])
    with pytest.raises(UserError, match="no input named"):
        expand_inputs([])


def test_smiles_with_names_comments_and_extensions(tmp_path):
    records = read(
        write(tmp_path / "a.smi", "\ufeff# comment\nCCO ethyl alcohol\n\nC[C@H](N)O |o1:1| chiral\r\n[Na+].[Cl-]\n")
    )
    assert [(record.text, record.name) for record in records] == [
        ("CCO", "ethyl alcohol"),
        ("C[C@H](N)O |o1:1|", "chiral"),
        ("[Na+].[Cl-]", ""),
    ]


@pytest.mark.parametrize(
    ("name", "mark"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t"), ("a.txt", "\t"), ("a.smi", "\t")]
)
def test_tables_keep_every_column(tmp_path, name, mark):
    rows = [["SMILES", "ID", "value", "value"], ["CCO", "m1", "1", "2"], ["", "m2", "3", "4"], ["C", "m3"]]
    records = read(write(tmp_path / name, "\n".join(mark.join(row) for row in rows)))
    assert [(record.text, record.name, record.problem) for record in records] == [
        ("CCO", "m1", None),
        ("", "m2", "no SMILES in the row"),
        ("C", "m3", None),
    ]
    assert records[0].properties == {"SMILES": "CCO", "ID": "m1", "value": "1", "value_2": "2"}


def test_table_with_quotes_and_too_many_fields(tmp_path):
    text = 'name,structure\n"a ""b""\nc",CC\nd,C,e\n'
    records = read(write(tmp_path / "a.csv", text), smiles_column="structure")
    assert (records[0].name, records[0].text, records[0].problem) == ('a "b"\nc', "CC", None)
    assert records[1].problem.startswith("wrong number of fields")


def test_table_without_the_wanted_column(tmp_path):
    path = write(tmp_path / "a.csv", "structure,x\nC,1\n")
    with pytest.raises(UserError, match="its columns are structure, x"):
        read(path)
    with pytest.raises(UserError, match="no column key for id_column"):
        read(path, smiles_column="structure", id_column="key")


def test_xyz_frames_and_their_mistakes(tmp_path):
    first = "2\ncharge=-1 name='hydroxide ion' e=3\nO 0 0 0\nH 0 0 0.97\n\n"
    text = first + "3\nwater\nO 0 0 0\nH 0 0 1\n" + "1\n\nAr 0 0 0\nAr 1 1 1\n"
    records = read(write(tmp_path / "a.xyz", text))
    assert [record.problem for record in records] == [
        None,
        "wrong atom count: 3 announced, 2 lines follow",
        "wrong atom count: 1 announced, 2 lines follow",
    ]
    assert records[0].name == "hydroxide ion"
    assert records[0].properties == {"charge": "-1", "name": "hydroxide ion", "e": "3"}
    assert read(write(tmp_path / "b.xyz", "water\nO 0 0 0\n"))[0].problem.startswith("wrong atom count line")


def test_id_column_names_the_record(tmp_path):
    assert read(write(tmp_path / "a.sdf", SDF), id_column="energy")[0].name == "-1.5"


def test_standard_input_is_told_by_its_content(monkeypatch):
    for content, kind in (
        (SDF, "sdf"),
        ("1\n\nC 0 0 0\n", "xyz"),
        ("CCO ethanol\n", "smiles"),
        ("a,smiles\n1,C\n", "smiles"),
    ):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content.encode())))
        records = read("-")
        assert {record.kind for record in records} == {kind}
        assert records[0].source == "-"


def test_torch_geometric_raw_files(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    write(raw / "gdb9.sdf", (METHANE + "$$$$\n") * 3)
    write(raw / "gdb9.sdf.csv", "mol_id,mu\ngdb_1,0.5\ngdb_2,1.5\ngdb_3,2.5\n")
    write(raw / "uncharacterized.txt", "3054 molecules\nIndex  SMILES\n     2   CC  C\n")
    records = list(read_records([f"pyg-qm9:{tmp_path}"]))
    assert [record.properties["mu"] for record in records] == ["0.5", "1.5", "2.5"]
    assert [record.problem is None for record in records] == [True, False, True]
    with pytest.raises(UserError, match=r"gdb9\.sdf: no such file"):
        list(read_records([f"pyg-qm9:{tmp_path / 'elsewhere'}"]))
