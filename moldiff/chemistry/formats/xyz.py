"""Frames of XYZ files."""

import re
from collections.abc import Iterator

from rdkit import Chem

from moldiff.chemistry.formats.streams import LONGEST_RECORD, MOST_ITEMS, TOO_LONG, DamagedInput, Line

_KEY_VALUE = re.compile(r"""(?<![\w.-])([A-Za-z_][\w.-]*)=("[^"]*"|'[^']*'|\S+)""")
_ATOM = re.compile(r"\s*(?:([A-Za-z]{1,3})[-_.:(]?\d*\)?|(\d{1,3}))\s")
"""The beginning of an atom line: an atomic number, or a symbol, optionally with a number of the atom."""
_ISOTOPES = {"D": "H", "T": "H"}


def read_xyz(lines: Iterator[Line]) -> Iterator[tuple[str, str, dict[str, str], str | None]]:
    """Text, name, properties and problem of each frame; ``key=value`` in a comment line become properties.

    A frame starts at a line that is one integer; lines before the first such line are a record of their own. Lines
    after the announced atoms that are not atoms (QM9's frequencies, SMILES and InChI) belong to the frame.
    """
    damage: str | None = None
    frame: list[str] = []
    length = 0
    long = False
    try:
        for text, problem in lines:
            starts = len(text) < 20 and text.strip().isdecimal() and len(text.strip()) < 9
            if starts and len(frame) != 1:  # one line of a frame read: this is its comment
                if frame:
                    yield _frame(frame, long)
                frame, length, long = [text], 0, False
            elif frame or text.strip():
                length += len(text)
                long = long or problem is not None or length > LONGEST_RECORD
                if not long or len(frame) < 2:
                    frame.append(text)
    except DamagedInput as error:
        damage = str(error)
    if frame or damage is not None:
        text, name, properties, problem = _frame(frame, long)
        yield text, name, properties, damage or problem


def _frame(frame: list[str], long: bool) -> tuple[str, str, dict[str, str], str | None]:
    text = "".join(frame)
    if long:
        return text[:1000], "", {}, TOO_LONG
    if not frame or not frame[0].strip().isdecimal():
        return text, "", {}, "wrong atom count line: the first line of a frame is the number of its atoms"
    comment = frame[1].strip() if len(frame) > 1 else ""
    if comment.count("=") > MOST_ITEMS:
        return text, "", {}, f"more than {MOST_ITEMS:,} values in the comment line"
    pairs = _KEY_VALUE.findall(comment)
    properties = {key: value.strip("\"'") for key, value in pairs}
    name = properties.get("name", "") or (comment if not pairs else "")
    wanted = int(frame[0].strip())
    body = [line for line in frame[2:] if line.strip()]
    atoms = [_is_atom(line) for line in body]
    first = atoms.index(False) if False in atoms else len(atoms)
    problem = None
    if first < wanted <= len(body) and (any(atoms[first:]) or _ATOM.match(body[first])):
        pass  # an atom line that cannot be read, which the reader of atoms explains
    elif first < wanted or any(atoms[wanted:]):
        problem = f"wrong atom count: {wanted} announced, {sum(atoms)} lines follow"
    return text, name, properties, problem


def _is_atom(line: str) -> bool:
    """Whether a line is one of an atom: an element and three numbers."""
    words = line.split(None, 4)[:4]
    if len(words) < 4 or not _ATOM.match(line):
        return False
    try:
        for word in words[1:]:
            number(word)
    except ValueError:
        return False
    return True


def number(word: str) -> float:
    """A number as Fortran or Mathematica may write it: ``1.0D-4``, ``8.0*^-6``.

    Raises:
        ValueError: it is none.
    """
    return float(word.replace("*^", "e").replace("D", "e").replace("d", "e") if word[-1:].isdigit() else word)


def parse_xyz(text: str, charge: int = 0) -> tuple[Chem.Mol, int]:
    """A molecule without bonds, and its total charge: that of ``charge=N`` in the comment line, else the one given.

    Raises:
        ValueError: an atom line that cannot be read, an unknown element.
    """
    lines = text.split("\n")
    atoms = [line for line in lines[2:] if line.strip()][: int(lines[0].strip())]
    mol = Chem.RWMol()
    conformer = Chem.Conformer(len(atoms))
    conformer.Set3D(True)
    for index, line in enumerate(atoms):
        words = line.split()
        try:
            x, y, z = (number(word) for word in words[1:4])
        except ValueError:
            raise ValueError(f"unreadable atom line {index + 1}: {line.strip()[:60]!r}") from None
        mol.AddAtom(Chem.Atom(_atomic_number(words[0], line)))
        conformer.SetAtomPosition(index, (x, y, z))
    mol.AddConformer(conformer, assignId=True)
    stated = re.search(r"\bcharge\s*=\s*([+-]?\d+)", lines[1] if len(lines) > 1 else "", re.IGNORECASE)
    return mol.GetMol(), int(stated.group(1)) if stated else charge


def _atomic_number(word: str, line: str) -> int:
    """Atomic number of ``6``, ``C``, ``c``, ``C12`` or ``D``.

    Raises:
        ValueError: no element has that symbol or number.
    """
    match = _ATOM.match(line)
    label = (match[1] or match[2]) if match else word
    try:
        number = int(label) if label.isdecimal() else _symbol_number(label.capitalize())
    except RuntimeError:
        number = 0
    if not 0 < number < 119:
        raise ValueError(f"unknown element {word[:10]}")
    return number


def _symbol_number(symbol: str) -> int:
    return int(Chem.GetPeriodicTable().GetAtomicNumber(_ISOTOPES.get(symbol, symbol)))
