"""Text for CSV files that people open in a spreadsheet, which would run some texts as formulas."""

import re
from typing import Any

_RUN = re.compile(r"[\s\x00-\x1f]*[=+\-@]|[\t\r]")
"""What a formula begins with; spreadsheets skip blanks before it."""


def inert(value: Any) -> Any:
    """A text that would run as a formula with an apostrophe before it, which spreadsheets take for "this is text".

    Other texts and other values are returned as they are (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    return f"'{value}" if isinstance(value, str) and _RUN.match(value) else value


def inert_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row with each of its texts made `inert`."""
    return {name: inert(value) for name, value in row.items()}
