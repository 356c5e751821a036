"""What a group of options is, and how one is read: from plain values or a file, with the mistakes in a user's words.

Only the standard library and pydantic are imported at the top, so that ``moldiff --help`` stays quick.
"""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import Repr
from types import UnionType
from typing import Annotated, Any, Self, TypeVar, Union, get_args, get_origin

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


def groups(annotation: Any) -> dict[str, type[Options]]:
    """The option classes that an annotation names, by their `kind`; a class alone has the key "", a plain type none."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, Options):
        return {"": annotation}
    if get_origin(annotation) not in (Union, UnionType):
        return {}
    classes = [part for part in get_args(annotation) if isinstance(part, type) and issubclass(part, Options)]
    return {get_args(each.model_fields["kind"].annotation)[0]: each for each in classes}


def _explain(options_type: type[Options], detail: Mapping[str, Any]) -> str:
    """The mistake as `key: message`, with the nearest known key where one does not exist."""
    names, kinds, kind = _located(options_type, [str(part) for part in detail["loc"]])
    location = [name if len(name) <= 80 else f"{name[:80]}..." for name in names]
    key = ".".join(location)
    if detail["type"] == "union_tag_invalid":
        key, given = f"{key}.kind" if key else "kind", detail["input"]["kind"]
        return f"{key}: expected one of {', '.join(kinds)} (given: {_cut(given)})"
    if detail["type"] != "extra_forbidden":
        message = str(detail["msg"]).removeprefix("Value error, ")
        return f"{key}: {message} (given: {_cut(detail['input'])})" if key else message
    known, own = list(kinds[kind].model_fields), location[-1]
    if others := [other for other, each in kinds.items() if own in each.model_fields]:
        return f"unknown key `{key}` of kind {kind}; it is an option of kind {' and '.join(others)}"
    close = difflib.get_close_matches(own, known, n=1, cutoff=0.5)
    remedy = f"did you mean `{close[0]}`?" if close else f"known keys: {', '.join(known)}"
    return f"unknown key `{key}`; {remedy}"


def _located(options_type: type[Options], location: list[str]) -> tuple[list[str], dict[str, type[Options]], str]:
    """The keys of a place, the option classes that its last key may belong to, and the kind of the one it does."""
    names: list[str] = []
    kinds, kind = {"": options_type}, ""
    for part in location:
        if kind not in kinds:
            kind = part  # pydantic names the class of a union behind its key
            continue
        names.append(part)
        field = kinds[kind].model_fields.get(part)
        if field is not None and (inner := groups(field.annotation)):
            kinds, kind = inner, ""
    return names, kinds, kind
