"""What weights were trained to do beside new molecules, and which of the shipped ones can do it."""

import json
from collections.abc import Mapping
from typing import Any

from moldiff.config.distill import DistillOptions
from moldiff.config.options import parse
from moldiff.errors import LIMITS, UserError
from moldiff.files.safetensors import read_header
from moldiff.models import shipped

TASKS = {
    "new": "make new molecules",
    "fragment": "complete a given part",
    "fragments": "join given parts",
    "conformer": "make conformers of a known graph",
    "bonds": "find the bonds of bare coordinates",
    "hydrogens": "place hydrogens on heavy atoms",
}
"""The tasks of `train.tasks`, in words."""
KINDS = {
    "denoiser": "the shipped ones are, and what `moldiff train` writes by default",
    "latent denoiser": "train one with --autoencoder",
    "autoencoder": "train one with --objective autoencode",
}
"""What weights are, and where they come from."""
SETTINGS = ("steps", "sigma_max", "sigma_min", "rho", "noise", "noise_below", "step_scale", "temperature")
"""Options of sample that weights may have values of their own for: the way from noise to molecules."""
PREFERRED = ("leads", "drugs", "qm9", "qm9-heavy", "qm9-heavy-fast")
"""Shipped weights in the order in which they are taken where none are named."""
PREFERRED_FOR = {"conformer": "drugs"}
"""Those that are taken first for a task: `drugs` knows the hands of stereocentres that a molecule has."""


def tasks_of(history: Mapping[str, Any], hydrogens: str) -> frozenset[str]:
    """The tasks that weights were trained on; all of them where the weights do not say how they were trained.

    Args:
        history: of the model.
        hydrogens: explicit or implicit, of its statistics.
    """
    options = history.get("options")
    known = set(TASKS)
    if isinstance(options, Mapping):
        shares = options.get("tasks", {"new": 1.0})  # before there were tasks, molecules were all that was made
        known = {str(name) for name, share in shares.items() if share}
    return frozenset(known if hydrogens == "explicit" else known - {"hydrogens"})


def own_settings(history: Mapping[str, Any]) -> dict[str, Any]:
    """Options of sample that weights are to be sampled by; nothing for most.

    A student has the grid that it learned and plain steps. What was measured to be better of `SETTINGS` is kept in the
    history as ``sampling`` (`benchmarks/respace.py` writes it) and wins.

    Args:
        history: of the model.

    Raises:
        UserError: the grid is none.
    """
    options, measured = history.get("options"), history.get("sampling", {})
    own: dict[str, Any] = {}
    if isinstance(options, Mapping) and options.get("objective") == "distill":
        names = ("evaluations", "sigma_max", "sigma_min", "rho", "own_temperature")
        grid = {name: options["distill"][name] for name in names if name in options.get("distill", {})}
        own = parse(DistillOptions, grid, "history of the weights: options.distill").sampling
    return own | {name: measured[name] for name in SETTINGS if name in measured}


def require_kind(source: object, kind: str, purpose: str, *wanted: str) -> None:
    """Make sure that weights are of a kind that a purpose can use.

    Args:
        source: of the weights, to be named.
        kind: of `KINDS`.
        purpose: what they are for, in words.
        wanted: the kinds that can be used.

    Raises:
        UserError: they are of another; it says where weights of the wanted kind come from.
    """
    if kind not in wanted:
        asked = " or ".join(f"{_article(one)} {one}" for one in wanted)
        raise UserError(f"{source}: {_article(kind)} {kind}, but {purpose} needs {asked}: {KINDS[wanted[0]]}")


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def require_task(history: Mapping[str, Any], hydrogens: str, task: str) -> None:
    """Make sure that weights were trained on a task.

    Raises:
        UserError: they were not; it names the shipped ones that were.
    """
    if task not in tasks_of(history, hydrogens):
        raise UserError(f"these weights were not trained to {TASKS[task]}; {_others(task)} ({LIMITS})")


def default_weights(task: str) -> str:
    """The name of the shipped weights that are taken for a task where none are named.

    Raises:
        UserError: none that are shipped know it.
    """
    able = knowing(task)
    if not able:
        raise UserError(f"no shipped weights were trained to {TASKS[task]}; {_others(task)}, and name its weights")
    return able[0]


def knowing(task: str) -> list[str]:
    """Names of the shipped weights that were trained on a task, the preferred one first; only headers are read."""
    order = [PREFERRED_FOR.get(task), *PREFERRED]
    able = [name for name in shipped.names() if task in _shipped_tasks(name)]
    return sorted(able, key=lambda name: order.index(name) if name in order else len(order))


def _shipped_tasks(name: str) -> frozenset[str]:
    header, _ = read_header(shipped.FOLDER / f"{name}.safetensors", "install moldiff again")
    described = json.loads(header["__metadata__"]["model"])
    return tasks_of(described["history"], described["statistics"]["hydrogens"])


def _others(task: str) -> str:
    able = knowing(task)
    if able:
        named = " and ".join([", ".join(able[:-1]), able[-1]] if len(able) > 1 else able)
        return f"of the shipped ones {named} {'was' if len(able) == 1 else 'were'}"
    explicit = " on a dataset with `hydrogens: explicit`" if task == "hydrogens" else ""
    return f"train a model with train.tasks.{task} above 0{explicit}"
