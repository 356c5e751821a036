"""The state that a killed training resumes from: one file, refused unless complete and unchanged; never a pickle."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path

_MAGIC = b"moldiff-state-2 "
_DIGITS = 64
REMEDY = "remove it to train again from the beginning"
"""What a user can do with a saved state that cannot be used."""


def save_state(path: Path, content: dict[str, Any]) -> None:
    """Write a state atomically, with its checksum before it: torch itself reads damaged numbers without a word.

    Raises:
        UserError: it cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    data = buffer.getbuffer()
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(_MAGIC + hashlib.sha256(data).hexdigest().encode() + b"\n")
        file.write(data)


def load_state(path: Path) -> dict[str, Any]:
    """Read a state to the CPU.

    Raises:
        UserError: it cannot be read or is not what was written.
    """
    try:
        with path.open("rb") as file:
            head, data = file.read(len(_MAGIC) + _DIGITS + 1), file.read()
    except OSError as error:
        raise UserError(f"{path}: the saved state cannot be read ({error.strerror}); {REMEDY}") from None
    if head != _MAGIC + hashlib.sha256(data).hexdigest().encode() + b"\n":
        raise UserError(f"{path}: the saved state is damaged, or of another version of moldiff; {REMEDY}")
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises of a foreign archive is of many kinds
        message = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(f"{path}: the saved state cannot be read ({message}); {REMEDY}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds no saved state; {REMEDY}")
    return content
