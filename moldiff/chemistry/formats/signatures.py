"""The format of a file, from its name and first bytes, so that other formats are not mistaken for SMILES."""

import re
from pathlib import Path
from typing import Literal

from moldiff.chemistry.formats.tables import SMILES_WORD
from moldiff.errors import UserError

FileKind = Literal["sdf", "smiles", "table", "xyz"]

_SUFFIXES: dict[str, FileKind] = {
    **dict.fromkeys((".sdf", ".sd", ".mol", ".mdl"), "sdf"),
    **dict.fromkeys((".smi", ".smiles", ".ism", ".can", ".cxsmiles"), "smiles"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "table"),
    ".xyz": "xyz",
    ".extxyz": "xyz",
}
_ARCHIVES = {
    ".zip": "a zip archive",
    ".bz2": "compressed by bzip2",
    ".xz": "compressed by xz",
    ".lzma": "compressed by xz",
    ".7z": "a 7z archive",
    ".rar": "a RAR archive",
    ".zst": "compressed by zstd",
    ".lz4": "compressed by lz4",
    ".z": "compressed by compress",
    ".tar": "a tar archive",
    ".tgz": "a tar archive",
    ".tbz2": "a tar archive",
}
_CONVERT = {
    **dict.fromkeys((".pdb", ".ent"), "PDB"),
    ".pdbqt": "PDBQT",
    **dict.fromkeys((".cif", ".mmcif", ".mcif", ".bcif"), "CIF"),
    ".mol2": "mol2",
    **dict.fromkeys((".inchi", ".ich"), "InChI"),
    **dict.fromkeys((".rxn", ".rdf"), "a reaction file"),
    **dict.fromkeys((".com", ".gjf", ".gau"), "Gaussian input"),
    **dict.fromkeys((".log", ".out"), "a program's output"),
    ".inp": "a program's input",
    **dict.fromkeys((".mae", ".maegz"), "Maestro"),
    **dict.fromkeys((".cdx", ".cdxml"), "ChemDraw"),
    ".cml": "CML",
    ".gro": "GROMACS's format",
    ".mrv": "Marvin's format",
    ".selfies": "SELFIES",
    **dict.fromkeys((".fasta", ".fa"), "FASTA"),
}
_EXPORT = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "a spreadsheet"),
    **dict.fromkeys((".pkl", ".pickle", ".pt", ".pth", ".joblib"), "a pickle, which may run code"),
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), "HDF5"),
    **dict.fromkeys((".npz", ".npy"), "numpy's format"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "JSON"),
    **dict.fromkeys((".yaml", ".yml"), "YAML"),
    **dict.fromkeys((".xml", ".html", ".htm"), "XML or HTML"),
    **dict.fromkeys((".md", ".rst", ".doc", ".docx", ".pdf", ".rtf"), "a document"),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".lmdb"), "a database"),
    **dict.fromkeys((".feather", ".arrow", ".ipc", ".orc", ".avro"), "a table that is not Parquet"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".svg"), "a picture"),
    **dict.fromkeys((".py", ".ipynb", ".r", ".sh", ".c", ".toml", ".ini", ".cfg"), "program code or settings"),
    ".safetensors": "safetensors",
    **dict.fromkeys((".dcd", ".xtc", ".trr", ".nc"), "a trajectory"),
}
_SAYS_CONVERT = "convert it to SDF, for example with Open Babel"
_SAYS_EXPORT = "export the molecules to SDF, SMILES, CSV, XYZ or Parquet"
_SAYS_UNPACK = "unpack it first (gzip is read as it is)"
_BINARY = (
    (b"PK\x03\x04", "a zip archive (or a spreadsheet)", _SAYS_UNPACK),
    (b"PK\x05\x06", "an empty zip archive", _SAYS_UNPACK),
    (b"BZh", "compressed by bzip2", _SAYS_UNPACK),
    (b"\xfd7zXZ\x00", "compressed by xz", _SAYS_UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _SAYS_UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _SAYS_UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", _SAYS_UNPACK),
    (b"\x04\x22\x4d\x18", "compressed by lz4", _SAYS_UNPACK),
    (b"\x1f\x9d", "compressed by compress", _SAYS_UNPACK),
    (b"\x1f\x8b", "compressed twice by gzip", _SAYS_UNPACK),
    (b"PAR1", "Parquet", "give it a name that ends in .parquet"),
    (b"\x89HDF", "HDF5", _SAYS_EXPORT),
    (b"\x93NUMPY", "numpy's format", _SAYS_EXPORT),
    (b"SQLite format 3", "a database", _SAYS_EXPORT),
    (b"%PDF", "a document", _SAYS_EXPORT),
    (b"\x89PNG", "a picture", _SAYS_EXPORT),
    (b"\xff\xd8\xff", "a picture", _SAYS_EXPORT),
    (b"\xd0\xcf\x11\xe0", "an old Office document", _SAYS_EXPORT),
    (b"\x7fELF", "a program", _SAYS_EXPORT),
    (b"VjCD", "ChemDraw", _SAYS_CONVERT),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x95}\](cX\x8c]")
