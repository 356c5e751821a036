"""From batches to molecules as chemistry takes them: plain arrays, then RDKit's."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from moldiff.chemistry.arrays import MoleculeArrays, to_rdkit
from moldiff.dataset.placeholders import placeholders
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.scoring.molecule.validity import is_strict

if TYPE_CHECKING:
    from rdkit import Chem


@dataclass(frozen=True)
class Sampled:
    """One molecule as it left the model.

    Attributes:
        index: its number.
        arrays: its atoms and bonds.
        restarts: how often it was taken back.
        flaw: what is wrong at the part that was to be kept; empty if nothing is.
        given: its first atoms, which were given.
    """

    index: int
    arrays: MoleculeArrays
    restarts: int = 0
    flaw: str = ""
    given: int = 0

    @property
    def finite(self) -> bool:
        """Whether all coordinates are numbers."""
        return is_finite(self.arrays)

    @property
    def noted(self) -> dict[str, str]:
        """Properties of the written molecule: the numbers of its given atoms, from 1, if it has some."""
        return {"moldiff_given_atoms": ",".join(map(str, range(1, self.given + 1)))} if self.given else {}


@dataclass(frozen=True)
class Decoder:
    """Reads batches as molecules.

    Attributes:
        vocabulary: of elements and charges.
        hydrogens: explicit where the model makes hydrogens itself, so that RDKit adds none.
    """

    vocabulary: Vocabulary
    hydrogens: str

    def arrays(self, batch: MoleculeBatch) -> list[MoleculeArrays]:
        """Each molecule of a batch without its padding."""
        return to_arrays(batch.to("cpu"), self.vocabulary)

    def rdkit(self, arrays: MoleculeArrays, name: str = "") -> "Chem.Mol":
        """The molecule with a conformer, as made: not sanitized."""
        hydrogens: Literal["explicit", "implicit"] = "explicit" if self.hydrogens == "explicit" else "implicit"
        return to_rdkit(arrays, name, hydrogens=hydrogens)

    def strict(self, arrays: MoleculeArrays) -> bool:
        """Whether the molecule is valid_strict as `moldiff check` says; False if a coordinate is not finite."""
        return is_finite(arrays) and is_strict(self.rdkit(arrays))


def is_finite(arrays: MoleculeArrays) -> bool:
    """Whether there is an atom and all coordinates are numbers."""
    return len(arrays) > 0 and bool(np.isfinite(arrays.positions).all())


def to_arrays(batch: MoleculeBatch, vocabulary: Vocabulary) -> list[MoleculeArrays]:
    """Each molecule of a batch on the CPU as plain arrays, for chemistry; placeholders are left out with their bonds.

    The other atoms keep their order.
    """
    elements = np.array(vocabulary.elements, np.uint8)
    charges = np.array(vocabulary.charges, np.int8)
    row, column = batch.pairs.row.numpy(), batch.pairs.column.numpy()
    in_order = np.lexsort((column, row))
    used = (batch.mask & ~placeholders(batch, vocabulary)).numpy()
    result = []
    for number, atoms in enumerate(used):
        bond = batch.bond[number].numpy()
        bonded = in_order[bond[in_order] > 0]
        bonded = bonded[atoms[row[bonded]] & atoms[column[bonded]]]
        place = np.cumsum(atoms) - 1
        result.append(
            MoleculeArrays(
                positions=batch.pos[number].double().numpy()[atoms],
                atomic_numbers=elements[batch.element[number].numpy()[atoms]],
                formal_charges=charges[batch.charge[number].numpy()[atoms]],
                bonds=np.stack([place[row[bonded]], place[column[bonded]]], 1).astype(np.uint16),
                bond_orders=bond[bonded].astype(np.uint8),
            )
        )
    return result
