"""One thread for each process: with more, torch on shared cores is erratic."""

import os

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")


LONGEST = {"workflow", "test_processes.py", "test_notebooks.py"}
"""Files that one worker is busy with for half a minute or more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files start first, so that no worker waits for one of them at the end."""
    items.sort(key=lambda item: LONGEST.isdisjoint(item.path.parts))
