"""Command-line flags made from the option classes of `moldiff.config`, and options made from the flags given."""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import typer
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from moldiff.cli.panels import EXPERT, panel
from moldiff.config.options import ConfigError, Flag, Options, groups, parse, read_options
from moldiff.errors import UserError

Shard = Annotated[
    str | None, typer.Option("--shard", metavar="K/N", help="Make only part K of N, for `moldiff merge` to join.")
]
OptionsType = TypeVar("OptionsType", bound=Options)

ALIASES = {"--n": ["-n"], "--accelerator": ["--device"]}
"""Further names of flags."""
OPTIONS_FLAG = Annotated[
    str | None,
    typer.Option(
        "--options",
        metavar="FILE|JSON",
        help="YAML or JSON file, or JSON text, with any of the options; flags win over it.",
        rich_help_panel=EXPERT,
    ),
]


def option_parameters(options_type: type[Options]) -> list[inspect.Parameter]:
    """One keyword parameter for each option; None means "not given", so that a default is not mistaken for a flag.

    An option `layers` of a nested group `network` becomes the parameter `network__layers` with flag
    `--network-layers`.
    """
    return [_parameter(path, field) for path, field in _leaves(options_type)]


def collect(options_type: type[OptionsType], values: Mapping[str, Any], source: str) -> OptionsType:
    """Options from `--options` and from the flags that were given.

    Args:
        options_type: class of the options.
        values: parameters of the command: `options`, and parameter names of `option_parameters`; others are left.
        source: what an error message names first.

    Raises:
        ConfigError: an unknown key or a value out of range.
    """
    tree = _read(options_type, values["options"]) if values.get("options") else {}
    for path, field in _leaves(options_type):
        value = values.get("__".join(path))
        if value is None or value == []:
            continue
        if _is_mapping(field):
            value = _pairs(_flag(path, field), value, get_args(field.annotation)[1])
        branch = tree
        for group in path[:-1]:
            branch = branch.setdefault(group, {})
        branch[path[-1]] = value
    return parse(options_type, tree, source)


def _read(options_type: type[Options], text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return read_options(options_type, Path(text)).model_dump(exclude_unset=True)
    try:
        values = json.loads(text)
    except RecursionError:
        raise ConfigError("--options: not JSON: nested too deeply") from None
    except ValueError as error:  # of an integer of 5,000 digits it is not a JSONDecodeError
        raise ConfigError(f"--options: not JSON: {error}; give a file's path or an object in braces") from None
    return parse(options_type, values, "--options").model_dump(exclude_unset=True)


def _leaves(options_type: type[Options], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    for name, field in options_type.model_fields.items():
        kinds = groups(field.annotation)
        if len(kinds) > 1:
            yield from (((*path, name, inner), merged) for inner, merged in _merged(kinds).items())
        elif kinds:
            yield from _leaves(kinds[""], (*path, name))
        else:
            yield (*path, name), field


def _merged(kinds: Mapping[str, type[Options]]) -> dict[str, FieldInfo]:
    """One field for each option of several classes that `kind` tells apart; its help says in what they differ."""
    merged: dict[str, FieldInfo] = {}
    for name in dict.fromkeys(name for each in kinds.values() for name in each.model_fields):
        owners = {kind: each.model_fields[name] for kind, each in kinds.items() if name in each.model_fields}
        (kind, first), *others = owners.items()
        field = merged[name] = copy(first)
        if name == "kind":
            field.annotation = Literal[tuple(kinds)]  # type: ignore[assignment]
            continue
        if len(owners) < len(kinds):
            field.description = f"With kind {kind}: {first.description}"
        for kind, other in others:
            if (other.default, other.description) != (first.default, first.description):
                field.description = (
                    f"{field.description} With kind {kind}: {other.description} Default: {other.default}."
                )
    return merged


def _is_mapping(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is dict


def _pairs(flag: str, texts: list[str], kind: type) -> dict[str, Any]:
    """`NAME=VALUE` texts as a mapping.

    Raises:
        UserError: one has no name or no value, or a value is not a number where one is needed.
    """
    pairs: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise UserError(f"{flag} {text}: expected NAME=VALUE")
        try:
            pairs[name.strip()] = kind(value.strip())
        except ValueError:
            raise UserError(f"{flag} {text}: {value.strip()!r} is not a number") from None
    return pairs


def _flag(path: tuple[str, ...], field: FieldInfo) -> str:
    given = next((known.name for known in field.metadata if isinstance(known, Flag)), None)
    return given or "--" + "-".join(path).replace("_", "-")


def _parameter(path: tuple[str, ...], field: FieldInfo) -> inspect.Parameter:
    flag = _flag(path, field)
    names = [f"{flag}/--no-{flag.removeprefix('--')}"] if field.annotation is bool else [flag]
    names += ALIASES.get(flag, [])
    minimum = next((limit.ge for limit in field.metadata if isinstance(limit, Ge)), None)
    maximum = next((limit.le for limit in field.metadata if isinstance(limit, Le)), None)
    option = typer.Option(
        *names,
        help=(field.description or "").replace("\n", " "),
        show_default=_shown(field.get_default(call_default_factory=True)),
        min=minimum,  # type: ignore[arg-type]
        max=maximum,  # type: ignore[arg-type]
        metavar=next((known.metavar for known in field.metadata if isinstance(known, Flag)), None),
        rich_help_panel=panel(path),
    )
    kind: Any = list[str] if _is_mapping(field) else field.annotation
    annotation = Annotated[kind | None, option]
    return inspect.Parameter("__".join(path), inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=None)


def _shown(default: Any) -> str | bool:
    if default is None or default == {}:
        return False
    if isinstance(default, dict):
        return " ".join(f"{name}={value:g}" for name, value in default.items())
    return " ".join(default) or False if isinstance(default, list) else str(default)


def register(options_type: type[Options], group: typer.Typer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as the command of its name that also takes every option of ``options_type`` as a flag.

    A parameter of the function that is named like an option takes the flag's place (a positional argument, say).
    """

    def command_of(function: Callable[..., None]) -> Callable[..., None]:
        own = dict(list(inspect.signature(function).parameters.items())[1:])
        generated = [parameter for parameter in option_parameters(options_type) if parameter.name not in own]

        def command(**values: Any) -> None:
            options = collect(options_type, values, f"moldiff {function.__name__}")
            function(options, **{name: values[name] for name in own if name not in options_type.model_fields})

        parameters = [
            *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own.values()),
            inspect.Parameter("options", inspect.Parameter.KEYWORD_ONLY, annotation=OPTIONS_FLAG, default=None),
            *generated,
        ]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        group.command(name=function.__name__.removeprefix("merge_"), help=function.__doc__)(command)
        return function

    return command_of


def shard_of(text: str) -> tuple[int, int]:
    """Part and number of parts, counted from 0, of `K/N` or Snakemake's `K-of-N`, counted from 1."""
    match = re.fullmatch(r"([1-9]\d*)(?:/|-of-)([1-9]\d*)", text)
    if match is None or int(match[1]) > int(match[2]):
        raise UserError(f"--shard {text}: expected K/N with K from 1 to N, such as 2/8")
    return int(match[1]) - 1, int(match[2])
