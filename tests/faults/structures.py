"""V3000 with continued lines, options and blocks of all sorts, some of it broken."""

import random
from pathlib import Path

from tests.faults.damage import become, damaged, read
from tests.scoring import handmade


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
