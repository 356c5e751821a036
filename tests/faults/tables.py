"""CSV and TSV with quotes of all sorts."""

import csv
import io
import random
from pathlib import Path

from moldiff.chemistry.formats.records import Record
from tests.faults.damage import damaged, read


def table(draw: random.Random, folder: Path) -> str:
    """CSV and TSV with quotes of all sorts: a row that is whole is read as the csv module reads it; none is lost."""
    mark = draw.choice(",;\t")
    rows = [["smiles", "name", "note"]]
    for number in range(draw.randrange(1, 9)):
        rows.append(["C" * (number + 1) + "O", _value(draw, mark), _value(draw, mark)])
    text = io.StringIO(newline="")
    csv.writer(
        text, delimiter=mark, lineterminator="\n", quoting=draw.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    ).writerows(rows)
    whole = text.getvalue()
    path = folder / draw.choice(("case.csv", "case.tsv"))
    path.write_text(whole, encoding="utf-8", newline="")
    found = [(r.text, r.properties["name"], r.properties["note"]) for r in read(path) if r.problem is None]
    assert found == [tuple(row) for row in rows[1:]], f"{found} out of {whole!r}"
    return _loose(draw, mark, path)


def _value(draw: random.Random, mark: str) -> str:
    pieces = ["a", "b c", '"', '""', mark, "\n", "'", "é", '5" tube', "", "CCO", "x" * 50]
    return "".join(draw.choice(pieces) for _ in range(draw.randrange(4)))


def _loose(draw: random.Random, mark: str, path: Path) -> str:
    """Rows on one line each with quotes that mean nothing: every SMILES is that of a record or in what it says."""
    smiles = ["C" * (number + 1) + "N" for number in range(draw.randrange(1, 12))]
    names = [_value(draw, ".").replace("\n", " ") for _ in smiles]
    lines = [f"{one}{mark}{name}{mark}{number}" for number, (one, name) in enumerate(zip(smiles, names, strict=True))]
    path.write_text("\n".join([f"smiles{mark}name{mark}value", *lines]) + "\n", encoding="utf-8", newline="")
    records = read(path)
    assert [record.text for record in records] == smiles, f"{records} out of {path.read_text()!r}"
    broken = [damaged(line, draw, lines=False) if draw.random() < 0.3 else line for line in lines]
    text = "\n".join([f"smiles{mark}name{mark}value", *broken]) + "\n"
    path.write_text(text, encoding="utf-8", newline="")
    records = read(path)
    said = "\n".join("\n".join([record.text, *record.properties.values()]) for record in records)
    for one, line, before in zip(smiles, broken, lines, strict=True):
        if line == before:
            assert one in said, f"{one} is lost of {text!r}"
    rows = [line for line in broken if line.replace('"', "").replace(mark, "").strip()]
    assert len(records) >= len(rows) - _joined(records), f"{len(records)} records of {len(rows)} rows: {text!r}"
    return "with problems" if any(record.problem for record in records) else "without"


def _joined(records: list[Record]) -> int:
    """Lines that stand within the values of records."""
    return sum(max((value.count("\n") for value in record.properties.values()), default=0) for record in records)
