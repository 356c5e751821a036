"""A small file that unpacks to a large one costs little memory and ends in a rejection."""

import gzip
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from moldiff.chemistry.formats import sdf, streams, xyz
from moldiff.chemistry.formats.records import count_records, read_records
from moldiff.chemistry.formats.streams import MOST_ITEMS, TOO_LONG
from moldiff.errors import UserError
from moldiff.parallel import run_all

LIMIT = 1 << 20
UNPACKED = 24 * LIMIT


def bomb(path: Path, head: bytes, filler: bytes, tail: bytes) -> Path:
    packed = io.BytesIO()
    piece = filler * ((1 << 20) // len(filler))
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as file:
        file.write(head)
        for _ in range(UNPACKED // len(piece)):
            file.write(piece)
        file.write(tail)
    path.write_bytes(packed.getvalue())
    return path


@pytest.mark.parametrize(
    ("name", "head", "filler", "tail", "good"),
    [
        ("a.smi.gz", b"CCO first\n", b"C", b"\nCCN last\n", ["CCO", "CCN"]),
        ("a.smi.gz", b"CCO first\n", b" ", b"C\nCCN last\n", ["CCO", "CCN"]),
        ("a.csv.gz", b"smiles,name\nCCO,a\n", b"C", b"\nCCN,b\n", ["CCO", "CCN"]),
        ("a.csv.gz", b'smiles,name\nCCO,a\nCCC,"', b"C", b'"\nCCN,b\n', ["CCO", "CCN"]),
        ("a.sdf.gz", b"", b"x" * 1023 + b"\n", b"\n$$$$\nlast\n$$$$\n", ["last\n"]),
        ("a.sdf.gz", b"", b"\0", b"\n$$$$\nlast\n$$$$\n", ["last\n"]),
        ("a.xyz.gz", b"99999999\n\n", b"C 0 0 0" + b" " * 1000 + b"\n", b"1\n\nC 0 0 0\n", ["1\n\nC 0 0 0\n"]),
        ("a.xyz.gz", b"1\n", b"C", b"\nC 0 0 0\n1\n\nC 0 0 0\n", ["1\n\nC 0 0 0\n"]),
    ],
)
def test_a_record_without_end_is_rejected(tmp_path, monkeypatch, name, head, filler, tail, good):
    for module in (streams, sdf, xyz):
        monkeypatch.setattr(module, "LONGEST_RECORD", LIMIT)
    path = bomb(tmp_path / name, head, filler, tail)
    tracemalloc.start()
    try:
        records = list(read_records([path]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * LIMIT
    assert [record.text for record in records if record.problem is None] == good
    assert [record.problem for record in records if record.problem is not None] == [TOO_LONG]


def _same(item: str) -> str:
    return item


def test_heavy_items_travel_few_at_a_time():
    taken = 0

    def items() -> Iterator[str]:
        nonlocal taken
        for _ in range(40):
            taken += 1
            yield "x" * (1 << 20)

    pieces = run_all(_same, list, items(), workers=1, chunk=128, timeout=60, weigh=len)
    first = next(pieces)
    assert isinstance(first, list)
    assert taken <= 12
    assert len(first) + sum(len(piece) for piece in pieces if isinstance(piece, list)) == 40


def test_records_are_counted_where_they_can_be(tmp_path):
    path = tmp_path / "a.smi"
    path.write_text("C a\n\n# x\nCC b\n")
    assert count_records([str(path)]) == 2
    assert count_records([str(path), "-"]) is None


def test_more_items_than_a_table_may_have_columns(tmp_path):
    items = "".join(f">  <{number}>\n1\n\n" for number in range(MOST_ITEMS + 1))
    (tmp_path / "a.sdf").write_text(f"many\n\n\nM  END\n{items}$$$$\nfew\n\n\nM  END\n>  <a>\n1\n\n$$$$\n")
    many, few = read_records([tmp_path / "a.sdf"])
    assert (many.name, many.problem, many.properties) == ("many", "more than 10,000 data items", {})
    assert (few.problem, few.properties) == (None, {"a": "1"})
    (tmp_path / "a.xyz").write_text(f"1\n{'a=1 ' * (MOST_ITEMS + 1)}\nC 0 0 0\n1\na=1\nC 0 0 0\n")
    many, few = read_records([tmp_path / "a.xyz"])
    assert (many.problem, few.problem) == ("more than 10,000 values in the comment line", None)
    (tmp_path / "a.csv").write_text(f"smiles,name\nC{',x' * (MOST_ITEMS + 1)}\nCC,y\n")
    many, few = read_records([tmp_path / "a.csv"])
    assert (many.problem, few.text, few.problem) == ("wrong number of fields: 10,002", "CC", None)
    (tmp_path / "wide.csv").write_text(f"smiles{',x' * (MOST_ITEMS + 1)}\n")
    with pytest.raises(UserError, match="more than 10,000 columns"):
        list(read_records([tmp_path / "wide.csv"]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xyz", "1\n" + "a" * (1 << 20) + "\nC 0 0 0\n"),
        ("a.sdf", "x\n\n\nM  END\n> <x" + ">(" * (1 << 19) + "\n1\n\n$$$$\n"),
        ("a.sdf", "x\n\n\nM  END\n> <x>" + " " * (1 << 20) + "x\n1\n\n$$$$\n"),
        ("a.smi", "data_x" + "\n" * (1 << 19) + "C\n"),
        ("a.smi", "# a\n" + " \n" * (1 << 18) + "C\n"),
    ],
)
def test_no_line_takes_the_square_of_its_length(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert len(list(read_records([tmp_path / name]))) in (1, 2)  # at a millionth of a second a step the square is days
