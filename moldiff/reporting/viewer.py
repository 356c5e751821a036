"""The molecules that can be turned on the page, as data for viewer.js."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from rdkit import Chem

from moldiff.reporting.markup import Markup, embedded_json, short, tag

MOST_ATOMS = 400

# Middle tones in the custom of the field; what is not listed is pink.
COLOURS = {
    1: "#c9ced6", 5: "#e0a08c", 6: "#7d8590", 7: "#4a7bf0", 8: "#e5484d", 9: "#4cb38a", 14: "#d6b48a", 15: "#ef8e3b",
    16: "#d9ad1c", 17: "#3fa556", 35: "#b0653a", 53: "#9254c8",
}  # fmt: skip
OTHER = "#e06fb5"


@dataclass(frozen=True)
class Shown:
    """A structure, the name it goes by and the figures written beside it."""

    mol: Chem.Mol
    name: str
    smiles: str
    figures: Sequence[tuple[str, str]]


def viewer(shown: Sequence[Shown]) -> Markup:
    """The viewer's elements and data; without JavaScript a line says that the structures are in the files."""
    small = [entry for entry in shown if entry.mol.GetNumAtoms() <= MOST_ATOMS]
    if not small:
        return tag("p", "No structure with three-dimensional coordinates is at hand.", class_="missing")
    buttons = [
        tag(
            "button",
            tag("canvas", width=96, height=72, aria_hidden="true"),
            tag("span", short(entry.name, 24), class_="name"),
            type="button",
            aria_pressed="true" if index == 0 else "false",
            data_structure=index,
            title=short(entry.name),
        )
        for index, entry in enumerate(small)
    ]
    actions = (("zoom-in", "+", "Zoom in"), ("zoom-out", "−", "Zoom out"), ("spin", "Spin", "Turn by itself"),
               ("labels", "Labels", "Write the elements"), ("reset", "Reset", "Back to the first view"))  # fmt: skip
    tools = [
        tag("button", sign, type="button", data_action=action, aria_label=told, title=told,
            aria_pressed="false" if action in ("spin", "labels") else None)
        for action, sign, told in actions
    ]  # fmt: skip
    stage = tag(
        "div",
        tag("canvas", id="stage", tabindex=0, role="img", aria_label="3D structure", aria_describedby="viewer-help"),
        tag("div", tools, class_="tools", role="group", aria_label="View"),
        class_="stage",
    )
    about = (
        tag("h3", "", id="viewer-name", class_="name"),
        tag("p", "", id="viewer-smiles", class_="smiles"),
        tag("dl", "", id="viewer-figures"),
    )
    aside = tag("div", about, class_="about", aria_live="polite")
    told = (
        "Drag or swipe to rotate, or use the arrow keys; + and −, pinch, or the wheel after a click to zoom; "
        "0 to reset. Colours: carbon grey, nitrogen blue, oxygen red, sulfur yellow, halogens green to brown."
    )
    data = tag("script", embedded_json([_data(entry) for entry in small]), type="application/json", id="structure-data")
    return tag(
        "div",
        tag(
            "noscript",
            tag("p", "The 3D view needs JavaScript; the structures are in the files below.", class_="missing"),
        ),
        tag("div", stage, aside, class_="viewer"),
        tag("p", told, class_="note", id="viewer-help"),
        tag("div", buttons, class_="thumbnails", role="group", aria_label="Choose a structure"),
        data,
    )


def script() -> str:
    """The viewer's program."""
    return resources.files("moldiff.reporting").joinpath("viewer.js").read_text(encoding="utf-8")


def style() -> str:
    """The page's style sheet."""
    return resources.files("moldiff.reporting").joinpath("style.css").read_text(encoding="utf-8")


def facing(positions: np.ndarray) -> np.ndarray:
    """Centred positions [atom, 3], turned so that the molecule lies flat before the eye; never mirrored."""
    centred = positions - positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False) if len(centred) > 2 else (None, None, np.eye(3))
    if np.linalg.det(axes) < 0:
        axes[2] = -axes[2]
    return centred @ axes.T


def _data(entry: Shown) -> Mapping[str, Any]:
    mol = entry.mol
    table = Chem.GetPeriodicTable()
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    return {
        "name": short(entry.name),
        "smiles": short(entry.smiles, 200),
        "figures": [list(pair) for pair in entry.figures],
        "atoms": numbers,
        "charges": [atom.GetFormalCharge() for atom in mol.GetAtoms()],
        "positions": [round(float(v), 3) for v in facing(mol.GetConformer().GetPositions()).ravel()],
        "bonds": [[b.GetBeginAtomIdx(), b.GetEndAtomIdx(), b.GetBondTypeAsDouble()] for b in mol.GetBonds()],
        "elements": {
            str(z): [table.GetElementSymbol(z), COLOURS.get(z, OTHER), round(table.GetRcovalent(z), 2)]
            for z in sorted(set(numbers))
        },
    }
