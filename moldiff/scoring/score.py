"""One record in, one row out: the order of operations in which every metric is taken."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache

from rdkit import Chem, rdBase

from moldiff.chemistry.records import Record
from moldiff.scoring import validity
from moldiff.scoring.alerts import alerts
from moldiff.scoring.composition import composition
from moldiff.scoring.descriptors import describe, lipinski_violations
from moldiff.scoring.fingerprints import fingerprint
from moldiff.scoring.geometry import measure
from moldiff.scoring.graph import implicit_hydrogens
from moldiff.scoring.keys import (
    flat_smiles,
    inchikey_block,
    isomeric_smiles,
    key_hash,
    stereo_from_3d,
    without_hydrogens,
)
from moldiff.scoring.parsing import parse
from moldiff.scoring.pose import pb_valid, sanity
from moldiff.scoring.stability import stable_atoms
from moldiff.scoring.topology import functional_groups, ring_systems, scaffold

Value = str | int | float | bool | bytes | None
Row = dict[str, Value]


@dataclass(frozen=True)
class Task:
    """A record to score: its number among all records, from 1, and what is asked of it."""

    number: int
    record: Record
    charge: int = 0
    pose: bool = True
    """Whether three-dimensional structures are judged (they are measured anyway)."""
    keys_only: bool = False
    """Only what novelty asks of a training molecule: its key, fingerprint, ring systems and scaffold."""


def warm_up() -> None:
    """Load patterns and tables now (a second), so that processes forked afterwards share them."""
    score(Task(0, Record("", 0, "CO", "smiles")))


def blank_row(task: Task, reason: str = "") -> Row:
    """The row of a record of which nothing can be said but ``reason``."""
    record = task.record
    return {
        "index": task.number,
        "source": record.source,
        "record": record.index,
        "name": record.name,
        "readable": False,
        "sanitizable": False,
        "connected": False,
        "valid": False,
        "valid_largest_fragment": False,
        "reasons": reason,
        "_strict": False,
        "_stable_explicit": 0,
        "_stable_implicit": 0,
        "_has_hydrogens": False,
        "_missing_hydrogens": 0,
    }


def score(task: Task) -> Row:
    """Everything that one record tells by itself; columns that start with _ are for the summary only.

    What depends on other records (duplicate, novel, the hydrogen policy) is decided where rows come together. Never
    raises: what RDKit refuses in the middle of the work is a row that says so, and costs no other record.
    """
    try:
        return _score(task)
    except (RuntimeError, ValueError) as error:
        first_line = str(error).strip().partition("\n")[0]
        return blank_row(task, f"cannot be scored: {type(error).__name__}: {first_line[:200]}")


def _score(task: Task) -> Row:
    parsed = parse(task.record, task.charge)
    row = blank_row(task, parsed.reason)
    if parsed.mol is None:
        return row
    written = parsed.mol
    bonded = bool(parsed.bonds)
    from_smiles = task.record.kind == "smiles"
    row |= {
        "bonds": parsed.bonds or None,
        "coordinates": parsed.conformer,
        "readable": True,
        "atoms": written.GetNumAtoms(),
        "_has_hydrogens": written.GetNumAtoms() > written.GetNumHeavyAtoms(),
    }
    if not bonded:
        return row
    fragments = validity.fragments(written)
    stable, filled_stable = stable_atoms(written)
    sanitized = validity.sanitize(written)
    whole = sanitized.mol
    valid = whole is not None and fragments == 1
    row |= {
        "sanitizable": whole is not None,
        "connected": fragments == 1,
        "valid": valid,
        "valid_largest_fragment": validity.valid_largest_fragment(written, whole),
        "_stable_explicit": filled_stable if from_smiles else stable,
        "_stable_implicit": filled_stable,
    }
    reasons = [sanitized.problem, f"{fragments} fragments" if fragments > 1 else ""]
    if whole is not None:
        faults = validity.strict_faults(written, sanitized)
        reasons += faults
        row["_strict"] = valid and not faults
        # The grammar of SMILES implies hydrogens, so none is missing there.
        row["_missing_hydrogens"] = 0 if from_smiles else implicit_hydrogens(whole)
        heavy = without_hydrogens(stereo_from_3d(whole) if parsed.conformer else whole)
        row["smiles"] = isomeric_smiles(heavy)
        if valid:
            flat = flat_smiles(heavy)
            row |= {"key": flat, "_key": key_hash(flat)}
            row |= _sketch(flat) if task.keys_only else _portrait(flat)
            row |= _pose(whole, parsed.conformer) if task.pose else {}
            if parsed.conformer and not task.keys_only:
                row["_geometry"] = measure(whole).tobytes()
    row["reasons"] = "; ".join(reason for reason in reasons if reason)
    return row


def _pose(whole: Chem.Mol, conformer: bool) -> Row:
    """Verdicts on the three-dimensional structure, its hydrogens kept as written."""
    if not conformer:
        return {"pb_failed": "not evaluated: no 3D coordinates"}
    pose, sane = pb_valid(whole), sanity(whole)
    return {
        "pb_valid": pose.valid,
        "pb_failed": "; ".join(pose.failed),
        "sane": sane.valid,
        "sanity_failed": "; ".join(sane.failed),
    }


@lru_cache(maxsize=4096)
def _portrait(flat: str) -> Mapping[str, Value]:
    """All two-dimensional metrics, read from the flat key, so that they depend on nothing but the key.

    Atom order would else change the last digits of sums, and one of several duplicates would speak for all.
    """
    heavy = _read_flat(flat)
    values = describe(heavy)
    matches = alerts(heavy)
    return {
        **_sketch(flat),
        "inchikey_block": inchikey_block(heavy),
        **asdict(values),
        "lipinski_violations": lipinski_violations(values),
        **{name: len(found) for name, found in matches.items()},
        "alerts": "; ".join(f"{name} {alert}" for name, found in matches.items() for alert in found),
        "functional_groups": "; ".join(f"{name} {count}" for name, count in functional_groups(heavy).items()),
        "_composition": json.dumps(composition(heavy), sort_keys=True),
    }


@lru_cache(maxsize=4096)
def _sketch(flat: str) -> Mapping[str, Value]:
    heavy = _read_flat(flat)
    return {
        "ring_systems": "; ".join(ring_systems(heavy)),
        "scaffold": scaffold(heavy),
        "_fingerprint": fingerprint(heavy),
    }


@lru_cache(maxsize=4)
def _read_flat(flat: str) -> Chem.Mol:
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(flat)
        if mol is not None:
            return mol
        # RDKit cannot kekulize a few of its own SMILES; without that step all questions still have answers.
        mol = Chem.MolFromSmiles(flat, sanitize=False)
        mol.UpdatePropertyCache(strict=False)
        Chem.SanitizeMol(mol, Chem.SANITIZE_SYMMRINGS | Chem.SANITIZE_SETCONJUGATION | Chem.SANITIZE_SETHYBRIDIZATION)
        return mol