_TEXT = (
    (re.compile(rb"(HEADER    |TITLE     |COMPND    |REMARK +\d|CRYST1|MODEL  +\d|(ATOM  |HETATM) *\d+ )"), "PDB"),
    (re.compile(rb"\s*(#[^\n]*\n\s*)*@<TRIPOS>"), "mol2"),
    (re.compile(rb"\s*(#[^\n]*\n\s*)*data_\S*[ \t]*\n\s*(_|loop_|#)"), "CIF"),
    (re.compile(rb"\s*InChI=1"), "InChI"),
    (re.compile(rb"\$RXN|\$RDFILE"), "a reaction file"),
    (re.compile(rb"\s*(%\w+=[^\n]*\n\s*)*#[^\n]*\n[ \t]*\n[^\n]*\S[^\n]*\n[ \t]*\n *-?\d+ +\d+ *\n"), "Gaussian input"),
    (re.compile(rb"\s*<(\?xml|!DOCTYPE|html|cml|CDXML|svg)", re.IGNORECASE), "XML or HTML"),
    (re.compile(rb"\{\s*s_m_m2io_version"), "Maestro"),
    (re.compile(rb"\s*(\{\s*\"|\[\s*[\{\"]|\{\s*\n)"), "JSON"),
    (re.compile(rb">\w[^\n]*\n[A-Z*\n]{20,}"), "FASTA"),
)
_SDF = re.compile(rb"^(\$\$\$\$|M  END)|V[23]000 *$", re.MULTILINE)
_NUMBER = r"[+-]?\d+\.\d*(?:[eEdD][+-]?\d+)?"
_COORDINATES = re.compile(rf"\s*[A-Z][a-z]?\d*\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s*$")
_LOOKED_AT = 50
"""Lines by which the format of a file without a known ending is recognised."""


def kind_of(path: Path | None, head: bytes) -> FileKind:
    """The format of a file.

    Args:
        path: its name; None for standard input.
        head: how it begins, decompressed, as `moldiff.chemistry.formats.streams.read_text` gives it.

    Raises:
        UserError: it is of a format that moldiff does not read, or not what its name says.
    """
    name = "standard input" if path is None else str(path)
    suffixes = [suffix.lower() for suffix in path.suffixes] if path is not None else []
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    for mark, what, remedy in _BINARY:
        if head.startswith(mark):
            raise _refused(name, what, remedy)
    if head[257:262] == b"ustar":
        raise _refused(name, "a tar archive", _SAYS_UNPACK)
    if _PICKLE.match(head):
        raise _refused(name, _EXPORT[".pkl"], _SAYS_EXPORT)
    known = _SUFFIXES.get(suffix)
    for table, remedy in ((_ARCHIVES, _SAYS_UNPACK), (_CONVERT, _SAYS_CONVERT), (_EXPORT, _SAYS_EXPORT)):
        if suffix in table:
            raise _refused(name, table[suffix], remedy)
    holds_sdf = _SDF.search(head) is not None
    if known == "sdf" or (holds_sdf and known is None):
        return "sdf"
    if holds_sdf and known == "smiles":
        raise UserError(f"{name}: holds an SDF although its name says SMILES; give it a name that ends in .sdf")
    for pattern, what in _TEXT:
        if pattern.match(head):
            raise _refused(name, what, _SAYS_CONVERT if what != "JSON" else _SAYS_EXPORT)
    if known is not None:
        return known
    return _by_content(name, head)


def _refused(name: str, what: str, remedy: str) -> UserError:
    return UserError(f"{name}: is {what}, which moldiff does not read; {remedy}")


def _by_content(name: str, head: bytes) -> FileKind:
    lines = head[: 1 << 16].decode("utf-8", "replace").split("\n")
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")][:_LOOKED_AT]
    first = lines[0].strip() if lines else ""
    if first.isdecimal():
        return "xyz"
    if ("smiles" in first.lower() and re.search(r"[,;\t]", first)) or re.match(r'"?sep=.', first, re.IGNORECASE):
        return "table"
    words = lines[1:] if first.lower().startswith(("smiles", "canonical_smiles", "isomeric_smiles")) else lines
    similar = [line for line in words if SMILES_WORD.match(line.split()[0]) and not _COORDINATES.match(line)]
    if words and 2 * len(similar) < len(words):
        raise UserError(
            f"{name}: is none of the formats that moldiff reads (SDF, SMILES, CSV, TSV, XYZ, Parquet); "
            "convert it, or if it is one of them give it that ending"
        )
    return "smiles"
