"""One thread for each process: with more, torch on shared cores is erratic."""

import os

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The file of the workflow takes longest, on one worker: it starts first."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)
