"""Broken text by the thousand: no crash, no hang, no lost record. `python -m tests.scoring.fuzz 10000`."""

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from moldiff.chemistry.formats.records import read_records
from moldiff.scoring.score import Task, score, warm_up
from tests.scoring import handmade

SLOW = 20.0
"""Seconds above which a case counts as hanging."""
_SYMBOLS = "CNOSPFIBHclnos()[]=#@+-/\\%.0123456789 *:$~\n\t$MV ENDRAD\x00é"


def main(cases: int) -> None:
    """Change hand-made records at random and score them; print what became of them."""
    warm_up()
    draw = random.Random(0)
    texts = {
        ".sdf": [text for text, _, _ in handmade.STRUCTURES.values()],
        ".smi": [text + "\n" for text, _ in handmade.SMILES.values()],
        ".xyz": [text for text, _ in handmade.XYZ.values()],
    }
    outcome: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for case in range(cases):
            suffix = draw.choice(list(texts))
            text = "".join(_damage(draw.choice(texts[suffix]), draw) for _ in range(draw.choice((1, 1, 2))))
            path = Path(folder) / f"case{suffix}"
            path.write_text(text or "\n", encoding="utf-8")
            began = time.monotonic()
            records = list(read_records([path]))
            expected = max(text.count("\n$$$$"), 0)
            if suffix == ".sdf" and len(records) < expected:
                raise AssertionError(f"case {case}: {len(records)} records of {expected} came out of {text!r}")
            for number, record in enumerate(records, start=1):
                row = score(Task(number, record))
                if not row["valid"] and not row["reasons"]:
                    raise AssertionError(f"case {case}: no reason for {text!r}")
                if "cannot be scored" in str(row["reasons"]):
                    outcome[str(row["reasons"])[:80]] += 1
                outcome["valid" if row["valid"] else "readable" if row["readable"] else "unreadable"] += 1
            if time.monotonic() - began > SLOW:
                raise AssertionError(f"case {case}: took {time.monotonic() - began:.0f} s: {text!r}")
    print(f"{cases} cases: {dict(outcome)}")


def _damage(text: str, draw: random.Random) -> str:
    characters = list(text)
    for _ in range(draw.choice((0, 1, 1, 2, 3, 8, 30))):
        place = draw.randrange(len(characters) + 1)
        match draw.randrange(5):
            case 0:
                characters[place : place + 1] = []
            case 1:
                characters.insert(place, draw.choice(_SYMBOLS))
            case 2:
                characters[place : place + 1] = [draw.choice(_SYMBOLS)]
            case 3:  # a piece again, elsewhere
                start = draw.randrange(len(characters) + 1)
                characters[place:place] = characters[start : start + draw.randrange(60)]
            case _:
                if draw.random() < 0.2:
                    del characters[place:]
        if len(characters) > 5000:
            break
    return "".join(characters)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
