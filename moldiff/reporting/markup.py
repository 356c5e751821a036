"""HTML that is escaped by construction: text becomes markup only through `tag` and `text`.

Molecule names, file names and reasons come from files that anybody may have written. A plain ``str`` given to
`tag` is always escaped; only `Markup`, which this module makes, passes unchanged.
"""

import html
import json
import re
from collections.abc import Iterable
from typing import Any

VOID = frozenset({"meta", "link", "br", "hr", "img", "col", "input"})
# What XML and HTML forbid, and lone surrogates, which UTF-8 cannot hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """HTML text that is safe to be written as it is."""

    __slots__ = ()


def text(value: object) -> Markup:
    """The value as escaped text; `Markup` passes unchanged, None is empty, forbidden characters become U+FFFD."""
    if isinstance(value, Markup):
        return value
    return Markup("" if value is None else html.escape(_FORBIDDEN.sub("\ufffd", str(value)), quote=True))


def join(parts: Iterable[object], separator: str = "") -> Markup:
    """The escaped parts one after the other."""
    return Markup(text(separator).join(text(part) for part in parts))


def tag(element: str, /, *children: object, **attributes: object) -> Markup:
    """An element with escaped attributes and children.

    ``class_`` is written class and ``aria_label`` is written aria-label; an attribute that is None or False is left
    out and one that is True stands without a value. Children that are lists or tuples are flattened.
    """
    written = "".join(
        f" {_attribute(key)}" if value is True else f' {_attribute(key)}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if element in VOID:
        return Markup(f"<{element}{written}>")
    inside = "".join(join(child) if isinstance(child, list | tuple) else text(child) for child in children)
    return Markup(f"<{element}{written}>{inside}</{element}>")


def embedded_json(value: Any) -> Markup:
    """JSON that can stand inside a script element: nothing in it can close the element or open a comment."""
    written = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return Markup(written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def short(value: object, length: int = 60) -> str:
    """The value as one line of at most ``length`` characters; a cut is marked by an ellipsis."""
    line = " ".join(str(value)[: 20 * length].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-") if key not in {"viewBox", "preserveAspectRatio"} else key
