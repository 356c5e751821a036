"""HTML from the templates beside this module, in which every value is escaped.

Molecule names, file names and reasons come from files of unknown origin. Markup is only what a template
itself writes, and the style sheet and programs of this package.
"""

import re
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from moldiff.reporting import figures

# What XML and HTML forbid, and lone surrogates, which UTF-8 cannot hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def render(template: str, **values: object) -> str:
    """The document that a template of ``reporting/templates`` makes of the values."""
    return _environment().get_template(template).render(**values)


def source(name: str) -> Markup:
    """A style sheet or program of this package, as it is in ``reporting/templates``."""
    return Markup(resources.files("moldiff.reporting").joinpath("templates", name).read_text(encoding="utf-8"))


def program(*names: str) -> Markup:
    """Several programs of this package as one, none of whose names is seen outside of it."""
    return Markup('\n"use strict";\n(() => {\n') + Markup("\n").join(source(name) for name in names) + Markup("})();\n")


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
    }
    return environment
