"""Files that something broke, each with what must be read from it: the cases of the fuzzers.

A case is a function of a random generator and a folder. It writes a file, reads it, and raises AssertionError where a
record is lost, changed without need, or rejected without a reason. `tests.faults.fuzz` runs thousands of each kind;
the suite has hypothesis look for small ones.
"""

import copy
import csv
import gzip
import io
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.chemistry.parsing import Rejected
from moldiff.chemistry.preparation import prepare
from moldiff.config.featurize import FeaturizeOptions
from moldiff.dataset.storage import open_dataset
from moldiff.errors import UserError
from moldiff.models.checkpoint import load_model
from moldiff.scoring.score import Task, score
from tests.scoring import handmade

Case = Callable[[random.Random, Path], str]
"""Returns a word for what became of the file."""

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


def _require(holds: bool, otherwise: str) -> None:
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
        _require(str(rejection).strip() != "", f"rejected without a reason: {record.text!r}")
        return "rejected"
    except (RuntimeError, ValueError, OverflowError) as error:  # what featurize takes for RDKit's refusal
        _require(str(error).strip() != "", f"refused without a reason: {record.text!r}")
        return "refused"
    return "prepared"


# V3000


def v3000_block(draw: random.Random, name: str) -> str:
    """A chain of carbons, nitrogens and oxygens as V3000, with continued lines, options and blocks of all sorts."""
    atoms = draw.randrange(1, 9)
    group, collection = draw.random() < 0.2, draw.random() < 0.2
    lines = [name, "  test", "", "  0  0  0     0  0            999 V3000", "M  V30 BEGIN CTAB"]
    lines += [f"M  V30 COUNTS {atoms} {atoms - 1} {int(group)} 0 0", "M  V30 BEGIN ATOM"]
    for place in range(1, atoms + 1):
        extra = draw.choice(("", "", "", " CHG=1", " RAD=2", " MASS=13", " VAL=-1", " CFG=1", ' CLASS="a b"'))
        line = f"{place} {draw.choice('CCCNO')} {place * 1.3:.4f} {place % 2:.4f} 0.1 0{extra}"
        cut = draw.randrange(1, len(line))
        lines += [f"M  V30 {line[:cut]}-", f"M  V30 {line[cut:]}"] if draw.random() < 0.1 else [f"M  V30 {line}"]
    lines.append("M  V30 END ATOM")
    if atoms > 1:
        orders = [draw.choice("11111111111123489") for _ in range(1, atoms)]
        bonds = [f"M  V30 {place} {order} {place} {place + 1}" for place, order in enumerate(orders, start=1)]
        lines += ["M  V30 BEGIN BOND", *bonds, "M  V30 END BOND"]
    if group:
        of = draw.randrange(1, atoms + 2)
        lines += ["M  V30 BEGIN SGROUP", f"M  V30 1 DAT 0 ATOMS=(1 {of}) FIELDNAME=x", "M  V30 END SGROUP"]
    if collection:
        of = draw.choice((1, 1, 1, 2))
        lines += ["M  V30 BEGIN COLLECTION", f"M  V30 MDLV30/STEABS ATOMS=({of} 1)", "M  V30 END COLLECTION"]
    return "\n".join([*lines, "M  V30 END CTAB", "M  END", f"> <number>\n{name}\n", ""])


def v3000(draw: random.Random, folder: Path) -> str:
    """Records of V3000, some of them broken: as many come out, the others as they would alone."""
    texts = [v3000_block(draw, f"m{number}") for number in range(draw.choice((1, 2, 4)))]
    if draw.random() < 0.3:
        texts.append(f"methane{handmade.METHANE_V3000.partition('$$$$')[0]}")
    broken = {place for place in range(len(texts)) if draw.random() < 0.7}
    written = [damaged(text, draw) if place in broken else text for place, text in enumerate(texts)]
    written = [text.replace("$$$$", "$$$") for text in written]
    path = folder / "case.sdf"
    path.write_text("".join(f"{text}\n$$$$\n" for text in written), encoding="utf-8", newline="")
    records = read(path)
    assert len(records) == len(written), f"{len(records)} of {len(written)} records of {path.read_bytes()!r}"
    for place, record in enumerate(records):
        if place not in broken:
            assert record.text.startswith(texts[place].rstrip("\n")), f"another text: {record.text!r}"
    scored = draw.random() < 0.2  # the check takes most of the time
    return "+".join(sorted({become(record, scored=scored) for record in records}))


