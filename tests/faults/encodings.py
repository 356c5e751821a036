"""Files of each text format in other encodings, with other line ends, and as gzip in several members."""

import gzip
import random
from pathlib import Path

from moldiff.errors import UserError
from tests.faults.damage import contents, damaged_bytes, read, require, survives
from tests.faults.structures import v3000_block
from tests.scoring import handmade


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
    return survives(path, damaged_bytes(data, draw))


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
        return survives(path, damaged_bytes(data, draw))
    path.write_bytes(data[:cut])
    try:
        found = read(path)
    except UserError as error:
        require(str(path) in str(error), f"names no file: {error}")
        return "refused"
    complete = [one for one in contents(found) if one[-1] is None]
    before = [one for one in expected if one[-1] is None][: len(complete)]
    # the last one may end where the file does, at the end of a member
    assert complete[:-1] == before[:-1], f"other records after {cut} bytes of the gzip of {text!r}"
    told = bool(found) and found[-1].problem is not None
    assert told or len(members) > 1, f"the cut after {cut} bytes is not told: {text!r}"
    return "cut"
