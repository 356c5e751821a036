"""Descriptors of a set's molecules that its table need not hold: what molecules can be asked for without an assay."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdMolDescriptors

from moldiff.parallel import Lost, run_all
from moldiff.scoring.molecule.descriptors import DescriptorValues, describe

COMPUTED = (*(field.name for field in fields(DescriptorValues)), "rings")
"""Names of the descriptors."""
_CHUNK, _TIMEOUT = 64, 60.0

_Values = tuple[str, tuple[float, ...]]


def descriptors(smiles: Iterable[str], names: Sequence[str], workers: int) -> dict[str, np.ndarray]:
    """The named descriptors of each molecule, NaN where RDKit cannot compute them.

    Args:
        smiles: of the molecules, repeated ones are computed once.
        names: among `COMPUTED`.
        workers: processes.

    Returns:
        By name: [molecule] float64, in the order of ``smiles``.
    """
    texts = list(smiles)
    known: dict[str, tuple[float, ...]] = {}
    distinct = list(dict.fromkeys(texts))
    for piece in run_all(_describe, list, distinct, workers=workers, chunk=_CHUNK, timeout=_TIMEOUT) if names else ():
        if not isinstance(piece, Lost):
            known.update(piece)
    nothing = (np.nan,) * len(COMPUTED)
    rows = np.array([known.get(text, nothing) for text in texts], dtype=np.float64).reshape(len(texts), len(COMPUTED))
    return {name: rows[:, COMPUTED.index(name)] for name in names}


def descriptors_of(mol: Chem.Mol) -> dict[str, float]:
    """All descriptors of one sanitized molecule without hydrogens."""
    values = describe(mol)
    rings = float(rdMolDescriptors.CalcNumRings(mol))
    return {**{name: float(getattr(values, name)) for name in COMPUTED if name != "rings"}, "rings": rings}


def _describe(text: str) -> _Values:
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text)
    if mol is None:
        return text, (np.nan,) * len(COMPUTED)
    return text, tuple(descriptors_of(mol).values())
