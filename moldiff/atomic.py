"""Files that appear under their final name only when they are complete."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moldiff.errors import UserError


@contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """A temporary path beside ``final`` that takes its name when the block ends without an error.

    The suffixes stay those of ``final``, so a writer that goes by the suffix works. On an error the temporary
    file is removed and what stood under ``final`` before is untouched.

    Raises:
        UserError: the folder cannot be made or written, or the disk is full.
    """
    temporary = final.with_name(f".{os.getpid()}.{final.name}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, final)
    except OSError as error:
        named = error.filename
        if named is not None and Path(named).parent != final.parent and not final.parent.is_relative_to(named):
            raise  # about another file, which its own reader explains
        reason = error.strerror or str(error)
        raise UserError(
            f"{final}: cannot be written: {reason}; choose a folder with room that you may write"
        ) from error
    finally:
        try:
            temporary.unlink(missing_ok=True)
        except OSError:
            pass  # the folder itself is not ours to read; the error that brought us here says so


def write_text(final: Path, text: str) -> None:
    """Write UTF-8 text atomically.

    Raises:
        UserError: see `atomic_path`.
    """
    with atomic_path(final) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def sha256(path: Path) -> str:
    """SHA-256 checksum of a file, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
