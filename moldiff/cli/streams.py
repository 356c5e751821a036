"""Standard streams that may be closed, full, or read by nobody any more."""

import os
import sys
from io import TextIOBase
from typing import Any, TextIO

from moldiff.errors import UserError


class Guarded(TextIOBase):
    """A standard stream whose failures are a user's mistake, or, of messages, nobody's; each text is flushed.

    Args:
        stream: what Python made of the descriptor; None if it was closed.
        name: of the stream, for the message.
        required: whether a text that cannot be written is an error; messages are lost silently.
    """

    def __init__(self, stream: TextIO | None, name: str, *, required: bool) -> None:
        self._stream, self._name, self._required = stream, name, required
        self._reason = "it is closed"

    def write(self, text: str) -> int:
        """Write and flush.

        Raises:
            UserError: it cannot be written, and is required.
        """
        try:
            if self._stream is None:
                raise OSError(self._reason)
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError) as error:
            if self._stream is not None:
                self._give_up(self._stream)
            self._stream, self._reason = None, getattr(error, "strerror", None) or str(error)
            if self._required:
                raise UserError(
                    f"{self._name} cannot be written: {self._reason}; files already written are complete"
                ) from None
        return len(text)

    def _give_up(self, stream: TextIO) -> None:
        """Let what is still buffered go nowhere, or Python would stumble over it when it ends."""
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass  # it has no descriptor

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Its descriptor.

        Raises:
            OSError: it is closed.
        """
        if self._stream is None:
            raise OSError(f"{self._name} is closed")
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Its encoding."""
        return self._stream.encoding if self._stream is not None else "utf-8"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_streams() -> None:
    """Put guards around the standard streams; the descriptors of closed ones are taken, so that no file gets them."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    sys.stdout = Guarded(sys.stdout, "standard output", required=True)
    sys.stderr = Guarded(sys.stderr, "standard error", required=False)
