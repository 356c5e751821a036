"""Records know themselves and the files that they describe."""

import json
from pathlib import Path

import pytest

from moldiff.errors import UserError
from moldiff.files.manifest import check_files, read_record, record_of, write_record


@pytest.fixture
def record(tmp_path: Path) -> Path:
    (tmp_path / "data").write_bytes(b"0123456789")
    write_record(tmp_path / "record.json", {"σ": 0.1, "counts": {"b": 1, "a": None}}, [tmp_path / "data"])
    return tmp_path / "record.json"


def test_a_record_reads_as_it_was_written(record: Path):
    content = read_record(record, "make it again")
    assert content["σ"] == 0.1
    assert list(content["counts"]) == ["b", "a"]
    assert list(content["sha256"]) == ["data"]


@pytest.mark.parametrize("damaged", [b"", b"01234", b"0123456788", b"0123456789\n"])
def test_a_damaged_file_is_named_with_the_remedy(record: Path, damaged: bytes):
    record.with_name("data").write_bytes(damaged)
    with pytest.raises(UserError, match=r"data: was changed.*make it again"):
        read_record(record, "make it again")
    assert read_record(record, "make it again", verify=False)["σ"] == 0.1


def test_a_missing_file_is_an_error_unless_it_may_miss(record: Path):
    record.with_name("data").unlink()
    with pytest.raises(UserError, match=r"data: is missing.*make it again"):
        read_record(record, "make it again")
    check_files(record.parent, json.loads(record.read_text()), "make it again", may_miss=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("0.1", "0.2"), "was changed"),
        (lambda text: text.replace('"b"', '"c"'), "was changed"),
        (lambda text: text[: len(text) // 2], "cannot be read"),
        (lambda text: "", "cannot be read"),
        (lambda text: "[]", "holds no JSON object"),
    ],
)
def test_a_damaged_record_is_an_error(record: Path, change, words: str):
    record.write_text(change(record.read_text()))
    with pytest.raises(UserError, match=rf"record\.json: {words}.*make it again"):
        read_record(record, "make it again")


def test_a_record_without_checksums_is_read_as_it_is(tmp_path: Path):
    (tmp_path / "old.json").write_text('{"n": 1}')
    assert read_record(tmp_path / "old.json", "make it again") == {"n": 1}


def test_the_record_beside_molecules():
    assert record_of(Path("a/samples.sdf.gz")) == record_of(Path("a/samples.sdf")) == Path("a/samples.json")
