"""Files that appear under their final name only when they are complete."""

import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from moldiff.errors import UserError

_HOST = socket.gethostname().partition(".")[0]
_ABANDONED = 3600.0
"""Seconds without a write after which another machine's temporary file counts as left behind."""


@contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """A temporary path beside ``final`` that takes its name when the block ends without an error.

    The suffixes stay those of ``final``, so a writer that goes by the suffix works. On an error the temporary
    file is removed and what stood under ``final`` before is untouched. What a killed process left behind while it
    wrote the same file is removed.

    Raises:
        UserError: the folder cannot be made or written, or the disk is full.
    """
    # the machine as well as the process: on a shared file system two jobs may have the same number
    temporary = final.with_name(f".{os.getpid()}@{_HOST}.{final.name}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(final)
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


@contextmanager
def only_writer(final: Path) -> Iterator[None]:
    """Keep other processes from making the same file meanwhile; a process that dies leaves the way free.

    Raises:
        UserError: another process is making it.
    """
    path = final.with_name(f".{final.name}.lock")
    lock = FileLock(path)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"{final}: another process is making it; wait for its end, or give another --out (each shard its own)"
        ) from None
    except OSError:
        pass  # a file system without locks has none; of a folder that cannot be written tells whoever writes there
    try:
        yield
    finally:
        if lock.is_locked:
            path.unlink(missing_ok=True)
            lock.release()


def _remove_abandoned(final: Path) -> None:
    for name in os.listdir(final.parent):
        match = re.fullmatch(r"\.(\d+)@(.+)\." + re.escape(final.name), name)
        if match is None:
            continue
        path = final.with_name(name)
        try:
            if match[2] == _HOST:
                os.kill(int(match[1]), 0)  # raises if there is no such process
            elif time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except OSError:
            pass  # another process's to remove, or it has just gone


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
