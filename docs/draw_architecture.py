"""Draws the flow and the house: `python docs/draw_architecture.py` writes docs/architecture.svg.

The floors are the table of tests/test_architecture.py, which the tests hold the imports to; what a folder is for is the
first line of its docstring. So the picture shows the code as it is.
"""

import ast
from html import escape
from pathlib import Path

from moldiff.files.atomic import write_text

ROOT = Path(__file__).parent.parent
STAGES = (
    ("featurize", "standardise, make conformers", "dataset/"),
    ("train", "E(3)-equivariant denoiser", "model.safetensors"),
    ("sample", "from noise to molecules", "samples.sdf"),
    ("check", "valid, novel, reasonable", "summary.json"),
    ("rank", "a short list with reasons", "shortlist.sdf"),
    ("report", "one page to work in", "report.html"),
)
WIDTH = 1340
STYLE = """.t{font-size:18px;font-weight:600}.s{font-size:12.5px;fill:#475569}.w{fill:#dbe7ff;font-size:12.5px}
.m{font-family:'DejaVu Sans Mono',Menlo,monospace;font-size:12px;fill:#334155}
.f{font-size:13px;fill:#94a3b8;font-weight:600}.h{font-size:14px;font-weight:700;letter-spacing:1.5px;fill:#64748b}"""
ROW = 86
"""Height of a floor, pixels."""


def floors() -> dict[int, list[str]]:
    """The folders and loose modules of each floor, from the table of the test."""
    tree = ast.parse((ROOT / "tests/test_architecture.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FLOORS":
            table: dict[str, int] = ast.literal_eval(node.value)
            result: dict[int, list[str]] = {}
            for name, floor in table.items():
                result.setdefault(floor, []).append(name or "__init__")
            return result
    raise LookupError("tests/test_architecture.py holds no table FLOORS")


def purpose(name: str) -> str:
    """First line of the docstring of a folder or loose module."""
    folder = ROOT / "moldiff" / name
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0] if text else ""


def text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    """A line of text."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def wrapped(words: str, width: int) -> list[str]:
    """Words in lines of at most ``width`` characters."""
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) >= width and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def flow() -> list[str]:
    """The stages and what each leaves behind."""
    parts = [text(40, 44, "THE FLOW", "h"), text(40, 128, "SDF, SMILES,", "m"), text(40, 146, "CSV, XYZ", "m")]
    step = (WIDTH - 150 - 40) / len(STAGES)
    for number, (name, what, result) in enumerate(STAGES):
        x = 150 + number * step
        parts.append(f'<path d="M{x - 18:g} 132h12" stroke="#64748b" stroke-width="2" marker-end="url(#arrow)"/>')
        parts.append(f'<rect x="{x:g}" y="70" width="{step - 26:g}" height="96" rx="12" fill="#2f5fbe"/>')
        centre = x + (step - 26) / 2
        parts.append(f'<text x="{centre:g}" y="106" class="t" fill="#fff" text-anchor="middle">{name}</text>')
        parts += [text(centre, 128 + 17 * row, line, "w", "middle") for row, line in enumerate(wrapped(what, 20))]
        parts.append(text(centre, 190, result, "m", "middle"))
    return parts


def house(top: float) -> list[str]:
    """The floors, the highest one first."""
    parts = [text(40, top, "THE HOUSE: A MODULE IMPORTS FROM LOWER FLOORS AND ITS OWN FOLDER", "h")]
    table = floors()
    for row, floor in enumerate(sorted(table, reverse=True)):
        y = top + 18 + row * ROW
        parts.append(text(48, y + 42, str(floor), "f"))
        names = table[floor]
        width = (WIDTH - 76 - 40) / len(names)
        for place, name in enumerate(names):
            x = 76 + place * width
            parts.append(
                f'<rect x="{x:g}" y="{y:g}" width="{width - 10:g}" height="{ROW - 10}" rx="10" fill="#f8fafc" '
                'stroke="#cbd5e1"/>'
            )
            title = name + "/" if (ROOT / "moldiff" / name).is_dir() else name + ".py"
            parts.append(text(x + 12, y + 22, title, "m"))
            lines = wrapped(purpose(name), int((width - 34) / 6.4))
            parts += [text(x + 12, y + 41 + 15 * line, words, "s") for line, words in enumerate(lines[:3])]
    return parts


def drawing() -> str:
    """The whole picture."""
    height = 250 + 18 + ROW * len(floors()) + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            "aria-labelledby=\"title\" font-family=\"Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif\">",
            '<title id="title">The flow of moldiff from raw files to the report, and the floors of its code</title>',
            '<defs><marker id="arrow" viewBox="0 0 10 10" refX="8.5" refY="5" markerWidth="6" markerHeight="6" '
            'orient="auto"><path d="M0 0 10 5 0 10z" fill="#64748b"/></marker></defs>',
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" rx="18" fill="#ffffff" stroke="#e2e8f0"/>',
            *flow(),
            *house(244),
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    write_text(ROOT / "docs/architecture.svg", drawing())
