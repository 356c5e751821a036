"""SDF as text: cut into records, data items, and written back without loss."""

import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from rdkit import Chem

from moldiff.chemistry.arrays import implied_hydrogens, to_arrays
from moldiff.chemistry.formats.streams import LONGEST_RECORD, TOO_LONG, DamagedInput, decode

RECORD_END = "$$$$\n"
"""The line that ends a record."""
_DELIMITER = b"\n$$$$"
_ENDS = re.compile(r"^\${4}\n", re.MULTILINE)
_NAME_ENDS = re.compile(r">\s*(?:(?:\([^()]*\)|DT\d+|FROM ARCHIVES)\s*)?$")
_NUMBERED = re.compile(r">[\s\d]*(DT\d+)(?:\s|$)")
_V2000_LIMIT = 999
_RADICAL_CODES = {1: 2, 2: 3}  # electrons: the format's doublet and triplet


def split_sdf(chunks: Iterable[bytes]) -> Iterator[tuple[str, str | None]]:
    """Text and problem (or None) of each record of an SDF; records end with a line that starts with $$$$.

    A record is found by text alone, so a broken one never takes its neighbours along.

    Args:
        chunks: what `moldiff.chemistry.formats.streams.read_text` gives.
    """
    buffer = bytearray(b"\n")
    skipping = False
    searched = 0
    problem = None
    try:
        for chunk in chunks:
            buffer += chunk
            start = 0
            while (end := buffer.find(_DELIMITER, max(start, searched))) >= 0:
                if skipping or end - start > LONGEST_RECORD:
                    yield "", TOO_LONG
                else:
                    yield _text(bytes(buffer[start:end])), None
                skipping = False
                start = end + len(_DELIMITER)
            del buffer[:start]
            if len(buffer) > LONGEST_RECORD:
                del buffer[: -len(_DELIMITER)]
                skipping = True
            searched = max(len(buffer) - len(_DELIMITER), 0)
    except DamagedInput as damage:
        problem = str(damage)
    tail = _text(bytes(buffer))
    if skipping:
        yield "", TOO_LONG
        tail = ""
    if problem is not None:
        yield tail, problem
    elif tail.strip():
        yield tail, None


def written_blocks(text: str) -> list[str]:
    """The records of an SDF that moldiff wrote, each as it stands there, with the line that ends it.

    Raises:
        ValueError: the text ends within a record.
    """
    *blocks, rest = _ENDS.split(text)
    if rest:
        raise ValueError("ends within a record")
    return [block + RECORD_END for block in blocks]


def _text(record: bytes) -> str:
    """The record without the rest of the delimiter's line before it."""
    return decode(record[record.find(b"\n") + 1 :]).rstrip("\n") + "\n"


def data_items(text: str) -> dict[str, str]:
    """Data items of a record, by name; a name that comes twice keeps its last value.

    A header line holds ``<name>`` or ``DTn``; the line after it is its value even if it starts with ``>``, unless it
    is such a header itself, as programs write that leave out the blank line of an empty value. A line that follows
    a blank line and is not a header continues the value before.
    """
    start = text.find("\nM  END")
    start = text.find("\n>", max(start, 0))
    if start < 0:
        return {}
    items: dict[str, str] = {}
    name: str | None = None
    value: list[str] = []
    ended = False
    for line in text[start + 1 :].split("\n"):
        header = _header(line) if line.startswith(">") and (ended or not value) else None
        if header is not None or name is None:
            if name is not None:
                items[name] = "\n".join(value)
            name, value, ended = (line[1:] if header is None else header).strip(), [], False
        elif line.strip():
            value += ["", line] if ended and value else [line]
            ended = False
        else:
            ended = True
    if name is not None:
        items[name] = "\n".join(value)
    return items


def _header(line: str) -> str | None:
    """The name that a data header states, None if a line is none; in a time that grows with its length alone.

    CTfile Formats (BIOVIA 2020), "Data headers": field number, <name>, registry number in brackets; or DTn.
    """
    begin = line.find("<")
    if begin >= 0 and (end := _NAME_ENDS.search(line, begin + 1)):
        return line[begin + 1 : end.start()]
    numbered = _NUMBERED.match(line)
    return numbered[1] if numbered else None


