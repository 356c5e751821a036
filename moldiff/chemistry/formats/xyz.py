"""Frames of XYZ files, and the bonds that such a file does not hold."""

import re
from collections.abc import Iterator

from rdkit import Chem
from rdkit.Chem import rdDetermineBonds

from moldiff.chemistry.formats.streams import DamagedInput

_KEY_VALUE = re.compile(r"""([A-Za-z_][\w.-]*)=("[^"]*"|'[^']*'|\S+)""")
_COVALENT_FACTORS = (1.2, 1.15, 1.25, 1.1, 1.3)
_MAX_ITERATIONS = 2000


def read_xyz(lines: Iterator[str]) -> Iterator[tuple[str, str, dict[str, str], str | None]]:
    """Text, name, properties and problem of each frame; ``key=value`` in a comment line become properties.

    A frame starts at a line that is one integer; lines before the first such line are a record of their own.
    """
    damage: str | None = None
    frame: list[str] = []
    wanted = 0
    try:
        for line in lines:
            starts = line.strip().isdecimal() and len(line.strip()) < 9
            if starts and len(frame) != 1:  # one line of a frame read: this is its comment
                if frame:
                    yield _frame(frame, wanted)
                frame, wanted = [line], int(line)
            elif frame or line.strip():
                frame.append(line)
    except DamagedInput as error:
        damage = str(error)
    if frame or damage is not None:
        text, name, properties, problem = _frame(frame, wanted)
        yield text, name, properties, damage or problem


def _frame(frame: list[str], wanted: int) -> tuple[str, str, dict[str, str], str | None]:
    if not frame or not frame[0].strip().isdecimal():
        return "".join(frame), "", {}, "wrong atom count line: the first line of a frame is the number of its atoms"
    comment = frame[1].strip() if len(frame) > 1 else ""
    pairs = _KEY_VALUE.findall(comment)
    properties = {key: value.strip("\"'") for key, value in pairs}
    name = properties.get("name", "") or (comment if not pairs else "")
    atoms = sum(1 for line in frame[2:] if line.strip())
    problem = f"wrong atom count: {wanted} announced, {atoms} lines follow" if atoms != wanted else None
    return "".join(frame), name, properties, problem


def parse_xyz(text: str, charge: int = 0) -> tuple[Chem.Mol, int]:
    """A molecule without bonds, and its total charge: that of ``charge=N`` in the comment line, else the one given.

    Raises:
        ValueError: an atom line that cannot be read, an unknown element.
    """
    lines = text.split("\n")
    atoms = [line for line in lines[2:] if line.strip()]
    table = Chem.GetPeriodicTable()
    mol = Chem.RWMol()
    conformer = Chem.Conformer(len(atoms))
    conformer.Set3D(True)
    for index, line in enumerate(atoms):
        words = line.replace("*^", "e").split()
        try:
            x, y, z = (float(word) for word in words[1:4])
        except ValueError:
            raise ValueError(f"unreadable atom line {index + 1}: {line.strip()[:60]!r}") from None
        try:
            number = int(words[0]) if words[0].isdecimal() else table.GetAtomicNumber(words[0].capitalize())
        except RuntimeError:
            number = 0
        if not 0 < number < 119:
            raise ValueError(f"unknown element {words[0][:10]}")
        mol.AddAtom(Chem.Atom(number))
        conformer.SetAtomPosition(index, (x, y, z))
    mol.AddConformer(conformer, assignId=True)
    stated = re.search(r"\bcharge\s*=\s*([+-]?\d+)", lines[1] if len(lines) > 1 else "", re.IGNORECASE)
    return mol.GetMol(), int(stated.group(1)) if stated else charge


def perceive_bonds(mol: Chem.Mol, charge: int = 0) -> tuple[Chem.Mol, str]:
    """A copy with bonds and formal charges found from the positions, sanitized, and the method that found them.

    RDKit's van-der-Waals connectivity at several covalent factors; each must leave a molecule of closed shells
    in one piece. It can take very long for some inputs and is to be called in a process that can be ended.

    Raises:
        ValueError: no method finds a sensible molecule.
    """
    reason = "no bonds fit the positions"
    separate: tuple[Chem.Mol, str] | None = None
    for factor in _COVALENT_FACTORS:
        found = Chem.Mol(mol)
        try:
            rdDetermineBonds.DetermineBonds(
                found, useVdw=True, covFactor=factor, charge=charge, embedChiral=False, maxIterations=_MAX_ITERATIONS
            )
            Chem.SanitizeMol(found)
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            continue
        if any(atom.GetNumRadicalElectrons() for atom in found.GetAtoms()):
            reason = "the bonds that fit the positions leave unpaired electrons"
            continue
        method = f"perceived, van der Waals {factor}"
        if len(Chem.GetMolFrags(found)) == 1:
            return found, method
        separate = separate or (found, method)
    if separate is not None:
        return separate
    raise ValueError(reason)