# Tables


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


# Encodings and line ends


def small_file(draw: random.Random) -> tuple[str, str]:
    """A file of each text format: its ending and its text."""
    blocks = [handmade.STRUCTURES[name][0] for name in draw.sample(sorted(handmade.STRUCTURES), draw.randrange(1, 4))]
    frames = [handmade.XYZ[name][0] for name in draw.sample(sorted(handmade.XYZ), draw.randrange(1, 4))]
    smiles = [handmade.SMILES[name][0] for name in draw.sample(sorted(handmade.SMILES), draw.randrange(1, 6))]
    word = draw.choice(("name", "naïve", "名", "a b", ""))
    return draw.choice(
        (
            (".sdf", "".join(blocks)),
            (".sdf", v3000_block(draw, word) + "\n$$$$\n" + blocks[0]),
            (".xyz", "".join(frames)),
            (".smi", "".join(f"{one} {word}\n" for one in smiles)),
            (".csv", "smiles,name\n" + "".join(f'{one},"{word}"\n' for one in smiles)),
            (".tsv", "smiles\tname\n" + "".join(f"{one}\t{word}\n" for one in smiles)),
        )
    )


def contents(records: list[Record]) -> list[tuple[object, ...]]:
    """All that records say but for the file that they are from."""
    return [(r.index, r.text, r.kind, r.name, r.properties, r.problem) for r in records]


def encoded(draw: random.Random, folder: Path) -> str:
    """Other encodings and line ends give the same records; bytes that are lost or changed are no crash."""
    suffix, text = small_file(draw)
    plain = folder / f"plain{suffix}"
    plain.write_text(text, encoding="utf-8", newline="")
    expected = contents(read(plain))
    end = draw.choice(("\n", "\r", "\r\n", "\r\r\n"))
    encoding, mark = draw.choice(
        (("utf-8", ""), ("utf-8", "\ufeff"), ("utf-16-le", "\ufeff"), ("utf-16-be", "\ufeff"), ("utf-32-le", "\ufeff"),
         ("utf-32-be", "\ufeff"), ("utf-16", ""))
    )  # fmt: skip
    data = (mark + text.replace("\n", end)).encode(encoding)
    path = folder / f"case{suffix}"
    path.write_bytes(data)
    assert contents(read(path)) == expected, f"{encoding} with {end!r}: {data!r}"
    return _survives(path, _damaged_bytes(data, draw))


def _damaged_bytes(data: bytes, draw: random.Random) -> bytes:
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


