"""How often does ChEMBL hold a ring system? A table of hashes and logarithmic counts that ships with the package.

The counts are those of useful_rdkit_utils; source and licence are in `moldiff/scoring/data/README.md`, and
`data/ring_systems.py` makes the file.
"""

import hashlib
import math
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

TABLE = Path(__file__).parents[1] / "data" / "chembl_ring_systems.npz"
EXACT_COUNTS = 128
"""Counts below this are kept as they are; larger ones within 5 %."""
_STEPS = 8
_OTHER_BITS = 16
_REMEMBERED = 50_000
"""Ring systems whose answer a process keeps: some thousands make up all of a set."""


class Occurrence(NamedTuple):
    """What ChEMBL knows of a ring system: times that it occurs in any stereoisomer and protonation, and as written."""

    times: int
    exact: bool


@lru_cache(maxsize=_REMEMBERED)
def occurrence(system: str) -> Occurrence:
    """How often ChEMBL holds a ring system.

    Args:
        system: SMILES of the ring system, its open valences filled with hydrogen, as `ring_systems` gives it.

    Returns:
        The sum of its occurrences by connectivity (first block of the InChIKey, so tautomers that InChI joins
        count together), and whether the full InChIKey is in the table, as useful_rdkit_utils and FlowMol3 ask.
        Nothing (0, False) for a system of which InChI has no key.
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(system)
        inchikey = Chem.MolToInchiKey(mol) if mol is not None else ""
    if not inchikey:
        return Occurrence(0, False)
    keys, counts = _table()
    key = key_of(inchikey)
    first = key >> _OTHER_BITS << _OTHER_BITS
    low, high = np.searchsorted(keys, np.array([first, first + (1 << _OTHER_BITS)], dtype=np.uint64)).tolist()
    return Occurrence(int(counts[low:high].sum()), key in keys[low:high].tolist())


def key_of(inchikey: str) -> int:
    """64 bits of an InChIKey: 48 of its first block (connectivity), 16 of the rest (stereo, protonation).

    Of a million unknown systems one is taken for a known one with a probability of 2e-4.
    """
    block, _, rest = inchikey.partition("-")
    first, second = (
        hashlib.blake2b(text.encode(), digest_size=size).digest() for text, size in ((block, 6), (rest, 2))
    )
    return int.from_bytes(first + second, "big")


def encode_count(count: int) -> int:
    """A positive count as one byte: itself below `EXACT_COUNTS`, then its logarithm."""
    if count < EXACT_COUNTS:
        return count
    return EXACT_COUNTS + round(_STEPS * math.log2(count / EXACT_COUNTS))


def decode_counts(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The counts [N] of bytes [N]."""
    large = EXACT_COUNTS * 2.0 ** ((codes.astype(np.int64) - EXACT_COUNTS) / _STEPS)
    return np.where(codes < EXACT_COUNTS, codes, np.round(large)).astype(np.int64)


@cache
def _table() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    with np.load(TABLE, allow_pickle=False) as table:
        return table["keys"], decode_counts(table["codes"])
