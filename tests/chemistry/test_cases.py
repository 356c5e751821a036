"""Files as people have them: each kind of fault that was met in public, with the right value."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem, rdBase

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.chemistry.identity import flat_smiles
from moldiff.chemistry.parsing import Rejected, parse_record
from moldiff.chemistry.preparation import prepare
from moldiff.config.featurize import FeaturizeOptions
from moldiff.errors import UserError

CASES = Path(__file__).parent.parent / "data" / "cases"
ATOM = "    0.0000    0.0000    0.0000 C   0  0  0  0  0  0  0  0  0  0  0  0\n"
COUNTS = "x\n\n\n{:3d}{:3d}  0  0  0  0  0  0  0  0999 V2000\n"


def read(path: Path, **options: str) -> list[Record]:
    return list(read_records([path], **options))


def made(path: Path, content: str | bytes) -> list[Record]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path)


def key(record: Record) -> str:
    mol = parse_record(record)
    Chem.SanitizeMol(mol)
    return flat_smiles(mol)


def plain(smiles: str) -> str:
    return flat_smiles(Chem.MolFromSmiles(smiles))


# Lines after the announced atoms of an XYZ frame


@pytest.mark.parametrize(("names", "keys"), [(["qm9_raw"], ["C"]), (["qm9_raw_water"], ["O"])])
def test_qm9_as_published(names, keys):
    assert [key(record) for name in names for record in read(CASES / f"{name}.xyz")] == keys


def test_frames_with_lines_after_the_atoms_one_after_the_other(tmp_path):
    text = "".join((CASES / f"{name}.xyz").read_text().rstrip("\n") + "\n" for name in ("qm9_raw", "qm9_raw_water"))
    assert [key(record) for record in made(tmp_path / "a.xyz", text)] == ["C", "O"]


@pytest.mark.parametrize("line", ["H 0 0 0 q", "H\t0.1\t0.2\t0.3", "1 0 0 0"])
def test_a_frame_with_other_numbers_of_atoms_is_rejected(tmp_path, line):
    for count in (2, 4):
        (record,) = made(tmp_path / "a.xyz", f"{count}\n\nO 0 0 0\nH 0 0 1\n{line}\n1341.3 1341.3 1341.3\nO\tO\n")
        assert record.problem == f"wrong atom count: {count} announced, 3 lines follow"


def test_numbers_and_labels_of_other_programs(tmp_path):
    text = "3\n\nO1 0 0 1.0D-4\nH(2) 0.0 0.757 0.587\nd 0 -7.57*^-1 0.587\n"
    assert key(made(tmp_path / "a.xyz", text)[0]) == "O"
    (record,) = made(tmp_path / "b.xyz", "1\n\nC 0 zero 0\n")
    with pytest.raises(Rejected, match="unreadable atom line 1: 'C 0 zero 0'"):
        parse_record(record)


@pytest.mark.parametrize("end", ["\x1c", "\x1e ", "\x0b", "\u2003"])
def test_a_count_with_odd_spaces_is_a_count(tmp_path, end):
    assert key(made(tmp_path / "a.xyz", f"1{end}\n\nO 0 0 0\n")[0]) == "O"


def test_heavy_hydrogens_are_hydrogens(tmp_path):
    text = (CASES / "traj_blank_between.xyz").read_text().replace("H ", "D ", 2).replace("H ", "T ", 2)
    assert [key(record) for record in made(tmp_path / "a.xyz", text)] == ["C", "C", "C"]
    options = FeaturizeOptions(neutralize=True, minimize=False)
    assert [prepare(record, options)[0].smiles for record in read(CASES / "d_neutral.smi")] == ["CCN"] * 4


# Bonds from positions


@pytest.mark.parametrize("place", range(41))
def test_bonds_of_known_molecules(place):
    record = read(CASES / "known.xyz")[place]
    assert key(record) == plain(record.name)


def test_bonds_of_nitro_compounds_and_the_spelling_of_sulfoxides():
    assert [key(record) for record in read(CASES / "nitro_dev.xyz")] == [
        plain("O=[N+]([O-])c1ccccc1"),
        plain("O=[N+]([O-])c1ccc(N)cc1"),
        plain("O=[N+]([O-])c1ccc(C(=O)O)cc1"),
        plain("O=[N+]([O-])c1ccc(NC(C)=O)cc1"),
    ]
    assert [key(record) for name in ("sdf", "xyz") for record in read(CASES / f"sulfoxide_dev.{name}")] == [
        "CS(=O)c1ccccc1"
    ] * 2


# Quotes in tables


def test_a_quote_that_is_never_closed_costs_no_record():
    records = read(CASES / "unbalanced_quote.csv")
    assert [record.text for record in records] == ["CCO", "CCN", "CCC", "CCCl", "c1ccccc1"]
    assert [record.properties["activity"] for record in records] == list("12345")


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (["CCO\t5\" tube\t1", "CCN\t\"x\t2", "CCC\ty\"\t3"], ['5" tube', '"x', 'y"']),
        (["CCO\t\"x\" and y\t1", "CCN\t\"z\t2", "CCC\t\"w\"\t3"], None),
        (["CCO\t\"x\t1", "CCN\t\"y\t2", "CCC\t\"z\t3"], ['"x', '"y', '"z']),
        (["CCO\t\"x\t1", "CCN\t\"y, z\"\t2", "CCC\tz\t3\""], None),
    ],
)  # fmt: skip
def test_loose_quotes_in_a_table_without_quoting(tmp_path, rows, names):
    for mark in "\t,;":
        text = "\n".join(["smiles\tname\tvalue", *rows]).replace("y, z", "yz").replace("\t", mark)
        records = made(tmp_path / "a.csv", text)
        assert [record.text for record in records] == ["CCO", "CCN", "CCC"]
        assert all(record.problem is None for record in records)
        if names is not None:
            assert [record.name for record in records] == names


def test_a_value_whose_second_line_looks_like_a_row(tmp_path):
    records = made(tmp_path / "a.csv", '"smiles";"name";"note"\n"CCCO";";\nCCO";"x CCO;"\n"CC";"a";"b"\n')
    assert [list(record.properties.values()) for record in records] == [["CCCO", ";\nCCO", "x CCO;"], ["CC", "a", "b"]]


def test_quotes_that_hold_separators_and_lines(tmp_path):
    text = 'name,smiles,note\n"a, ""b""\nand\nc",CCO,"1\n2"\nd,CCN,\n"e",CCC,"no, end\n'
    records = made(tmp_path / "a.csv", text)
    assert [record.text for record in records] == ["CCO", "CCN", "CCC"]
    assert (records[0].name, records[0].properties["note"]) == ('a, "b"\nand\nc', "1\n2")
    assert (records[2].properties["note"], records[2].problem) == ("no, end", None)


def test_a_header_over_two_lines_and_with_names_that_come_again(tmp_path):
    records = made(tmp_path / "a.csv", '"Ligand\nSMILES",x,x,x_2\nCCO,1,2,3\n')
    assert records[0].properties == {"Ligand SMILES": "CCO", "x": "1", "x_3": "2", "x_2": "3"}


# Data items


def test_values_that_begin_with_a_bracket():
    first, second = read(CASES / "value_gt_dev.sdf")
    assert first.properties == {"IC50_nM": ">10000", "assay": "A1"}
    assert second.properties == {"IC50_nM": "250", "relation": ">", "assay": "A2"}


@pytest.mark.parametrize("value", [">10000", ">", "> 50000", ">=  300", ">>[C:1]", "> <5 and >3", "<5", ">\n>\n> 7"])
def test_a_value_is_what_follows_its_header(tmp_path, value):
    block = COUNTS.format(1, 0) + ATOM + "M  END\n"
    (record,) = made(tmp_path / "a.sdf", f"{block}> <a>\n> 25 <b> (7)\n{value}\n\n>  DT12\n1\n\n> <c>\n\n$$$$\n")
    assert record.properties == {"a": "", "b": value, "DT12": "1", "c": ""}


def test_a_blank_line_within_a_value_loses_nothing(tmp_path):
    block = COUNTS.format(1, 0) + ATOM + "M  END\n"
    (record,) = made(tmp_path / "a.sdf", f"{block}> <a>\none\n\n>two\n\n> <b>\n1\n\n$$$$\n")
    assert record.properties == {"a": "one\n\n>two", "b": "1"}


# Reasons


def test_reasons_name_the_line():
    reasons = []
    for record in read(CASES / "reason_dev.sdf"):
        with pytest.raises(Rejected) as caught:
            parse_record(record)
        reasons.append(str(caught.value))
    assert "unexpected blank line found at line 22" in reasons[0]
    assert reasons[1] == "unreadable: Cannot process coordinates on line 5"


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (COUNTS.format(1, 0) + ATOM.replace("C ", "cl") + "M  END\n", "no element 'cl' on line 5"),
        (COUNTS.format(1, 0) + ATOM.replace("C ", "Xx") + "M  END\n", "no element 'Xx' on line 5"),
        (COUNTS.format(2, 1) + 2 * ATOM + "  1  5  1\nM  END\n", "no atom '5' for the bond on line 7"),
        (COUNTS.format(2, 1) + 2 * ATOM + "  x  2  1\nM  END\n", "no atom 'x' for the bond on line 7"),
        (COUNTS.format(1, 0) + ATOM + "M  CHG  1   9   1\nM  END\n", "Range Error: .*8 < 1"),
    ],
)
def test_every_broken_block_has_a_reason(block, reason):
    before = rdBase.LogStatus()
    with pytest.raises(Rejected, match=f"unreadable: {reason}"):
        parse_record(Record("a.sdf", 1, block, "sdf"))
    assert rdBase.LogStatus() == before


# Columns


def test_the_only_column_with_smiles_in_its_name_is_taken(tmp_path):
    assert [record.text for record in read(CASES / "ligand_smiles.csv")] == ["CCO", "c1ccccc1O"]
    assert [record.text for record in made(tmp_path / "a.csv", "x_smiles,smiles\nC,N\n")] == ["N"]
    with pytest.raises(UserError, match="name the one that holds SMILES with --smiles-column"):
        made(tmp_path / "a.csv", "x_smiles,y_smiles\nC,N\n")


def test_bytes_and_dictionaries_in_parquet(tmp_path):
    assert [record.text for record in read(CASES / "binary.parquet")] == ["CCO", "CCN"]
    table = pa.table({"smiles": pa.array([b"C", None, b"\xe9"]), "n": [1, 2, None]})
    pq.write_table(table, tmp_path / "a.parquet")
    records = read(tmp_path / "a.parquet")
    assert [(r.text, r.problem) for r in records] == [("C", None), ("", "no SMILES in the row"), ("é", None)]
    assert [r.properties["n"] for r in records] == ["1", "2", ""]
