"""Command-line flags made from the option classes of `moldiff.config`, and options made from the flags given."""

import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from moldiff.config.options import ConfigError, Options, parse, read_options

OptionsType = TypeVar("OptionsType", bound=Options)

OPTIONS_FLAG = Annotated[
    str | None,
    typer.Option(
        "--options",
        metavar="FILE|JSON",
        help="YAML or JSON file, or JSON text, with any of the options below; flags win over it.",
    ),
]


def option_parameters(options_type: type[Options]) -> list[inspect.Parameter]:
    """One keyword parameter for each option; None stands for "not given", so that a default can be told from a flag.

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
    for path, _ in _leaves(options_type):
        value = values.get("__".join(path))
        if value is None or value == []:
            continue
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
    except json.JSONDecodeError as error:
        raise ConfigError(f"--options: not JSON: {error}; give a file's path or an object in braces") from None
    return parse(options_type, values, "--options").model_dump(exclude_unset=True)


def _leaves(options_type: type[Options], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    for name, field in options_type.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Options):
            yield from _leaves(field.annotation, (*path, name))
        else:
            yield (*path, name), field


def _parameter(path: tuple[str, ...], field: FieldInfo) -> inspect.Parameter:
    flag = "-".join(path).replace("_", "-")
    names = [f"--{flag}/--no-{flag}"] if field.annotation is bool else [f"--{flag}"]
    if flag == "n":
        names.append("-n")
    minimum = next((limit.ge for limit in field.metadata if isinstance(limit, Ge)), None)
    maximum = next((limit.le for limit in field.metadata if isinstance(limit, Le)), None)
    option = typer.Option(
        *names,
        help=(field.description or "").replace("\n", " "),
        show_default=_shown(field.get_default(call_default_factory=True)),
        min=minimum,  # type: ignore[arg-type]
        max=maximum,  # type: ignore[arg-type]
        rich_help_panel=f"Options of the {path[0]}" if len(path) > 1 else None,
    )
    annotation = Annotated[field.annotation | None, option]  # type: ignore[name-defined]
    return inspect.Parameter("__".join(path), inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=None)


def _shown(default: Any) -> str | bool:
    if default is None:
        return False
    return " ".join(default) or False if isinstance(default, list) else str(default)
