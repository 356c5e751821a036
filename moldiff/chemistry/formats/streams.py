"""Bytes of a file, plain or gzip, and lines of text that no byte can break."""

import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from moldiff.errors import UserError

CHUNK = 1 << 20
"""Bytes read at a time."""


class DamagedInput(Exception):
    """The bytes end or break here; what came before is good."""


def read_bytes(path: Path | None, on_bytes: Callable[[int], object] | None = None) -> Iterator[bytes]:
    """The decompressed content of a file in pieces; None reads standard input.

    Args:
        path: the file.
        on_bytes: told how many bytes of the file itself have been read, for a progress bar.

    Raises:
        DamagedInput: a gzip stream that is truncated or damaged, after its good part was given.
        UserError: the file is empty, cannot be read, or is called .gz and is none.
    """
    name = "standard input" if path is None else str(path)
    try:
        with sys.stdin.buffer if path is None else path.open("rb") as file:
            first = file.read(CHUNK)
            if not first:
                raise UserError(f"{name}: the file is empty; give a file that holds molecules")
            if first[:2] == b"\x1f\x8b":
                yield from _gunzip(first, file, on_bytes)
                return
            if path is not None and path.suffix == ".gz":
                raise UserError(
                    f"{name}: is no gzip file although its name ends in .gz; rename it or compress it again"
                )
            chunk = first
            while chunk:
                if on_bytes:
                    on_bytes(len(chunk))
                yield chunk
                chunk = file.read(CHUNK)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{name}: cannot be read: {reason}; check the path and its permissions") from error


def _gunzip(first: bytes, file: BinaryIO, on_bytes: Callable[[int], object] | None) -> Iterator[bytes]:
    gzip_format = 16 + zlib.MAX_WBITS
    stream = zlib.decompressobj(gzip_format)
    chunk = first
    while chunk:
        if on_bytes:
            on_bytes(len(chunk))
        while chunk:
            try:
                data = stream.decompress(chunk)
            except zlib.error as error:
                raise DamagedInput(f"damaged gzip: {error}") from None
            if data:
                yield data
            chunk = stream.unused_data.lstrip(b"\0") if stream.eof else b""  # files may be several members and padding
            if chunk:
                stream = zlib.decompressobj(gzip_format)
        chunk = file.read(CHUNK)
        if chunk and stream.eof:
            stream = zlib.decompressobj(gzip_format)
    if not stream.eof:
        raise DamagedInput("truncated gzip: the file ends before its compressed data does")


def decode(data: bytes) -> str:
    """Text from UTF-8 bytes, or from Latin-1 where they are not UTF-8, so that no byte is an error."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Lines with their line end made one newline, of a byte stream that may hold any bytes.

    Raises:
        DamagedInput: passed on, after the last complete line.
    """
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield decode(line).removesuffix("\r") + "\n"
    if rest.strip():
        yield decode(rest).removesuffix("\r") + "\n"