def _survives(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    try:
        records = read(path)
    except UserError as error:
        _require(str(path) in str(error), f"names no file: {error}")
        return "refused"
    assert all(record.text.strip() or record.properties or record.problem for record in records), data
    return "with problems" if any(record.problem for record in records) else "read"


# gzip


def gzipped(draw: random.Random, folder: Path) -> str:
    """gzip in several members, padded, gives the same records; a damaged one gives those before the damage."""
    suffix, text = small_file(draw)
    text *= draw.choice((1, 1, 1, 40)) if suffix in (".sdf", ".xyz", ".smi") else 1
    plain = folder / f"plain{suffix}"
    plain.write_text(text, encoding="utf-8", newline="")
    expected = contents(read(plain))
    raw, cuts = text.encode(), sorted(draw.randrange(len(text.encode())) for _ in range(draw.choice((0, 0, 1, 3))))
    members = [raw[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    data = b"".join(gzip.compress(member, draw.choice((1, 9)), mtime=0) for member in members)
    data += b"\0" * draw.choice((0, 0, 1, 512))
    path = folder / f"case{suffix}.gz"
    path.write_bytes(data)
    assert contents(read(path)) == expected, f"gzip of {text!r}"
    whole = len(data.rstrip(b"\0"))
    cut = draw.randrange(whole) if draw.random() < 0.5 else 0
    if not cut:
        return _survives(path, _damaged_bytes(data, draw))
    path.write_bytes(data[:cut])
    try:
        found = read(path)
    except UserError as error:
        _require(str(path) in str(error), f"names no file: {error}")
        return "refused"
    complete = [one for one in contents(found) if one[-1] is None]
    before = [one for one in expected if one[-1] is None][: len(complete)]
    # the last one may end where the file does, at the end of a member
    assert complete[:-1] == before[:-1], f"other records after {cut} bytes of the gzip of {text!r}"
    told = bool(found) and found[-1].problem is not None
    assert told or len(members) > 1, f"the cut after {cut} bytes is not told: {text!r}"
    return "cut"


# safetensors


def weights_header(draw: random.Random, folder: Path) -> str:
    """A weights file whose header says something else: refused in one line, or read."""
    return _header(draw, folder / "model.safetensors", lambda path: load_model(path))


def arrays_header(draw: random.Random, folder: Path) -> str:
    """A featurized set whose header of arrays says something else: refused in one line, or read."""
    return _header(draw, folder / "dataset" / "arrays.safetensors", lambda path: open_dataset(path.parent))


def _header(draw: random.Random, path: Path, load: Callable[[Path], object]) -> str:
    original = path.read_bytes()
    length = struct.unpack("<Q", original[:8])[0]
    header, tensors = original[8 : 8 + length].decode(), original[8 + length :]
    match draw.randrange(4):
        case 0:
            changed = damaged(header, draw)
        case 1:
            changed = json.dumps(_other(json.loads(header), draw))
        case 2:  # the description within the header, which is JSON as well
            tree = json.loads(header)
            metadata = tree.get("__metadata__", {})
            if "model" in metadata:
                metadata["model"] = json.dumps(_other(json.loads(metadata["model"]), draw))
                metadata.pop("sha256", None)
            changed = json.dumps(tree)
        case _:
            changed = header
    data = changed.encode("utf-8", "surrogatepass")
    said = (
        len(data)
        if draw.random() < 0.8
        else draw.choice((0, 1, 7, len(data) - 1, len(data) + 8, 2**31, 2**63, 2**64 - 1))
    )
    content = struct.pack("<Q", said) + data + tensors
    path.write_bytes(_damaged_bytes(content, draw) if draw.random() < 0.2 else content)
    try:
        load(path)
    except UserError as error:
        _require(str(path) in str(error) or str(path.parent) in str(error), f"names no file: {error}")
        _require("\n" not in str(error), f"of several lines: {error}")
        _require(len(str(error)) < 1500, f"of {len(str(error))} characters: {error}")
        return "refused"
    finally:
        path.write_bytes(original)
    return "read"


_VALUES = (
    None, True, -1, 0, 1, 10**12, 2**63, 2**64, -(10**30), 0.5, 1e308, float("nan"), float("inf"), "", "x", "64x0e", [],
    {}, [0, 2**62], [[]], [1] * 50, {"a": 1}, "F32", "BF16", "U8", "I64",
)  # fmt: skip


def _other(tree: object, draw: random.Random) -> object:
    """JSON in which a value or a few are others, missing, or under another name."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        place: object = tree
        while isinstance(place, (dict, list)) and place:
            key = draw.choice(sorted(place)) if isinstance(place, dict) else draw.randrange(len(place))
            below = place[key]  # type: ignore[index]
            if isinstance(below, (dict, list)) and below and draw.random() < 0.85:
                place = below
                continue
            match draw.randrange(5):
                case 0:
                    del place[key]  # type: ignore[arg-type]
                case 1 if isinstance(place, dict):
                    place[draw.choice(("x", "__metadata__", "positions", ""))] = place.pop(key)
                case 2 if isinstance(below, (int, float)) and not isinstance(below, bool):
                    place[key] = below * draw.choice((-1, 2, 10, 10**6, 0.5))  # type: ignore[index]
                case _:
                    place[key] = copy.deepcopy(draw.choice(_VALUES))  # type: ignore[index]
            break
    return tree


CASES: dict[str, Case] = {
    "v3000": v3000,
    "table": table,
    "encoded": encoded,
    "gzipped": gzipped,
    "weights": weights_header,
    "arrays": arrays_header,
}
