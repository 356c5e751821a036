"""From a record's text to an RDKit molecule, or the reason why not."""

import logging
import math
import re
from functools import cache

from rdkit import Chem, rdBase

from moldiff.chemistry.bonds import perceive_bonds
from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.formats.xyz import parse_xyz

_SMILES = Chem.SmilesParserParams()
_SMILES.sanitize = False
_SMILES.removeHs = False
_SMILES.parseName = False
_NOT_FINITE = re.compile(r"^ .*(nan|inf)", re.IGNORECASE | re.MULTILINE)
_PSEUDO_ATOMS = frozenset(
    ("*", "A", "AH", "Q", "QH", "M", "MH", "X", "XH", "L", "LP", "R", "R#", "D", "T", "Pol", "Mod")
)
_UNEXPLAINED = "no explanation"
_TIMESTAMP = re.compile(r"^\[[\d:]+\]\s*")


class Rejected(Exception):
    """A record that gives no molecule; the message is ``kind`` or ``kind: detail``."""


@cache
def quiet() -> None:
    """Silence RDKit in this process; its messages about a record are in the record's reasons."""
    for level in ("debug", "info", "warning", "error"):
        rdBase.DisableLog(f"rdApp.{level}")


def parse_record(record: Record, charge: int = 0) -> Chem.Mol:
    """The molecule as written: hydrogens kept and, but for XYZ, not sanitized.

    XYZ holds no bonds; they are perceived (`moldiff.chemistry.bonds.perceive_bonds`) and the method is the
    molecule's property ``_bonds``. That can take long: call it in a process that can be ended.

    Raises:
        Rejected: the text cannot be read, there is no atom, an element is unknown, a coordinate is not finite.
    """
    if record.problem is not None:
        raise Rejected(record.problem)
    if record.kind == "sdf":
        mol = _parse_sdf(record.text)
    elif record.kind == "smiles":
        mol = _parse_smiles(record.text)
    else:
        mol = _parse_xyz(record.text, charge)
    if mol.GetNumAtoms() == 0:
        raise Rejected("no atoms")
    return mol


def has_coordinates(mol: Chem.Mol) -> bool:
    """Whether the molecule has a three-dimensional conformer; a flat drawing is none.

    A conformer that is marked 3D may be flat, but two atoms must not lie on each other.
    """
    if mol.GetNumConformers() == 0:
        return False
    conformer = mol.GetConformer()
    if not conformer.Is3D():
        return False
    count = mol.GetNumAtoms()
    first, last = conformer.GetAtomPosition(0), conformer.GetAtomPosition(count - 1)
    if count == 1 or (first.x, first.y, first.z) != (last.x, last.y, last.z):  # the usual case costs no array
        return True
    positions = conformer.GetPositions()
    return bool((positions != positions[0]).any())


def _parse_sdf(text: str) -> Chem.Mol:
    _check_counts(text)
    problem = ""
    try:
        mol = Chem.MolFromMolBlock(text, sanitize=False, removeHs=False)
    except (RuntimeError, ValueError) as error:
        mol, problem = None, str(error)
    if mol is None:
        if _NOT_FINITE.search(text):
            raise Rejected("coordinates that are not finite (NaN or infinite)")
        raise Rejected(f"unreadable: {_misplaced(text) or _explanation(text) or _first_line(problem)}")
    return mol


def _explanation(block: str) -> str:
    """What RDKit says of a block that it cannot read.

    It says so in warnings, which are switched off and which `CaptureErrorLog` does not see.
    """
    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("rdkit")
    before = logger.handlers, logger.propagate
    silent = [line.partition(":")[0] for line in rdBase.LogStatus().splitlines() if line.endswith("disabled")]
    logger.handlers, logger.propagate = [handler], False
    rdBase.LogToPythonLogger()  # switches all of them on
    try:
        Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
    except SystemError:
        pass  # a message with bytes that are no UTF-8 cannot be handed to Python
    except (RuntimeError, ValueError) as error:
        heard.append(str(error))
    finally:
        rdBase.LogToCppStreams()
        for name in silent:
            rdBase.DisableLog(name)
        logger.handlers, logger.propagate = before
    return _first_line("\n".join(heard)) if heard else ""


