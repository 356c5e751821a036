"""The reference of all options, in Markdown and as JSON schema, made from `moldiff.config`."""

import json
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from moldiff.config.options import Options, groups
from moldiff.config.run import Config

_HEAD = """# Configuration

A configuration file is YAML with the keys below; every key has a default except `featurize.inputs`. On the command
line the same options are flags of the stage (`train.batch_size` is `moldiff train --batch-size`,
`train.network.layers` is `--network-layers`). This page is written by `make docs` from `moldiff/config.py`.
"""


def markdown() -> str:
    """The complete page; ends with a newline."""
    return "\n".join([_HEAD, *_section(Config, "")])


def json_schema() -> dict[str, Any]:
    """JSON schema of a configuration file, for editors and for Snakemake's ``validate``."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}


def _section(options_type: type[Options], path: str, kind: str = "") -> Iterator[str]:
    inner = []
    rows = []
    for name, field in options_type.model_fields.items():
        if classes := groups(field.annotation):
            inner += [(name, of_kind, group) for of_kind, group in classes.items()]
        else:
            rows.append(_row(name, field))
    title = f"`{path}`" if path else "The run"
    title += f" with `kind: {kind}`" if kind else ""
    yield f"{'##' if path.count('.') == 0 else '###'} {title}\n\n{(options_type.__doc__ or '').strip()}\n"
    yield "| key | type | default | meaning |\n|---|---|---|---|"
    yield from rows
    yield ""
    for name, of_kind, group in inner:
        yield from _section(group, f"{path}.{name}" if path else name, of_kind)


def _row(name: str, field: FieldInfo) -> str:
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    shown = "" if default is None else f"`{json.dumps(default)}`"
    meaning = (field.description or "").replace("\n", " ").replace("|", "\\|")
    return f"| `{name}` | {_type(field.annotation)}{_range(field)} | {shown} | {meaning} |"


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is list:
        return f"list of {_type(get_args(annotation)[0])}"
    if get_origin(annotation) is dict:
        return " to ".join(_type(part) for part in get_args(annotation))
    words = {int: "integer", float: "number", str: "text", bool: "`true`, `false`", type(None): "nothing"}
    if annotation in words:
        return words[annotation]
    return " or ".join(_type(part) for part in get_args(annotation))


def _range(field: FieldInfo) -> str:
    signs = []
    for limit in field.metadata:
        for kind, attribute, sign in ((Ge, "ge", "≥"), (Gt, "gt", ">"), (Le, "le", "≤"), (Lt, "lt", "<")):
            if isinstance(limit, kind):
                signs.append(f"{sign} {getattr(limit, attribute)}")
    return f" {', '.join(signs)}" if signs else ""
