"""Headers of safetensors files that say something else."""

import copy
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path

from moldiff.dataset.storage import open_dataset
from moldiff.errors import UserError
from moldiff.models.checkpoint import load_model
from tests.faults.damage import damaged, damaged_bytes, require


def weights_header(draw: random.Random, folder: Path) -> str:
    """A weights file whose header says something else: refused in one line, or read."""
    return _header(draw, folder / "model.safetensors", lambda path: load_model(path))


def arrays_header(draw: random.Random, folder: Path) -> str:
    """A featurized set whose header of arrays says something else: refused in one line, or read."""
    return _header(draw, folder / "dataset" / "arrays.safetensors", lambda path: open_dataset(path.parent))


def _header(draw: random.Random, path: Path, load: Callable[[Path], object]) -> str:
    original = path.read_bytes()
    length = struct.unpack("<Q", original[:8])[0]
    header, tensors = original[8 : 8 + length].decode(), original[8 + length :]
    match draw.randrange(4):
        case 0:
            changed = damaged(header, draw)
        case 1:
            changed = json.dumps(_other(json.loads(header), draw))
        case 2:  # the description within the header, which is JSON as well
            tree = json.loads(header)
            metadata = tree.get("__metadata__", {})
            if "model" in metadata:
                metadata["model"] = json.dumps(_other(json.loads(metadata["model"]), draw))
                metadata.pop("sha256", None)
            changed = json.dumps(tree)
        case _:
            changed = header
    data = changed.encode("utf-8", "surrogatepass")
    said = (
        len(data)
        if draw.random() < 0.8
        else draw.choice((0, 1, 7, len(data) - 1, len(data) + 8, 2**31, 2**63, 2**64 - 1))
    )
    content = struct.pack("<Q", said) + data + tensors
    path.write_bytes(damaged_bytes(content, draw) if draw.random() < 0.2 else content)
    try:
        load(path)
    except UserError as error:
        require(str(path) in str(error) or str(path.parent) in str(error), f"names no file: {error}")
        require("\n" not in str(error), f"of several lines: {error}")
        require(len(str(error)) < 1500, f"of {len(str(error))} characters: {error}")
        return "refused"
    finally:
        path.write_bytes(original)
    return "read"


_VALUES = (
    None, True, -1, 0, 1, 10**12, 2**63, 2**64, -(10**30), 0.5, 1e308, float("nan"), float("inf"), "", "x", "64x0e", [],
    {}, [0, 2**62], [[]], [1] * 50, {"a": 1}, "F32", "BF16", "U8", "I64",
)  # fmt: skip


def _other(tree: object, draw: random.Random) -> object:
    """JSON in which a value or a few are others, missing, or under another name."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        place: object = tree
        while isinstance(place, (dict, list)) and place:
            key = draw.choice(sorted(place)) if isinstance(place, dict) else draw.randrange(len(place))
            below = place[key]  # type: ignore[index]
            if isinstance(below, (dict, list)) and below and draw.random() < 0.85:
                place = below
                continue
            match draw.randrange(5):
                case 0:
                    del place[key]  # type: ignore[arg-type]
                case 1 if isinstance(place, dict):
                    place[draw.choice(("x", "__metadata__", "positions", ""))] = place.pop(key)
                case 2 if isinstance(below, (int, float)) and not isinstance(below, bool):
                    place[key] = below * draw.choice((-1, 2, 10, 10**6, 0.5))  # type: ignore[index]
                case _:
                    place[key] = copy.deepcopy(draw.choice(_VALUES))  # type: ignore[index]
            break
    return tree
