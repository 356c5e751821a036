"""Seeds of independent streams of random numbers, all made from one seed."""

import hashlib
from enum import StrEnum


class Stream(StrEnum):
    """What random numbers are for. Two streams of one seed never share a seed."""

    ORDER = "order"
    """Of the molecules in an epoch; numbered by epoch."""
    NOISE = "noise"
    """Of a training step; numbered by step."""
    VALIDATION = "validation"
    """Noise of the held-out molecules."""
    SAMPLES = "samples"
    """Of sampling; numbered by batch."""
    SIZES = "sizes"
    """Of the molecules to be sampled."""
    ROUNDS = "rounds"
    """Of the samplings of `moldiff generate`; numbered by round."""
    TARGETS = "targets"
    """Values of the properties that they are asked for."""
    LIKELIHOOD = "likelihood"
    """Noise of molecules whose likelihood is asked for; numbered by chunk."""
    MOVES = "moves"
    """Acceptance of moves; numbered by round."""


def stream_seed(seed: int, stream: Stream, *numbers: int) -> int:
    """A seed of 63 bits for one part of a stream, the same on every machine.

    >>> stream_seed(0, Stream.ORDER, 2) == stream_seed(0, Stream.VALIDATION)
    False
    """
    text = " ".join([stream, *map(str, (seed, *numbers))])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
