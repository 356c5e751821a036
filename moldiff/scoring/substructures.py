"""What a user asks of a molecule's structure: substructures wanted, unwanted or on a list, and known molecules."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from moldiff.chemistry.formats.records import Record, read_records
from moldiff.errors import UserError
from moldiff.parallel import SECONDS, Lost, in_order
from moldiff.scoring.molecule.keys import flat_key
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.molecule.validity import sanitize
from moldiff.scoring.sets.fingerprints import fingerprint, similarities


@dataclass(frozen=True)
class Pattern:
    """A substructure and what a user calls it."""

    query: Chem.Mol
    name: str


@dataclass(frozen=True)
class Substructures:
    """Patterns of which a molecule must have all of ``wanted``, none of ``unwanted`` and none of ``alerts``."""

    wanted: tuple[Pattern, ...] = ()
    unwanted: tuple[Pattern, ...] = ()
    alerts: tuple[Pattern, ...] = ()
    alerts_file: str = ""

    def __bool__(self) -> bool:
        return bool(self.wanted or self.unwanted or self.alerts)

    @classmethod
    def read(cls, wanted: Sequence[str], unwanted: Sequence[str], alerts: str | None) -> "Substructures":
        """From SMARTS and a file of alerts.

        Raises:
            UserError: a pattern or the file cannot be read.
        """
        return cls(
            tuple(_pattern(text, text, "smarts") for text in wanted),
            tuple(_pattern(text, text, "not_smarts") for text in unwanted),
            tuple(read_alerts(Path(alerts))) if alerts else (),
            alerts or "",
        )

    def refusal(self, mol: Chem.Mol) -> str:
        """Why a molecule is refused, as `refused by CONDITION: DETAIL`; "" if it is not."""
        for pattern in self.wanted:
            if not mol.HasSubstructMatch(pattern.query):
                return f"refused by smarts {pattern.name}: has no match"
        for pattern in self.unwanted:
            if count := len(mol.GetSubstructMatches(pattern.query)):
                return f"refused by not_smarts {pattern.name}: has {count} match{'es' if count > 1 else ''}"
        names = [pattern.name for pattern in self.alerts if mol.HasSubstructMatch(pattern.query)]
        return f"refused by alerts {self.alerts_file}: {', '.join(names)}" if names else ""


def read_alerts(path: Path) -> list[Pattern]:
    """The patterns of a file: SMARTS and, after white space, a name on each line; empty lines and # are left out.

    Raises:
        UserError: the file cannot be read, holds no pattern, or a line is not SMARTS.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"alerts: {path}: cannot be read: {error}") from None
    patterns = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            smarts, _, name = line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
            patterns.append(_pattern(smarts, name.strip() or smarts, f"alerts: {path}, line {number}"))
    if not patterns:
        raise UserError(f"alerts: {path}: holds no pattern; write SMARTS and a name on each line")
    return patterns


def known_fingerprints(molecules: Sequence[str]) -> NDArray[np.uint8]:
    """Fingerprints [K, 256] of molecules that are given as SMILES or as files.

    Raises:
        UserError: one is neither, or a molecule of a file is not valid.
    """
    records: list[Record] = []
    for given in molecules:
        is_file = Path(given).is_file()
        records += read_records([given]) if is_file else [Record("similar_to", len(records) + 1, given, "smiles")]
    if molecules and not records:
        raise UserError(f"similar_to: {', '.join(molecules)}: holds no molecule")
    packed = []
    for record, found in zip(records, in_order(_packed, records, workers=1, timeout=SECONDS, chunk=32), strict=True):
        if isinstance(found, Lost):
            raise UserError(f"similar_to: {record.source}, record {record.index}: {found.reason}")
        packed.append(found)
    return np.frombuffer(b"".join(packed), dtype=np.uint8).reshape(-1, 256)


def nearest_similarity(key: str, known: NDArray[np.uint8]) -> float:
    """Largest Tanimoto similarity of the molecule of a flat key to known ones [K, 256]."""
    packed = np.frombuffer(fingerprint(Chem.MolFromSmiles(key)), dtype=np.uint8)
    return float(similarities(packed, known).max())


def _packed(record: Record) -> bytes:
    return fingerprint(_heavy(record))


def _heavy(record: Record) -> Chem.Mol:
    parsed = parse(record, 0)
    mol = sanitize(parsed.mol).mol if parsed.mol is not None and parsed.bonds else None
    if mol is None:
        what = f"{record.text!r} is neither a file nor a SMILES" if record.source == "similar_to" else record.source
        raise UserError(f"similar_to: {what}, record {record.index}: {parsed.reason or 'is not valid'}")
    return Chem.MolFromSmiles(flat_key(mol))


def _pattern(smarts: str, name: str, source: str) -> Pattern:
    with rdBase.BlockLogs():
        query = Chem.MolFromSmarts(smarts)
    if query is None or query.GetNumAtoms() == 0:
        raise UserError(f"{source}: {smarts!r} is not a SMARTS pattern")
    return Pattern(query, name)
