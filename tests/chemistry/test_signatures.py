"""Line ends, encodings and formats: what a file is, whatever its name says."""

import gzip
import zipfile

import pytest

from moldiff.errors import UserError
from tests.chemistry.test_cases import ATOM, CASES, COUNTS, key, made, read

# Line ends and encodings


@pytest.mark.parametrize("end", ["\r", "\r\n", "\r\r\n", "\n"])
@pytest.mark.parametrize("name", ["a.smi", "a.csv", "a.sdf", "a.xyz", "a.sdf.gz"])
def test_any_line_end(tmp_path, name, end):
    sdf = (CASES / "cr_only.sdf").read_bytes().replace(b"\r", b"\n").decode()
    xyz = (CASES / "traj_blank_between.xyz").read_text()
    text = {"smi": "CCO a\nCCN b\nCCC c\n", "csv": "smiles,name\nCCO,a\nCCN,b\nCCC,c\n", "sdf": sdf, "xyz": xyz}
    content = text[name.split(".")[1]].replace("\n", end).encode()
    records = made(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)
    expected = {"sdf": ["CCO", "Oc1ccccc1"], "xyz": ["C"] * 3}.get(name.split(".")[1], ["CCO", "CCN", "CCC"])
    assert [key(record) for record in records] == expected
    assert not any("\r" in record.text for record in records)


def test_carriage_returns_alone():
    assert [key(record) for record in read(CASES / "cr_only.sdf")] == ["CCO", "Oc1ccccc1"]
    assert [(record.text, record.name) for record in read(CASES / "cr_only.csv")] == [
        ("CCO", "a"),
        ("CCN", "b"),
        ("CCC", "c"),
    ]


def test_a_line_end_on_the_border_of_two_pieces(tmp_path):
    name = "x" * ((1 << 20) - len("CCO \r"))
    records = made(tmp_path / "a.smi", f"CCO {name}\r\nCCN b\r\n")
    assert [(record.text, record.name[-1]) for record in records] == [("CCO", "x"), ("CCN", "b")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize(("name", "head"), [("a.csv", "smiles,name\n"), ("a.tsv", "smiles\tname\n"), ("a.smi", "")])
def test_encodings(tmp_path, encoding, name, head):
    mark = "," if "csv" in name else "\t"
    content = f"{head}CCO{mark}äthanol\nCCN{mark}b\n".encode(encoding)
    records = made(tmp_path / name, content)
    assert [(record.text, record.name) for record in records] == [("CCO", "äthanol"), ("CCN", "b")]


def test_utf16_that_breaks_off(tmp_path):
    records = made(tmp_path / "a.smi", "CCO a\nCCN b\n".encode("utf-16")[:-1])
    assert records[0].text == "CCO"
    assert records[-1].problem.startswith("damaged text: not utf-16")


def test_excel():
    assert [(r.text, r.name) for r in read(CASES / "excel_utf16.csv")] == [("CCO", "ethanol"), ("CCN", "étylamine")]
    assert [r.name for r in read(CASES / "excel_sep.csv")] == ["ethanol", "ethylamine; tech"]
    assert [r.name for r in read(CASES / "excel_bom.csv")] == ["ethanol, abs.", 'ethyl "amine"']


# Other formats


@pytest.mark.parametrize(
    ("name", "what"),
    [("nma.pdb", "PDB"), ("nma.mol2", "mol2"), ("nma.zip", "a zip archive"), ("deflated.zip", "a zip archive")],
)
def test_other_formats_are_named(tmp_path, name, what):
    content = (CASES / name).read_bytes()
    for path in (CASES / name, tmp_path / "other", tmp_path / "a.smi", tmp_path / "a.txt"):
        if path.parent == tmp_path:
            path.write_bytes(content)
        with pytest.raises(UserError, match=rf"{path.name}: is {what}.*, which moldiff does not read; "):
            read(path)
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(content))
    with pytest.raises(UserError, match=what):
        read(packed)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("README.md", "# Molecules\n\nC is carbon\n"),
        ("notes", "These are the molecules of Monday.\nThey were made by hand.\n"),
        ("a.cif", "data_x\nloop_\n_atom_site_label\n"),
        ("x", "data_x\n_cell_length_a 3\n"),
        ("a.inchi", "InChI=1S/CH4/h1H4\n"),
        ("x", "InChI=1S/CH4/h1H4\n"),
        ("gaussian.com", "%chk=a.chk\n# HF/3-21G\n\ntitle\n\n0 1\nC 0.0 0.0 0.0\n"),
        ("x", "%chk=a.chk\n# HF/3-21G\n\ntitle\n\n0 1\nC 0.0 0.0 0.0\n"),
        ("x", "C 0.0 0.0 0.0\nO 0.0 0.0 1.2\n"),
        ("a.pkl", b"\x80\x04\x95\x00"),
        ("x", b"\x80\x04\x95\x10\x00\x00"),
        ("a.bz2", b"BZh91AY"),
        ("x", b"\xfd7zXZ\x00\x00"),
        ("a.json", '[{"smiles": "C"}]'),
        ("x", '{"smiles": "C"}'),
        ("x", "<?xml version='1.0'?><cml/>"),
        ("x", b"PAR1\x00\x00"),
        ("x.smi", COUNTS.format(1, 0) + ATOM + "M  END\n$$$$\n"),
        ("x.gz", gzip.compress(gzip.compress(b"C\n", mtime=0), mtime=0)),
    ],
)  # fmt: skip
def test_what_is_none_of_the_formats_is_refused_in_one_line(tmp_path, name, content):
    with pytest.raises(UserError, match=rf"{name}: ") as caught:
        made(tmp_path / name, content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("CCO ethanol\nfoo bar\nCCN\n", "smiles"),
        ("# from a/b\n[Na+].[Cl-]\n", "smiles"),
        ("C[C@H](N)O |o1:1| name\n", "smiles"),
        ("smiles name\nCCO a\n", "smiles"),
        ("sep=;\nid;smiles\na;C\n", "smiles"),
        ("1\n\nC 0 0 0\n", "xyz"),
        ("\ufeff1\r\rC 0 0 0\r", "xyz"),
    ],
)
def test_a_name_that_tells_nothing(tmp_path, content, kind):
    assert {record.kind for record in made(tmp_path / "molecules", content)} == {kind}


def test_a_packed_zip_within_gzip(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.smi", "C\n")
    (tmp_path / "b.smi.gz").write_bytes(gzip.compress((tmp_path / "a.zip").read_bytes()))
    with pytest.raises(UserError, match="zip archive"):
        read(tmp_path / "b.smi.gz")
