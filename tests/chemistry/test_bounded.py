"""A small file that unpacks to a large one costs little memory and ends in a rejection."""

import gzip
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from moldiff.chemistry.formats import sdf, streams, xyz
from moldiff.chemistry.formats.records import count_records, read_records
from moldiff.chemistry.formats.streams import TOO_LONG
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
