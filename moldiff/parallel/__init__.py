"""Processes for what may hang, crash or take all memory: molecules of others and users' code.

There is a limit of time for each item and one of memory for each process, and no process outlives the one that started
it.
"""

from moldiff.parallel.ordered import apart, in_order
from moldiff.parallel.pool import SECONDS, Lost, default_workers, run_all

__all__ = ["SECONDS", "Lost", "apart", "default_workers", "in_order", "run_all"]
