"""What pydantic finds wrong with options, in a user's words."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel


def explain(options_type: type[BaseModel], detail: Mapping[str, Any]) -> str:
    """The mistake as `key: message`, with the nearest known key where one does not exist."""
    location = [str(part) for part in detail["loc"]]
    key = ".".join(location)
    if detail["type"] != "extra_forbidden":
        message = str(detail["msg"]).removeprefix("Value error, ")
        return f"{key}: {message} (given: {detail['input']!r})" if key else message
    known = _known_keys(options_type, location[:-1])
    close = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
    remedy = f"did you mean `{close[0]}`?" if close else f"known keys: {', '.join(known)}"
    return f"unknown key `{key}`; {remedy}"


def _known_keys(options_type: type[BaseModel], location: Iterable[str]) -> list[str]:
    for part in location:
        annotation = options_type.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        options_type = annotation
    return list(options_type.model_fields)
