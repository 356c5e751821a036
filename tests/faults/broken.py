"""Files that something broke, each with what must be read from it: the cases of the fuzzers.

A case is a function of a random generator and a folder. It writes a file, reads it, and raises AssertionError where a
record is lost, changed without need, or rejected without a reason. `tests.faults.fuzz` runs thousands of each kind;
the suite has hypothesis look for small ones.
"""

import random
from collections.abc import Callable
from pathlib import Path

from tests.faults.encodings import encoded, gzipped
from tests.faults.headers import arrays_header, weights_header
from tests.faults.structures import v3000
from tests.faults.tables import table

Case = Callable[[random.Random, Path], str]
"""Returns a word for what became of the file."""

CASES: dict[str, Case] = {
    "v3000": v3000,
    "table": table,
    "encoded": encoded,
    "gzipped": gzipped,
    "weights": weights_header,
    "arrays": arrays_header,
}
