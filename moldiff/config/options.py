"""What a group of options is, and how one is read: from plain values or a file, with the mistakes in a user's words.

Only the standard library and pydantic are imported at the top, so that ``moldiff --help`` stays quick.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import Repr
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from moldiff.errors import UserError

LARGEST_INTEGER = 2**31 - 1
"""Of any option: what every library below takes for a seed or a count."""
MOST_VALUES = 1_000_000
"""Of a configuration, its aliases written out."""
DEEPEST = 50
"""Levels of lists and mappings within each other."""
MOST_MISTAKES = 8
"""Named in one message."""

_CUT = Repr()
_CUT.maxstring = _CUT.maxother = _CUT.maxlong = 80
_CUT.maxlist = _CUT.maxdict = _CUT.maxtuple = 4
_CUT.maxlevel = 2


@dataclass(frozen=True)
class Flag:
    """How the command line names an option, where its own name would read badly; part of a field's annotation."""

    name: str
    metavar: str | None = None


class ConfigError(UserError):
    """A configuration that cannot be used; the message names the key and the remedy."""


class Options(BaseModel):
    """Base of all option groups: frozen; a key that does not exist is an error, as is a number without bounds."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _integers_that_fit(self) -> Self:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, int) and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
                raise ValueError(f"{name} is beyond {LARGEST_INTEGER}, the largest integer of an option")
        return self


OptionsType = TypeVar("OptionsType", bound=Options)


def parse(options_type: type[OptionsType], values: Mapping[str, Any], source: str = "configuration") -> OptionsType:
    """Validated options from plain values.

    Raises:
        ConfigError: an unknown key (with the nearest known one) or a value out of range, naming ``source``.
    """
    _require_bounded(values, source)
    try:
        return options_type.model_validate(dict(values))
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_context=False)
        explanations = [_explain(options_type, one) for one in mistakes[:MOST_MISTAKES]]
        more = [f"and {len(mistakes) - MOST_MISTAKES} more"] if len(mistakes) > MOST_MISTAKES else []
        raise ConfigError(f"{source}: " + "; ".join(explanations + more)) from None


def canonical_json(options: Options) -> str:
    """The options as one line of JSON with sorted keys: the same options give the same text."""
    return json.dumps(options.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)


def read_options(options_type: type[OptionsType], path: Path) -> OptionsType:
    """Options from a YAML or JSON file.

    Raises:
        ConfigError: the file cannot be read, is not a mapping, or holds something that is not an option.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ConfigError(f"{path}: cannot be read as YAML or JSON: nested too deeply") from None
    except (OSError, ValueError, yaml.YAMLError) as error:  # of an integer of 5,000 digits it is a ValueError
        raise ConfigError(f"{path}: cannot be read as YAML or JSON: {' '.join(str(error).split())[:500]}") from None
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected `key: value` lines, found {type(values).__name__}")
    return parse(options_type, values, str(path))


def _require_bounded(values: Any, source: str) -> None:
    """Refuse what a few lines of YAML aliases can stand for: a value is counted as often as it is referred to."""
    sizes: dict[int, int] = {}

    def size(value: Any, depth: int) -> int:
        if not isinstance(value, dict | list | tuple):
            return 1
        if depth > DEEPEST:  # also a list that holds itself
            raise ConfigError(f"{source}: nested more than {DEEPEST} levels deep")
        if id(value) not in sizes:
            parts = value.values() if isinstance(value, dict) else value
            sizes[id(value)] = 1 + sum(size(part, depth + 1) for part in parts)
        return sizes[id(value)]

    if (total := size(dict(values), 0)) > MOST_VALUES:
        shown = total if total < 10**12 else "10^12 and more"
        raise ConfigError(f"{source}: its aliases stand for {shown} values, more than {MOST_VALUES}; remove them")


def _cut(value: Any) -> str:
    """How a value is shown: a few of its parts, and of each a few characters."""
    try:
        return _CUT.repr(value)
    except ValueError:  # an integer of thousands of digits has no decimal text
        return f"{type(value).__name__} of many digits"


def _explain(options_type: type[Options], detail: Mapping[str, Any]) -> str:
    """The mistake as `key: message`, with the nearest known key where one does not exist."""
    location = [part if len(part := str(given)) <= 80 else f"{part[:80]}..." for given in detail["loc"]]
    key = ".".join(location)
    if detail["type"] != "extra_forbidden":
        message = str(detail["msg"]).removeprefix("Value error, ")
        return f"{key}: {message} (given: {_cut(detail['input'])})" if key else message
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
