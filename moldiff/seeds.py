"""Seeds of independent streams of random numbers, made from one seed."""

import numpy as np


def hash_seed(*parts: int) -> int:
    """One seed of 63 bits from several numbers, the same on every machine."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))