def _misplaced(block: str) -> str:
    """The first atom or bond line of a V2000 block whose element or atom numbers cannot be, by its number, or ""."""
    lines = block.split("\n")
    if "V3000" in lines[3]:
        return ""
    atoms, bonds = int(lines[3][0:3]), int(lines[3][3:6] or 0)
    table = Chem.GetPeriodicTable()
    for number, line in enumerate(lines[4 : 4 + atoms], start=5):
        symbol = line[31:34].strip()
        with rdBase.BlockLogs():
            try:
                known = line[30:31] in ("", " ") and table.GetAtomicNumber(symbol) > 0
            except RuntimeError:
                known = symbol in _PSEUDO_ATOMS
        if not known:
            return f"no element {line[30:34].strip()!r} on line {number}"
    for number, line in enumerate(lines[4 + atoms : 4 + atoms + bonds], start=5 + atoms):
        for word in (line[0:3], line[3:6]):
            if not (word.strip().isdecimal() and 0 < int(word) <= atoms):
                return f"no atom {word.strip()!r} for the bond on line {number}"
    return ""


def _check_counts(text: str) -> None:
    """The V2000 counts line against the lines that follow, which RDKit does not compare when bonds are left over.

    Raises:
        Rejected: they disagree.
    """
    lines = text.split("\n", 4)
    if len(lines) < 4:
        raise Rejected("unreadable: fewer than four lines")
    counts = lines[3]
    if counts[34:39] != "V2000" and "V3000" in counts:
        return
    try:
        atoms, bonds = int(counts[0:3]), int(counts[3:6] or 0)
    except ValueError:
        raise Rejected(f"wrong counts line: {counts[:40]!r}") from None
    if atoms < 0 or bonds < 0:
        raise Rejected(f"wrong counts line: {counts[:40]!r}")
    block = lines[4][: lines[4].find("\nM  END") + 1] if len(lines) == 5 else ""
    if not block and "M  END" not in text:
        raise Rejected("unreadable: no M  END line")
    body = block.split("\n")
    body.pop()
    if len(body) < atoms + bonds:
        raise Rejected(f"wrong counts line: {atoms} atoms and {bonds} bonds announced, {len(body)} lines follow")
    if len(body) > atoms + bonds and body[atoms + bonds][:1].isspace():
        extra = body[atoms + bonds].split()
        if len(extra) >= 3 and all(word.lstrip("-").replace(".", "", 1).isdigit() for word in extra[:3]):
            raise Rejected(f"wrong counts line: {atoms} atoms and {bonds} bonds announced, more lines follow")


def _parse_smiles(text: str) -> Chem.Mol:
    with rdBase.CaptureErrorLog() as log:
        try:
            mol = Chem.MolFromSmiles(text, _SMILES)
        except (RuntimeError, ValueError) as error:
            raise Rejected(f"unreadable SMILES: {_first_line(str(error))}") from None
    if mol is None:
        raise Rejected(f"unreadable SMILES: {_logged(log)}")
    mol.RemoveAllConformers()  # a drawing in a CXSMILES is not a geometry
    return mol


def _parse_xyz(text: str, charge: int) -> Chem.Mol:
    try:
        atoms, total_charge = parse_xyz(text, charge)
    except ValueError as error:
        raise Rejected(f"unreadable: {error}") from None
    if atoms.GetNumAtoms() == 0:
        raise Rejected("no atoms")
    if not math.isfinite(atoms.GetConformer().GetPositions().sum()):
        raise Rejected("coordinates that are not finite (NaN or infinite)")
    try:
        mol, method = perceive_bonds(atoms, total_charge)
    except ValueError as error:
        raise Rejected(f"no bonds perceived: {_first_line(str(error))}") from None
    mol.SetProp("_bonds", method)
    return mol


def _logged(log: rdBase.CaptureErrorLog) -> str:
    """What RDKit complained of; it may cut a message within a character, which is then not valid UTF-8."""
    try:
        return _first_line(log.messages)
    except UnicodeDecodeError:
        return "RDKit's explanation is not UTF-8"


def _first_line(message: str) -> str:
    """The first line that says something; of a violated invariant, which begins with a frame of stars, three lines."""
    lines = [" ".join(_TIMESTAMP.sub("", line.strip()).split()) for line in message.splitlines()]
    lines = [line for line in lines if line.strip("*")]
    if any(line.startswith("Violation occurred") for line in lines):
        lines = [": ".join(line for line in lines[:4] if not line.startswith("Violation occurred"))]
    return lines[0][:200] if lines else _UNEXPLAINED
