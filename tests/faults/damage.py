"""What the cases of the fuzzers share: text and bytes that something broke, and what is made of the records."""

import random
from pathlib import Path

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.chemistry.parsing import Rejected
from moldiff.chemistry.preparation import prepare
from moldiff.config.featurize import FeaturizeOptions
from moldiff.errors import UserError
from moldiff.scoring.score import Task, score

_OPTIONS = FeaturizeOptions(minimize=False, elements=["C", "H", "N", "O", "F", "S", "P", "Cl", "Br"])
_LETTERS = "CNOHcno123()[]=#@+-. \t\"',;|&_é\x00MVBEGINCHG$><\n\r"
_PIECES = ("\n\n", "M  V30 ", "M  END\n", "-\n", "999999999", "-1", "1e999", "nan", "BEGIN", "END", "COUNTS", "\x1a")


def damaged(text: str, draw: random.Random, *, lines: bool = True) -> str:
    """The text with a few characters or pieces lost, changed, repeated or put in; with ``lines`` also line ends."""
    letters = _LETTERS if lines else _LETTERS.replace("\n", "").replace("\r", "")
    characters = list(text)
    for _ in range(draw.choice((1, 1, 2, 3, 8, 25))):
        place = draw.randrange(len(characters) + 1)
        match draw.randrange(6):
            case 0:
                characters[place : place + draw.choice((1, 1, 4, 30))] = []
            case 1:
                characters.insert(place, draw.choice(letters))
            case 2:
                characters[place : place + 1] = [draw.choice(letters)]
            case 3:
                characters[place:place] = draw.choice(_PIECES if lines else ("999999999", "-1", "nan"))
            case 4:
                start = draw.randrange(len(characters) + 1)
                characters[place:place] = characters[start : start + draw.randrange(60)]
            case _:
                if draw.random() < 0.1:
                    del characters[place:]
        if not lines:
            characters = [character for character in characters if character not in "\n\r"]
    return "".join(characters)


def damaged_bytes(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 5))):
        place = draw.randrange(len(changed) + 1)
        match draw.randrange(4):
            case 0:
                changed[place : place + draw.choice((1, 1, 2, 20))] = b""
            case 1:
                changed[place:place] = bytes(draw.randrange(256) for _ in range(draw.choice((1, 1, 2, 9))))
            case 2:
                changed[place : place + 1] = bytes([draw.randrange(256)])
            case _:
                if draw.random() < 0.5:
                    del changed[place:]
    return bytes(changed)


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


def read(path: Path) -> list[Record]:
    """All records of a file."""
    return list(read_records([path]))


def become(record: Record, *, scored: bool) -> str:
    """What featurize, and with ``scored`` the check, make of a record; a reason is needed where it is no molecule."""
    row = score(Task(1, record)) if scored else {}
    assert not row or row["valid"] or row["reasons"], f"no reason for {record.text!r}"
    try:
        prepare(record, _OPTIONS)
    except Rejected as rejection:
        require(str(rejection).strip() != "", f"rejected without a reason: {record.text!r}")
        return "rejected"
    except (RuntimeError, ValueError, OverflowError) as error:  # what featurize takes for RDKit's refusal
        require(str(error).strip() != "", f"refused without a reason: {record.text!r}")
        return "refused"
    return "prepared"


def contents(records: list[Record]) -> list[tuple[object, ...]]:
    """All that records say but for the file that they are from."""
    return [(r.index, r.text, r.kind, r.name, r.properties, r.problem) for r in records]


def survives(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    try:
        records = read(path)
    except UserError as error:
        require(str(path) in str(error), f"names no file: {error}")
        return "refused"
    assert all(record.text.strip() or record.properties or record.problem for record in records), data
    return "with problems" if any(record.problem for record in records) else "read"
