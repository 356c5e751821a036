"""2D pictures of molecules as compact SVG paths that follow the page's text colour.

The molecules are other people's: each is drawn in a process of its own that is ended when it takes too long, and whose
crash costs that picture alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.parsing import Rejected, parse_record
from moldiff.parallel import Lost, default_workers, run_all
from moldiff.scoring.molecule.rings import without_chains

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
MOST_BONDS = 600
SECONDS = 10.0
"""Time for one picture."""
GIVEN = "moldiff_given_atoms"
"""Data item of an SDF record: numbers of the atoms (from 1, separated by commas) that were given to the sampler."""

_SHAPE = re.compile(r"<(?:path|ellipse) [^>]*>")
_COUNTS = re.compile(r"^M  V30 COUNTS (.*)$", re.MULTILINE)
_NUMBER = re.compile(r"-?\d+\.\d+")
_ATTRIBUTE = re.compile(r"([a-z]+)='([^']*)'")


@dataclass(frozen=True)
class Request:
    """A molecule to draw: from its record where it can be read, else from its SMILES.

    Attributes:
        description: what a screen reader says.
        smiles: the molecule.
        record: the molecule as it is written in a file.
        ring: SMILES of a ring system to mark, as the check writes it.
    """

    description: str
    smiles: str = ""
    record: Record | None = None
    ring: str = ""


@dataclass(frozen=True)
class Shape:
    """SVG path data and how it is painted; empty where nothing is."""

    path: str
    fill: str
    stroke: str
    width: str
    opacity: str


@dataclass(frozen=True)
class Picture:
    """The shapes of a drawing, or why there is none."""

    description: str
    shapes: Sequence[Shape] = ()
    problem: str = ""


def draw_all(requests: Sequence[Request]) -> list[Picture]:
    """A picture for each request; one that takes too long or crashes says so and costs no other."""
    pictures = [Picture(request.description, problem="not drawn") for request in requests]
    for piece in run_all(_draw, list, _numbered(requests), workers=_workers(len(requests)), chunk=8, timeout=SECONDS):
        if isinstance(piece, Lost):
            place, request = piece.item
            pictures[place] = Picture(request.description, problem=f"not drawn: {piece.reason.partition(':')[0]}")
        else:
            for place, picture in piece:
                pictures[place] = picture
    return pictures


def draw(request: Request) -> Picture:
    """The picture of one molecule, drawn in this process; what cannot be sanitized is drawn as it is written."""
    with rdBase.BlockLogs():
        try:
            if request.record is not None and too_large(request.record):
                return Picture(request.description, problem=f"not drawn: more than {MOST_BONDS} bonds")
            mol = _molecule(request)
            if mol is None:
                return Picture(request.description, problem="no picture: the molecule cannot be read")
            if mol.GetNumAtoms() > MOST_ATOMS or mol.GetNumBonds() > MOST_BONDS:
                size = f"{mol.GetNumAtoms()} atoms, {mol.GetNumBonds()} bonds"
                return Picture(request.description, problem=f"not drawn: {size}")
            marked = ring_atoms(mol, request.ring) if request.ring else given_atoms(mol)
            return Picture(request.description, _shapes(mol, marked))
        except (ValueError, RuntimeError) as error:
            return Picture(request.description, problem=f"not drawn: {type(error).__name__}")


def from_smiles(smiles: str) -> Chem.Mol | None:
    """The molecule of a SMILES, or None where RDKit cannot read it; silent."""
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles) if smiles else None


def read(record: Record) -> Chem.Mol | None:
    """The record's molecule as it is written, or None where it cannot be read; XYZ, which holds no bonds, too.

    Atoms that `GIVEN` names carry it as a property.
    """
    if record.kind == "xyz" or too_large(record):
        return None
    try:
        mol = parse_record(record)
    except Rejected:
        return None
    for word in record.properties.get(GIVEN, "").split(","):
        if word.strip().isascii() and word.strip().isdigit() and 1 <= int(word) <= mol.GetNumAtoms():
            mol.GetAtomWithIdx(int(word) - 1).SetBoolProp(GIVEN, True)
    return mol


def too_large(record: Record) -> bool:
    """Whether an SDF record announces more bonds than are drawn; RDKit can crash at reading thousands of them."""
    if record.kind != "sdf":
        return False
    announced = _COUNTS.search(record.text[:4000])
    words = announced.group(1).split()[1:2] if announced else [line[3:6] for line in record.text.split("\n", 4)[3:4]]
    return any(word.strip().isdigit() and int(word) > MOST_BONDS for word in words)


def given_atoms(mol: Chem.Mol) -> tuple[int, ...]:
    """Places of the atoms that were given to the sampler, see `read`."""
    return tuple(atom.GetIdx() for atom in mol.GetAtoms() if atom.HasProp(GIVEN))


def without_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    """A copy without the hydrogens that a drawing leaves out, without conformers and stereo; unsanitized stays so."""
    copy = Chem.Mol(mol)
    copy.RemoveAllConformers()
    for atom in copy.GetAtoms():
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)  # it means nothing in a molecule that cannot exist
    for bond in copy.GetBonds():
        bond.SetBondDir(Chem.BondDir.NONE)
    try:
        copy.UpdatePropertyCache(strict=False)
        return Chem.RemoveHs(copy, Chem.RemoveHsParameters(), sanitize=False)
    except (ValueError, RuntimeError):
        return copy


def ring_atoms(mol: Chem.Mol, ring: str) -> tuple[int, ...]:
    """Atoms of the rings of the first ring system of that SMILES, as `moldiff.scoring.molecule.rings` writes it."""
    places: list[tuple[int, ...]] = []
    pieces = Chem.GetMolFrags(without_chains(mol), asMols=True, sanitizeFrags=False, fragsMolAtomMapping=places)
    for piece, atoms in zip(pieces, places, strict=True):
        if Chem.MolToSmiles(piece, isomericSmiles=False) == ring:
            return tuple(atom for atom in atoms if mol.GetAtomWithIdx(atom).IsInRing())
    return ()


def _numbered(requests: Sequence[Request]) -> Iterator[tuple[int, Request]]:
    yield from enumerate(requests)


def _draw(item: tuple[int, Request]) -> tuple[int, Picture]:
    return item[0], draw(item[1])


def _workers(count: int) -> int:
    return max(1, min(default_workers(), -(-count // 8)))


def _molecule(request: Request) -> Chem.Mol | None:
    mol = read(request.record) if request.record is not None else None
    if mol is None:
        return from_smiles(request.smiles)
    return without_hydrogens(mol) if mol.GetNumBonds() <= MOST_BONDS else mol


def _shapes(mol: Chem.Mol, marked: tuple[int, ...]) -> list[Shape]:
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
    bonds = [b.GetIdx() for b in copy.GetBonds() if {b.GetBeginAtomIdx(), b.GetEndAtomIdx()} <= set(marked)]
    drawer.DrawMolecule(_prepared(copy), highlightAtoms=list(marked), highlightBonds=bonds)
    drawer.FinishDrawing()
    return _compact(drawer.GetDrawingText())


def _prepared(mol: Chem.Mol) -> Chem.Mol:
    try:
        return rdMolDraw2D.PrepareMolForDrawing(mol, kekulize=True, addChiralHs=False, forceCoords=False)
    except (ValueError, RuntimeError):
        return rdMolDraw2D.PrepareMolForDrawing(mol, kekulize=False, addChiralHs=False, forceCoords=False)


def _compact(drawing: str) -> list[Shape]:
    """The paths of RDKit's drawing alone: one for each colour, coordinates rounded, black as the text colour."""
    shapes: dict[tuple[str, str, str, str], list[str]] = {}
    for match in _SHAPE.finditer(drawing):
        attributes: dict[str, str] = dict(_ATTRIBUTE.findall(match.group()))
        style = dict(re.findall(r"([a-z-]+):([^;]*)", attributes.get("style", "")))
        written = attributes["d"] if "d" in attributes else _ellipse(attributes)
        shape = _NUMBER.sub(lambda match: f"{float(match.group()):.1f}", written)
        fill: str = attributes.get("fill") or style.get("fill") or "none"
        stroke: str = style.get("stroke", "none") if "d" in attributes else "none"
        width = style.get("stroke-width", "").removesuffix("px") if stroke != "none" else ""
        opacity = style.get("fill-opacity", "1")
        look = (_colour(fill), "" if stroke == "none" else _colour(stroke), width, "" if opacity == "1" else opacity)
        shapes.setdefault(look, []).append(re.sub(r"\s*([A-Za-z])\s*", r"\1", shape))
    return [Shape("".join(parts), *look) for look, parts in shapes.items()]


def _ellipse(attributes: Mapping[str, str]) -> str:
    """The path of an ellipse: the ground of an atom that is marked."""
    x, y, rx, ry = (float(attributes[key]) for key in ("cx", "cy", "rx", "ry"))
    half = f"A{rx:.2f},{ry:.2f} 0 1,0"
    return f"M{x - rx:.2f},{y:.2f}{half} {x + rx:.2f},{y:.2f}{half} {x - rx:.2f},{y:.2f}Z"


def _colour(written: str) -> str:
    return "currentColor" if written.upper() == "#000000" else written[:7]
