"""What the table of a page holds, out of its compressed blocks."""

import base64
import gzip
import json
import re
import struct
from typing import Any

import numpy as np


def block(text: str, name: str) -> bytes:
    """The content of one block; empty where the page has none."""
    found = re.search(rf'<script type="text/plain" id="{name}">([^<]*)</script>', text)
    return gzip.decompress(base64.b64decode(found.group(1))) if found else b""


def columns(text: str) -> list[dict[str, Any]]:
    """The columns of the table with their values."""
    return json.loads(block(text, "column-data") or "[]")


def arrays(text: str) -> dict[str, np.ndarray]:
    """The packed structures."""
    data = block(text, "structure-data")
    (length,) = struct.unpack_from("<I", data)
    at, found = 4 + length, {}
    for name, kind, count in json.loads(data[4:at])["arrays"]:
        at += -at % 8
        found[name] = np.frombuffer(data, np.dtype(kind).newbyteorder("<"), count, at)
        at += found[name].nbytes
    assert at == len(data)
    return found
