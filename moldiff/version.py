"""The installed version."""

from importlib import metadata


def version() -> str:
    """The version of moldiff, as installed."""
    return metadata.version("moldiff")
