"""Scores of made molecules: an expression over descriptors, the overlay with a reference, and a user's own columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rdkit import Chem

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.chemistry.reading import KEPT
from moldiff.parallel import SECONDS, Lost, in_order
from moldiff.sampling.decode import Decoder
from moldiff.sampling.metropolis import Member
from moldiff.scoring.computed import COMPUTED, descriptors_of
from moldiff.scoring.expressions import Condition, Unknown
from moldiff.scoring.molecule.keys import flat_smiles, without_hydrogens
from moldiff.scoring.molecule.validity import one_molecule
from moldiff.scoring.overlay import shape_overlap
from moldiff.scoring.user import add_user_score

SHAPE = "shape"


@dataclass(frozen=True)
class Scorer:
    """Scores molecules, whose chemistry is computed in a process that may hang or crash.

    Attributes:
        decoder: of the weights that made them, which says how they are written.
        text: the expression.
        columns: own columns by name, each as `moldiff rank` takes it.
        reference: of the column ``shape``.

    Raises:
        UserError: the expression cannot be read, or names a column that there is not.
    """

    decoder: Decoder
    text: str
    columns: Mapping[str, str] = field(default_factory=dict)
    reference: Chem.Mol | None = None

    def __post_init__(self) -> None:
        self.expression()
        descriptors_of(Chem.MolFromSmiles("C"))  # loads tables (a second), so that processes forked later share them

    def expression(self) -> Condition:
        """The expression over the columns that there are."""
        names = {*COMPUTED, *self.columns} | ({SHAPE} if self.reference is not None else set())
        return Condition(self.text, frozenset(names))

    def __call__(self, molecules: Sequence[MoleculeArrays]) -> list[Member]:
        """The molecules with their scores, or with the reason why there is none."""
        describe = _Describe(self.decoder, self.reference)
        described = in_order(describe, molecules, workers=1, timeout=SECONDS, chunk=32)
        rows: list[dict[str, Any]] = []
        mols: dict[int, Chem.Mol] = {}
        members: list[Member] = []
        for index, (arrays, found) in enumerate(zip(molecules, described, strict=True)):
            if isinstance(found, Lost | str):
                members.append(Member(arrays, key="", problem=found.reason if isinstance(found, Lost) else found))
                continue
            row, written = found
            members.append(Member(arrays, key=row["smiles"]))
            rows.append({"index": index, **row})
            mols[index] = Chem.Mol(written)
        for name, source in self.columns.items():
            add_user_score(name, source, rows, mols)
        expression = self.expression()
        for row in rows:
            member = members[row["index"]]
            try:
                score = float(expression.value(row))
                members[row["index"]] = Member(member.arrays, member.key, score if np.isfinite(score) else None)
            except Unknown as column:
                members[row["index"]] = Member(member.arrays, member.key, None, f"{column} is null")
        return members


@dataclass(frozen=True)
class _Describe:
    """The columns of a molecule, and the molecule as it is written; or why there are none."""

    decoder: Decoder
    reference: Chem.Mol | None

    def __call__(self, arrays: MoleculeArrays) -> tuple[dict[str, Any], bytes] | str:
        if not self.decoder.strict(arrays):
            return "not valid"
        written = self.decoder.rdkit(arrays)
        if (mol := one_molecule(written)) is None:
            return "not valid"
        heavy = without_hydrogens(mol)
        row: dict[str, Any] = {"smiles": flat_smiles(heavy), **descriptors_of(heavy)}
        if self.reference is not None:
            row[SHAPE] = shape_overlap(self.reference, mol)
        return row, written.ToBinary(KEPT)
