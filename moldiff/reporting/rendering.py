"""HTML from the templates beside this module, in which every value is escaped.

Molecule names, file names and reasons come from files that anybody may have written. Markup is only what a template
itself writes, and the style sheet and programs of this package.
"""

import json
import re
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from moldiff.reporting import figures

# What XML and HTML forbid, and lone surrogates, which UTF-8 cannot hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def render(template: str, **values: object) -> str:
    """The document that a template of ``reporting/templates`` makes of the values."""
    return _environment().get_template(template).render(**values)


def source(name: str) -> Markup:
    """A style sheet or program of this package, as it stands in ``reporting/templates``."""
    return Markup(resources.files("moldiff.reporting").joinpath("templates", name).read_text(encoding="utf-8"))


def embedded_json(value: Any) -> Markup:
    """JSON that can stand inside a script element: nothing in it can close the element or open a comment."""
    written = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return Markup(written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def clean(value: object) -> object:
    """What is written for a value: None is empty, characters that a page may not hold become U+FFFD."""
    if isinstance(value, Markup):
        return value
    return "" if value is None else _FORBIDDEN.sub("\ufffd", str(value))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("moldiff.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": figures.plain,
        "percent": figures.percent,
        "interval": figures.interval,
        "short": figures.short,
        "embedded_json": embedded_json,
    }
    return environment
