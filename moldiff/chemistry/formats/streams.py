"""Bytes of a file, plain or gzip, and lines of text that no byte can break, in bounded memory."""

import codecs
import itertools
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from moldiff.errors import UserError

CHUNK = 1 << 20
"""Bytes read at a time, and decompressed at a time."""
LONGEST_RECORD = 1 << 24
"""Bytes above which a line or a record is given up, so that no file fills the memory, whatever it unpacks to."""
MOST_ITEMS = 10_000
"""Data items, columns or fields above which a record or a table is given up: each would become a column of its own."""
TOO_LONG = f"record longer than {LONGEST_RECORD >> 20} MB"
_MARKS = (  # the longer mark first: UTF-32's little-endian one begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class DamagedInput(Exception):
    """The bytes end or break here; what came before is good."""


class Line(NamedTuple):
    """A line of text that ends with a newline, or the beginning of one that is longer than `LONGEST_RECORD`."""

    text: str
    problem: str | None = None


def read_bytes(path: Path | None, on_bytes: Callable[[int], object] | None = None) -> Iterator[bytes]:
    """The decompressed content of a file in pieces of at most `CHUNK`; None reads standard input.

    Args:
        path: the file.
        on_bytes: called with the number of bytes read from the file itself so far, for a progress bar.

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
            if path is not None and path.suffix.lower() == ".gz":
                raise UserError(
                    f"{name}: is not a gzip file although its name ends in .gz; rename it or compress it again"
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
                data = stream.decompress(chunk, CHUNK)
            except zlib.error as error:
                raise DamagedInput(f"damaged gzip: {error}") from None
            if data:
                yield data
            chunk = stream.unconsumed_tail
            if stream.eof:  # files may be several members and padding
                chunk = stream.unused_data.lstrip(b"\0")
                if chunk:
                    stream = zlib.decompressobj(gzip_format)
        chunk = file.read(CHUNK)
        if chunk and stream.eof:
            chunk = chunk.lstrip(b"\0") or file.read(CHUNK)
            stream = zlib.decompressobj(gzip_format) if chunk else stream
    while not stream.eof:  # the last compressed bytes may still hold more than one piece
        data = stream.decompress(b"", CHUNK)
        if not data:
            raise DamagedInput("truncated gzip: the file ends before its compressed data does")
        yield data


def read_text(path: Path | None, on_bytes: Callable[[int], object] | None = None) -> Iterator[bytes]:
    r"""The text of a file as UTF-8 without a byte order mark, in pieces, every line end made one ``\n``.

    UTF-16 and UTF-32 are known by their mark, UTF-16 also by its zeros. A carriage return alone is a line end too
    (old Macintosh programs, Excel's "CSV (Macintosh)").

    Raises:
        DamagedInput, UserError: see `read_bytes`; DamagedInput also for text that is not in its announced encoding.
    """
    chunks = read_bytes(path, on_bytes)
    head = next(chunks, b"")
    encoding, mark = _encoding(head)
    decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
    held = b""
    for chunk in itertools.chain([head[mark:]], chunks):
        if decoder is not None:
            chunk = _decoded(decoder, chunk)
        chunk = held + chunk
        tail = min(len(chunk) - len(chunk.rstrip(b"\r")), 2)  # its newline may begin the next piece
        held = chunk[len(chunk) - tail :]
        if chunk := _unix(chunk[: len(chunk) - tail]):
            yield chunk
    if decoder is not None:
        held += _decoded(decoder, b"", final=True)
    if held:
        yield _unix(held)


def _encoding(head: bytes) -> tuple[str, int]:
    """Encoding of a text by its first bytes, and the length of its byte order mark."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    for name, zeros, others in (("utf-16-le", head[1:40:2], head[0:40:2]), ("utf-16-be", head[0:40:2], head[1:40:2])):
        if len(zeros) > 2 and not any(zeros) and all(others):
            return name, 0
    return "utf-8", 0


def _decoded(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bytes:
    try:
        return decoder.decode(chunk, final).encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise DamagedInput(f"damaged text: not {error.encoding}: {error.reason}") from None


def _unix(text: bytes) -> bytes:
    if b"\r" in text:
        return text.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text


def decode(data: bytes) -> str:
    """Text from UTF-8 bytes, or from Latin-1 where they are not UTF-8, so that no byte is an error."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_lines(chunks: Iterator[bytes]) -> Iterator[Line]:
    """Lines of what `read_text` gives, which may hold any bytes; a line that is too long is cut and has a problem.

    Raises:
        DamagedInput: passed on, after the last complete line.
    """
    pieces: list[bytes] = []
    length = 0
    for chunk in chunks:
        first, *rest = chunk.split(b"\n")
        if length + len(first) <= LONGEST_RECORD:
            pieces.append(first)
        length += len(first)
        for line in rest:
            yield _line(pieces, length)
            pieces, length = [line], len(line)
    if length:
        yield _line(pieces, length)


def _line(pieces: list[bytes], length: int) -> Line:
    if length > LONGEST_RECORD:
        return Line(decode(b"".join(pieces)[:100]) + "\n", TOO_LONG)
    return Line(decode(b"".join(pieces)) + "\n")
