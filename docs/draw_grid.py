"""Draws the first molecules of a file flat, with the flags of each: `python docs/draw_grid.py FILE OUT --count 60`.

None is chosen or left out: a record that is not a valid molecule gets an empty tile that says so. The grids in
docs/molecules.md are made with it.
"""

import argparse
import re
from pathlib import Path

from rdkit import Chem, RDLogger
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.files.atomic import write_text
from moldiff.scoring.molecule.keys import flat_key
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.molecule.portrait import realism_of
from moldiff.scoring.molecule.validity import one_molecule

WIDTH, HEIGHT, CAPTION = 150, 115, 14
"""Of a tile and of the line below it, pixels."""
NUMBER = re.compile(r"-?\d+\.\d+")
LINE = re.compile(r"style='fill:none;[^']*stroke:(#\w+);[^']*'")


def main() -> None:
    """Draw the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("file", help="molecules: SDF or SMILES")
    parser.add_argument("out", type=Path, help="SVG file to write")
    parser.add_argument("--count", type=int, default=60, help="molecules, from the first on")
    parser.add_argument("--columns", type=int, default=6)
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    rdDepictor.SetPreferCoordGen(True)
    records = [record for record, _ in zip(read_records([arguments.file]), range(arguments.count), strict=False)]
    write_text(arguments.out, grid(records, arguments.columns))


def grid(records: list[Record], columns: int) -> str:
    """The SVG text of all tiles."""
    high = HEIGHT + CAPTION
    tiles = "".join(
        f'<g transform="translate({place % columns * WIDTH} {place // columns * high})">{tile(record)}</g>'
        for place, record in enumerate(records)
    )
    size = f"0 0 {columns * WIDTH} {-(-len(records) // columns) * high}"
    white = '<rect width="100%" height="100%" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}">{white}{tiles}</svg>\n'


def tile(record: Record) -> str:
    """One molecule and what is flagged in it."""
    parsed = parse(record).mol
    sane = None if parsed is None else one_molecule(parsed)
    if sane is None:
        return caption("not valid", flagged=True)
    key = flat_key(sane)
    values = realism_of(key)[1]
    flags = [part for name in ("topology_flags", "group_flags") for part in str(values[name]).split("; ") if part]
    text = flags[0].replace("_", " ") + (f" + {len(flags) - 1}" if len(flags) > 1 else "") if flags else ""
    return drawing(Chem.MolFromSmiles(key)) + caption(text, flagged=bool(flags))


def drawing(mol: Chem.Mol) -> str:
    """The parts of RDKit's SVG without its frame, numbers to a tenth of a pixel."""
    canvas = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    options = canvas.drawOptions()
    options.clearBackground = False
    options.bondLineWidth = 1.0
    rdMolDraw2D.PrepareAndDrawMolecule(canvas, mol)
    canvas.FinishDrawing()
    text = canvas.GetDrawingText()
    inner = text[text.index("<!-- END OF HEADER -->") + len("<!-- END OF HEADER -->") : text.rindex("</svg>")]
    inner = re.sub(r" class='[^']*'", "", inner)
    inner = LINE.sub(r"stroke='\1'", inner)  # what all lines share stands once, around them
    inner = f'<g fill="none" stroke-linecap="round">{inner}</g>'
    return NUMBER.sub(lambda number: f"{float(number.group()):.1f}", inner).replace("\n", "")


def caption(text: str, *, flagged: bool) -> str:
    """The line below a molecule."""
    colour = "#a33" if flagged else "#777"
    return (
        f'<text x="{WIDTH / 2}" y="{HEIGHT + 9}" font-size="9" font-family="sans-serif" text-anchor="middle" '
        f'fill="{colour}">{text}</text>'
    )


if __name__ == "__main__":
    main()