def write_sdf_block(mol: Chem.Mol, properties: Mapping[str, object] | None = None) -> str:
    """One SDF record, up to and with ``$$$$``, of a molecule with a conformer, sanitized or not.

    Orders are kekulized, charges and radicals are in M CHG and M RAD lines, an atom that must not be filled
    with hydrogens has its valence written, and no bond is marked "either", which RDKit's writer does with
    double bonds that were built rather than read.

    Raises:
        ValueError: see `moldiff.chemistry.arrays.to_arrays`.
    """
    arrays = to_arrays(mol)
    title = mol.GetProp("_Name") if mol.HasProp("_Name") else ""
    lines = [_one_line(title), f"  moldiff           {'3D' if mol.GetConformer().Is3D() else '2D'}", ""]
    radicals = [atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()]
    valences = _written_valences(mol, radicals)
    body = _v2000 if max(len(arrays), len(arrays.bonds)) <= _V2000_LIMIT else _v3000
    symbols = [atom.GetSymbol() for atom in mol.GetAtoms()]
    lines += body(
        symbols,
        arrays.positions,
        [(int(i) + 1, int(j) + 1, int(order)) for (i, j), order in zip(arrays.bonds, arrays.bond_orders, strict=True)],
        {i: int(charge) for i, charge in enumerate(arrays.formal_charges) if charge},
        {i: _RADICAL_CODES[count] for i, count in enumerate(radicals) if count in _RADICAL_CODES},
        valences,
    )
    return "\n".join([*lines, data_block(properties or {})])


def data_block(properties: Mapping[str, object]) -> str:
    """The data items of a record and the ``$$$$`` that ends it."""
    lines = []
    for key, value in properties.items():
        text = "\n".join(line for line in str(value).splitlines() if line.strip())
        lines += [f">  <{_one_line(key).replace('<', '(').replace('>', ')')}>", text, ""]
    return "\n".join([*lines, RECORD_END])


def _written_valences(mol: Chem.Mol, radicals: list[int]) -> dict[int, int]:
    """Valence of the atoms that a reader would otherwise give another number of hydrogens."""
    kekulized = Chem.Mol(mol)
    if any(bond.GetIsAromatic() for bond in mol.GetBonds()):
        Chem.Kekulize(kekulized, clearAromaticFlags=True)
    valences: dict[int, int] = {}
    for atom in kekulized.GetAtoms():
        if not atom.GetNoImplicit() or radicals[atom.GetIdx()] in _RADICAL_CODES:
            continue
        bonded = int(sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds()))
        expected = implied_hydrogens(atom.GetAtomicNum(), atom.GetFormalCharge(), bonded)
        if expected is not None and expected != atom.GetNumExplicitHs():
            valences[atom.GetIdx()] = bonded + atom.GetNumExplicitHs()
    return valences


def _v2000(
    symbols: list[str],
    positions: np.ndarray,
    bonds: list[tuple[int, int, int]],
    charges: dict[int, int],
    radicals: dict[int, int],
    valences: dict[int, int],
) -> list[str]:
    lines = [f"{len(symbols):3d}{len(bonds):3d}  0  0  0  0  0  0  0  0999 V2000"]
    for index, (symbol, (x, y, z)) in enumerate(zip(symbols, positions.tolist(), strict=True)):
        valence = (valences[index] or 15) if index in valences else 0  # 15 means zero in this format
        lines.append(f"{x:10.4f}{y:10.4f}{z:10.4f} {symbol:<3} 0  0  0  0  0{valence:3d}  0  0  0  0  0  0")
    lines += [f"{i:3d}{j:3d}{order:3d}  0" for i, j, order in bonds]
    for code, values in (("CHG", charges), ("RAD", radicals)):
        entries = [f"{index + 1:4d}{value:4d}" for index, value in values.items()]
        for start in range(0, len(entries), 8):
            group = entries[start : start + 8]
            lines.append(f"M  {code}{len(group):3d}{''.join(group)}")
    return [*lines, "M  END"]


def _v3000(
    symbols: list[str],
    positions: np.ndarray,
    bonds: list[tuple[int, int, int]],
    charges: dict[int, int],
    radicals: dict[int, int],
    valences: dict[int, int],
) -> list[str]:
    lines = ["  0  0  0     0  0            999 V3000", "M  V30 BEGIN CTAB"]
    lines += [f"M  V30 COUNTS {len(symbols)} {len(bonds)} 0 0 0", "M  V30 BEGIN ATOM"]
    for index, (symbol, (x, y, z)) in enumerate(zip(symbols, positions.tolist(), strict=True)):
        extra = f" CHG={charges[index]}" if index in charges else ""
        extra += f" RAD={radicals[index]}" if index in radicals else ""
        extra += f" VAL={valences[index] or -1}" if index in valences else ""
        lines.append(f"M  V30 {index + 1} {symbol} {x:.6f} {y:.6f} {z:.6f} 0{extra}")
    lines += ["M  V30 END ATOM", "M  V30 BEGIN BOND"]
    lines += [f"M  V30 {number} {order} {i} {j}" for number, (i, j, order) in enumerate(bonds, start=1)]
    return [*lines, "M  V30 END BOND", "M  V30 END CTAB", "M  END"]


def _one_line(text: str) -> str:
    return " ".join(text.split())
