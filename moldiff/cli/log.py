"""A log file that repeats what a command says on standard error, while progress bars stay on the terminal."""

import os
from io import TextIOBase
from pathlib import Path
from typing import TextIO

from moldiff.errors import UserError
from moldiff.files.atomic import open_new


class Tee(TextIOBase):
    """Writes to the terminal and to a log; what is drawn over a line again and again goes to the terminal only."""

    def __init__(self, terminal: TextIO, log: TextIO) -> None:
        self.terminal = terminal
        self.log = log
        self._drawn_over = False

    def write(self, text: str) -> int:
        """Write ``text`` to both, redrawn lines to the terminal alone."""
        if not text:
            return 0
        drawn_over = "\r" in text or "\x1b[" in text
        if not drawn_over and not (self._drawn_over and text == "\n"):
            self.log.write(text)
            self.log.flush()
        self._drawn_over = drawn_over
        return self.terminal.write(text)

    def flush(self) -> None:
        """Flush both."""
        self.log.flush()
        self.terminal.flush()

    def isatty(self) -> bool:
        """Whether progress bars should be drawn."""
        return self.terminal.isatty()

    def fileno(self) -> int:
        """The terminal's, for those that ask for its width."""
        return self.terminal.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The terminal's."""
        return self.terminal.encoding


def open_log(path: Path) -> TextIO:
    """The log file ``path``, emptied.

    Raises:
        UserError: it cannot be written, or is not a regular file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(open_new(path), "w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UserError(f"{path}: the log cannot be written: {error.strerror}") from error
