"""The header of a safetensors file: what it says of itself and of its tensors, read without their library or torch."""

import json
import struct
from pathlib import Path
from typing import Any

from moldiff.errors import UserError

LONGEST_HEADER = 1 << 24
"""Bytes of a header at most; the format allows 100 MB, and ours take some kilobytes."""


def read_header(path: Path, remedy: str) -> tuple[dict[str, Any], int]:
    """The header, and the byte at which the tensors begin; their own checks are the reader's.

    Args:
        path: the file.
        remedy: what the user can do where it cannot be read, for the message.

    Raises:
        UserError: the file is missing, no regular file, truncated, or not safetensors.
    """
    try:
        if not path.is_file():
            raise UserError(f"{path}: no such file; {remedy}")
        size = path.stat().st_size
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            if length > min(size - 8, LONGEST_HEADER):
                raise ValueError("its header is longer than the file or than 16 MB")
            header = json.loads(file.read(length))
    except (OSError, struct.error, ValueError, RecursionError) as error:
        raise UserError(f"{path}: is truncated or no safetensors file ({error}); {remedy}") from None
    if not isinstance(header, dict):
        raise UserError(f"{path}: is not a safetensors file (its header is not an object); {remedy}")
    return header, 8 + length
