"""2D pictures of molecules as compact SVG that follows the page's text colour."""

import re

from rdkit import Chem, RDLogger
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from moldiff.reporting.markup import Markup, tag

WIDTH, HEIGHT = 220, 150
# Middle tones that can be read on white and on black; carbon and the rest take the text colour.
PALETTE = {
    7: (0.24, 0.47, 0.90),
    8: (0.88, 0.28, 0.25),
    9: (0.16, 0.60, 0.42),
    16: (0.72, 0.53, 0.04),
    17: (0.16, 0.60, 0.29),
    35: (0.70, 0.38, 0.16),
    53: (0.56, 0.33, 0.74),
    15: (0.85, 0.48, 0.10),
    5: (0.80, 0.45, 0.42),
}
MOST_ATOMS = 200

_PATH = re.compile(r"<path [^>]*>")
_NUMBER = re.compile(r"-?\d+\.\d+")
_ATTRIBUTE = re.compile(r"([a-z]+)='([^']*)'")


def picture(mol: Chem.Mol, description: str, highlight: tuple[int, ...] = ()) -> Markup:
    """The molecule drawn in 2D, atoms of ``highlight`` on a coloured ground.

    A molecule that cannot be sanitized is drawn as it is written. Where nothing can be drawn, a line says so.
    """
    if mol.GetNumAtoms() > MOST_ATOMS:
        return tag("p", f"not drawn: {mol.GetNumAtoms()} atoms", class_="missing")
    try:
        with _Quiet():
            return _draw(mol, description, highlight)
    except (ValueError, RuntimeError) as error:
        return tag("p", f"not drawn: {type(error).__name__}", class_="missing")


def from_smiles(smiles: str) -> Chem.Mol | None:
    """The molecule of a SMILES, or None where RDKit cannot read it; silent."""
    with _Quiet():
        return Chem.MolFromSmiles(smiles)


def without_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    """A copy without the hydrogens that a drawing leaves out, without conformers and stereo; unsanitized stays so."""
    copy = Chem.Mol(mol)
    copy.RemoveAllConformers()
    for atom in copy.GetAtoms():
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)  # of no meaning in a molecule that is no molecule
    for bond in copy.GetBonds():
        bond.SetBondDir(Chem.BondDir.NONE)
    with _Quiet():
        parameters = Chem.RemoveHsParameters()
        try:
            copy.UpdatePropertyCache(strict=False)
            return Chem.RemoveHs(copy, parameters, sanitize=False)
        except (ValueError, RuntimeError):
            return copy


class _Quiet:
    """RDKit's log is switched off inside; broken molecules are expected here and explained on the page."""

    def __enter__(self) -> None:
        RDLogger.DisableLog("rdApp.*")

    def __exit__(self, *_: object) -> None:
        RDLogger.EnableLog("rdApp.*")


def _draw(mol: Chem.Mol, description: str, highlight: tuple[int, ...]) -> Markup:
    copy = Chem.Mol(mol)
    copy.RemoveAllConformers()
    copy.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(copy)
    rdDepictor.Compute2DCoords(copy, canonOrient=True)
    drawer = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    options = drawer.drawOptions()
    options.clearBackground = False
    options.bondLineWidth = 1.4
    options.maxFontSize = 15
    options.fixedBondLength = 26
    options.padding = 0.04
    options.prepareMolsBeforeDrawing = False
    options.setHighlightColour((1.0, 0.72, 0.25, 0.55))
    options.highlightBondWidthMultiplier = 16
    options.setAtomPalette({-1: (0, 0, 0), 0: (0, 0, 0), 6: (0, 0, 0), 1: (0, 0, 0), **PALETTE})
    bonds = [b.GetIdx() for b in copy.GetBonds() if {b.GetBeginAtomIdx(), b.GetEndAtomIdx()} <= set(highlight)]
    drawer.DrawMolecule(_prepared(copy), highlightAtoms=list(highlight), highlightBonds=bonds)
    drawer.FinishDrawing()
    return _compact(drawer.GetDrawingText(), description)


def _prepared(mol: Chem.Mol) -> Chem.Mol:
    try:
        return rdMolDraw2D.PrepareMolForDrawing(mol, kekulize=True, addChiralHs=False, forceCoords=False)
    except (ValueError, RuntimeError):
        return rdMolDraw2D.PrepareMolForDrawing(mol, kekulize=False, addChiralHs=False, forceCoords=False)


def _compact(drawing: str, description: str) -> Markup:
    """The paths of RDKit's drawing alone: one for each colour, coordinates rounded, black as the text colour."""
    shapes: dict[tuple[str, str, str, str], list[str]] = {}
    for match in _PATH.finditer(drawing):
        attributes: dict[str, str] = dict(_ATTRIBUTE.findall(match.group()))
        style = dict(re.findall(r"([a-z-]+):([^;]*)", attributes.get("style", "")))
        shape = _NUMBER.sub(lambda found: f"{float(found.group()):.1f}", attributes.get("d", ""))
        fill: str = attributes.get("fill") or style.get("fill") or "none"
        stroke: str = style.get("stroke", "none")
        width = style.get("stroke-width", "").removesuffix("px") if stroke != "none" else ""
        look = (_colour(fill), _colour(stroke), width, style.get("fill-opacity", "1"))
        shapes.setdefault(look, []).append(re.sub(r"\s*([A-Za-z])\s*", r"\1", shape))
    paths = [
        tag(
            "path",
            d="".join(parts),
            fill=fill,
            stroke=None if stroke == "none" else stroke,
            stroke_width=width or None,
            opacity=None if opacity == "1" else opacity,
        )
        for (fill, stroke, width, opacity), parts in shapes.items()
    ]
    box = f"0 0 {WIDTH} {HEIGHT}"
    return tag("svg", tag("title", description), paths, viewBox=box, class_="molecule", role="img")


def _colour(written: str) -> str:
    return "currentColor" if written.upper() == "#000000" else written[:7]
