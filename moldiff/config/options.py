"""What a group of options is, and how one is read: from plain values or a file, with the mistakes in a user's words.

Only the standard library and pydantic are imported at the top, so that ``moldiff --help`` stays quick.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from moldiff.errors import UserError


@dataclass(frozen=True)
class Flag:
    """How the command line names an option, where its own name would read badly; stands in a field's annotation."""

    name: str
    metavar: str | None = None


class ConfigError(UserError):
    """A configuration that cannot be used; the message names the key and the remedy."""


class Options(BaseModel):
    """Base of all option groups: frozen, and a key that does not exist is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


OptionsType = TypeVar("OptionsType", bound=Options)


def parse(options_type: type[OptionsType], values: Mapping[str, Any], source: str = "configuration") -> OptionsType:
    """Validated options from plain values.

    Raises:
        ConfigError: an unknown key (with the nearest known one) or a value out of range, naming ``source``.
    """
    try:
        return options_type.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(f"{source}: " + "; ".join(_explain(options_type, one) for one in error.errors())) from None


def canonical_json(options: Options) -> str:
    """The options as one line of JSON with sorted keys: the same options give the same text."""
    return json.dumps(options.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)


def read_options(options_type: type[OptionsType], path: Path) -> OptionsType:
    """Options from a YAML or JSON file.

    Raises:
        ConfigError: the file cannot be read, is no mapping, or holds something that is not an option.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML or JSON: {error}") from None
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected `key: value` lines, found {type(values).__name__}")
    return parse(options_type, values, str(path))


def _explain(options_type: type[Options], detail: Mapping[str, Any]) -> str:
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


def _known_keys(options_type: type[Options], location: Iterable[str]) -> list[str]:
    for part in location:
        annotation = options_type.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, Options)):
            break
        options_type = annotation
    return list(options_type.model_fields)
