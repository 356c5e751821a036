"""Molecules of records, read in processes since RDKit may hang or crash on one: for stages that need few of them."""

from collections.abc import Callable, Sequence
from functools import partial

from rdkit import Chem, rdBase

from moldiff.chemistry.formats.records import Record
from moldiff.chemistry.parsing import Rejected, parse_record
from moldiff.parallel import SECONDS, Lost, in_order

KEPT = int(Chem.PropertyPickleOptions.AllProps | Chem.PropertyPickleOptions.CoordsAsDouble)
"""What `ToBinary` keeps of a molecule that travels between processes: all of it."""

Prepare = Callable[[Chem.Mol], tuple[Chem.Mol | None, str]]
"""Makes of a sanitized molecule the one that is wanted, or says why there is none."""


def sanitized(record: Record) -> Chem.Mol:
    """The sanitized molecule of a record; call it in a process that can be ended.

    Raises:
        Rejected: it cannot be read or sanitized.
    """
    with rdBase.BlockLogs():
        mol = parse_record(record)
        try:
            Chem.SanitizeMol(mol)
        except ValueError as error:
            raise Rejected(f"cannot be sanitized: {' '.join(str(error).split())[:100]}") from None
    return mol


def molecules_of(records: Sequence[Record], prepare: Prepare) -> list[tuple[Chem.Mol | None, str]]:
    """The molecule that is made of each record, or the reason why there is none.

    A record that hangs (for `SECONDS`) or crashes the process that reads it costs itself alone.

    Args:
        records: to read.
        prepare: makes the molecule that is wanted of the sanitized one; a function of a module's top level, or a
            partial of one.
    """
    found = in_order(partial(_read, prepare), records, workers=1, timeout=SECONDS, chunk=32)
    return [_unpacked(one.reason if isinstance(one, Lost) else one) for one in found]


def _read(prepare: Prepare, record: Record) -> bytes | str:
    try:
        with rdBase.BlockLogs():
            mol, reason = prepare(sanitized(record))
    except Rejected as problem:
        return str(problem)
    except (RuntimeError, ValueError, OverflowError) as error:  # what RDKit raises from C++
        return f"RDKit cannot treat it: {' '.join(str(error).split())[:100]}"
    return reason if mol is None else mol.ToBinary(KEPT)


def _unpacked(found: bytes | str) -> tuple[Chem.Mol | None, str]:
    return (None, found) if isinstance(found, str) else (Chem.Mol(found), "")
