"""Files that appear under their final name only when they are complete, and what may be such a name at all."""

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from moldiff.errors import UserError

LONGEST_NAME = 200
"""Bytes of a file name at most: file systems take 255, and the temporary names beside it are longer."""
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}
_HOST = re.sub(r"[^A-Za-z0-9-]", "", socket.gethostname().partition(".")[0])[:32] or "host"
_ABANDONED = 3600.0
"""Seconds without a write after which another machine's temporary file counts as left behind."""
_NEW = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY
_OWN = os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK


def require_target(final: Path) -> None:
    """Refuse what no file may take the place of: a device, a FIFO, a socket, a folder, a symbolic link.

    A link is refused even where it leads to a regular file: to put a file in its place would surprise those who made
    it, to write through it those who own what it leads to.

    Raises:
        UserError: it is one of these, or its name is too long.
    """
    if len(os.fsencode(final.name)) > LONGEST_NAME:
        raise UserError(f"{final}: the name is longer than {LONGEST_NAME} bytes; choose a shorter one")
    try:
        mode = final.lstat().st_mode
    except OSError:
        return  # nothing is there, or whoever writes there finds out why it cannot be seen
    if stat.S_ISREG(mode):
        return
    kind = _KINDS.get(stat.S_IFMT(mode), "a device")
    raise UserError(f"{final}: is {kind}, and only a regular file is written or replaced; choose another name")


@contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """A temporary path beside ``final`` that takes its name when the block ends without an error.

    The file is there, empty, and is this process's alone: its name cannot be guessed, and nothing that others put in
    its place is followed. The suffixes stay those of ``final``, so a writer that goes by the suffix works. On an error
    the temporary file is removed and an earlier file at ``final`` is untouched. What a killed process left behind
    while it wrote the same file is removed.

    Raises:
        UserError: ``final`` is not a regular file, the folder cannot be made or written, or the disk is full.
    """
    require_target(final)
    temporary = _temporary(final)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(final)
        os.close(os.open(temporary, _NEW, 0o666))
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        require_target(final)
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
        with suppress(OSError):  # the folder itself is not ours to read; the error that brought us here says so
            temporary.unlink(missing_ok=True)


@contextmanager
def scratch_folder(folder: Path, name: str) -> Iterator[Path]:
    """A folder inside ``folder`` that goes when the block ends; one that a killed process left behind goes first.

    Raises:
        UserError: the folder cannot be made.
    """
    scratch = _temporary(folder / name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder / name)
        scratch.mkdir(mode=0o700)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}; choose a folder that you may write") from None
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def only_writer(final: Path) -> Iterator[None]:
    """Keep other processes from making the same file meanwhile; a process that dies leaves the way free.

    Of several files in one folder, name the one that is written last.

    Raises:
        UserError: another process is making it, or it is not a regular file.
    """
    require_target(final)
    path = final.with_name(f".{final.name}.lock")
    new = [folder for folder in (final.parent, *final.parent.parents) if not os.path.exists(folder)]
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(path)
    except BlockingIOError:
        raise UserError(
            f"{final}: another process is making it; wait for its end, or give another --out (each shard its own)"
        ) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UserError(f"{path}: is a symbolic link where the lock of {final.name} belongs; remove it") from None
        lock = None  # a file system without locks has none; whoever writes there says why a folder cannot be written
    try:
        yield
    finally:
        if lock is not None:
            with suppress(OSError):
                path.unlink(missing_ok=True)  # while it is held: nobody else holds a file of this name
            os.close(lock)
        with suppress(OSError):  # something is in it, as there should be
            for folder in new:
                folder.rmdir()


def _lock(path: Path) -> int:
    """Descriptor of the locked file; one that its former owner took away meanwhile is not a lock."""
    while True:
        lock = os.open(path, _OWN | os.O_RDWR, 0o666)
        try:
            # this process's alone: its workers, which may outlive it for a moment, do not hold it
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(path.lstat(), os.fstat(lock)):
                    return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _temporary(final: Path) -> Path:
    # the machine as well as the process: on a shared file system two jobs may have the same number
    return final.with_name(f".{os.getpid()}@{_HOST}.{secrets.token_hex(4)}.{final.name}")


def remove_abandoned(final: Path) -> None:
    """Remove the temporary files and folders that killed processes left behind beside ``final``."""
    pattern = re.compile(r"\.(\d{1,10})@([^.@]+)\.[0-9a-f]{8}\." + re.escape(final.name))
    for name in os.listdir(final.parent):
        match = pattern.fullmatch(name)
        if match is None:
            continue
        path = final.with_name(name)
        try:
            if match[2] == _HOST:
                os.kill(int(match[1]), 0)  # raises if there is no such process
            elif time.time() - path.lstat().st_mtime > _ABANDONED:
                _remove(path)
        except (ProcessLookupError, OverflowError):
            _remove(path)
        except OSError:
            pass  # another process's to remove, or it has just gone


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def open_new(path: Path) -> int:
    """Descriptor of a text file that is written as it goes, emptied first; no link is followed.

    Raises:
        UserError: it is not a regular file.
        OSError: it cannot be written.
    """
    require_target(path)
    return os.open(path, _OWN | os.O_WRONLY | os.O_TRUNC, 0o666)


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
