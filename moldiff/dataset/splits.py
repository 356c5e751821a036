"""Train, valid and test: which molecules are held out."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

TRAIN, VALID, TEST = "train", "valid", "test"
_SPELLINGS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("valid", "val", "validation", "dev"), VALID),
    **dict.fromkeys(("test", "testing"), TEST),
}


def split_by_hash(keys: Sequence[str], valid_fraction: float, test_fraction: float) -> list[str]:
    """A molecule's place depends on its key alone: it stays the same whatever is added to the set."""
    return [_place(_uniform(key), valid_fraction, test_fraction) for key in keys]


def split_at_random(keys: Sequence[str], valid_fraction: float, test_fraction: float, seed: int) -> list[str]:
    """Exact shares of the distinct keys, shuffled with the seed; equal keys (duplicates) stay together."""
    distinct = sorted(set(keys), key=lambda key: (_uniform(f"{seed}\n{key}"), key))
    valid, test = round(valid_fraction * len(distinct)), round(test_fraction * len(distinct))
    places = dict.fromkeys(distinct, TRAIN)
    places |= dict.fromkeys(distinct[:valid], VALID)
    places |= dict.fromkeys(distinct[valid : valid + test], TEST)
    return [places[key] for key in keys]


def split_by_scaffold(scaffolds: Sequence[str], valid_fraction: float, test_fraction: float) -> list[str]:
    """Each scaffold goes to one split: the most frequent fill train, then valid; the rare ones are test.

    The convention of MoleculeNet (Wu et al., Chem. Sci. 2018, 9, 513); acyclic molecules count as one scaffold.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for row, scaffold in enumerate(scaffolds):
        groups[scaffold].append(row)
    room = {
        TRAIN: (1 - valid_fraction - test_fraction) * len(scaffolds),
        VALID: valid_fraction * len(scaffolds),
    }
    last = TEST if test_fraction else VALID if valid_fraction else TRAIN
    places = [last] * len(scaffolds)
    for _, rows in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        place = next((name for name in (TRAIN, VALID) if len(rows) <= room[name] + 1e-9), last)
        if place in room:
            room[place] -= len(rows)
        for row in rows:
            places[row] = place
    return places


def split_from_text(text: str) -> str | None:
    """train, valid or test as people spell them in a column, or None."""
    return _SPELLINGS.get(text.strip().lower())


def _uniform(key: str) -> float:
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64


def _place(value: float, valid_fraction: float, test_fraction: float) -> str:
    if value < valid_fraction:
        return VALID
    return TEST if value < valid_fraction + test_fraction else TRAIN
