"""Batches of a featurized set: gathered by index arithmetic on whole arrays, never by a loop over molecules."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from moldiff.dataset.storage import FeaturizedDataset, RaggedMolecules
from moldiff.errors import LIMITS, UserError
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.pairs import pair_count, pair_number
from moldiff.seeds import Stream, stream_seed

WINDOW = 64
"""Batches among which molecules are sorted by size: more would waste less padding and mix molecules less."""


@dataclass(frozen=True)
class MoleculeLoader:
    """The molecules of one split as flat tensors, and batches of them.

    Attributes:
        pos: [atom, 3] positions, Å, centred on each molecule.
        element, charge: [atom] indices into the vocabulary.
        bonds: [bond, 2] atoms of each bond, counted within its molecule.
        orders: [bond] bond orders.
        atom_start, bond_start: [molecule] first atom and bond of each molecule.
        sizes, bond_counts: [molecule] how many of each.
        properties: [molecule, property] what is known of each molecule (`moldiff.dataset.properties`).
    """

    pos: Float[Tensor, "atom 3"]
    element: Int[Tensor, " atom"]
    charge: Int[Tensor, " atom"]
    bonds: Int[Tensor, "bond 2"]
    orders: Int[Tensor, " bond"]
    atom_start: Int[Tensor, " molecule"]
    bond_start: Int[Tensor, " molecule"]
    sizes: Int[Tensor, " molecule"]
    bond_counts: Int[Tensor, " molecule"]
    properties: Float[Tensor, "molecule property"]

    @classmethod
    def of(
        cls,
        dataset: FeaturizedDataset,
        split: str,
        vocabulary: Vocabulary,
        properties: Float[Tensor, "conformer property"] | None = None,
        *,
        known_only: bool = False,
    ) -> "MoleculeLoader":
        """The molecules of a split.

        Args:
            dataset: the featurized set.
            split: train, valid or test.
            vocabulary: of elements and charges.
            properties: of all conformers of the set, NaN where nothing is known; by default none.
            known_only: leave out molecules with an element or charge that is not in the vocabulary.

        Raises:
            UserError: an element or charge of the set is not in the vocabulary.
        """
        molecules, chosen = dataset.molecules, dataset.rows(split)
        if known_only:
            left_out: np.ndarray = np.logical_or(*unknown(molecules, vocabulary))
            chosen = chosen[~left_out[chosen]]
        atoms, bonds = np.asarray(molecules.atom_offsets), np.asarray(molecules.bond_offsets)
        sizes = np.diff(atoms)
        positions = molecules.positions.astype(np.float32)
        sums = np.add.reduceat(positions, atoms[:-1], axis=0) if len(positions) else positions
        centre = np.repeat(sums / sizes[:, None], sizes, axis=0).astype(np.float32)
        return cls(
            pos=torch.from_numpy(positions - centre),
            element=_indices(molecules.atomic_numbers, vocabulary.elements, "element (atomic number)", known_only),
            charge=_indices(molecules.formal_charges, vocabulary.charges, "formal charge", known_only),
            bonds=torch.from_numpy(molecules.bonds.astype(np.int64)),
            orders=torch.from_numpy(molecules.bond_orders.astype(np.int64)),
            atom_start=torch.from_numpy(atoms[:-1][chosen].astype(np.int64)),
            bond_start=torch.from_numpy(bonds[:-1][chosen].astype(np.int64)),
            sizes=torch.from_numpy(sizes[chosen].astype(np.int64)),
            bond_counts=torch.from_numpy(np.diff(bonds)[chosen].astype(np.int64)),
            properties=torch.zeros(len(chosen), 0) if properties is None else properties[torch.from_numpy(chosen)],
        )

    def __len__(self) -> int:
        return len(self.sizes)

    def gather(self, molecules: Int[Tensor, " molecule"]) -> MoleculeBatch:
        """The molecules with these indices as one batch."""
        sizes = self.sizes[molecules]
        place = torch.arange(int(sizes.max()))
        mask = place < sizes[:, None]
        atom = torch.where(mask, self.atom_start[molecules][:, None] + place, 0)
        counts = self.bond_counts[molecules]
        owner = torch.repeat_interleave(torch.arange(len(molecules)), counts)
        first = counts.cumsum(0) - counts
        bond = torch.arange(len(owner)) - first[owner] + self.bond_start[molecules][owner]
        row, column = self.bonds[bond].unbind(1)
        pairs = torch.zeros(len(molecules), pair_count(len(place)), dtype=torch.long)
        pairs[owner, pair_number(row, column)] = self.orders[bond]
        return MoleculeBatch(
            pos=self.pos[atom] * mask[:, :, None],
            element=self.element[atom] * mask,
            charge=self.charge[atom] * mask,
            bond=pairs,
            mask=mask,
            properties=self.properties[molecules],
        )

    def batches(self, batch_size: int, seed: int, epoch: int) -> list[Int[Tensor, " molecule"]]:
        """Indices of each batch of an epoch: all molecules once, in an order that follows from seed and epoch.

        Molecules are shuffled, sorted by size within windows and cut where the pairs of ``batch_size`` molecules of
        mean size are reached, so that a batch holds molecules of similar size and costs about the same time.
        """
        generator = torch.Generator().manual_seed(stream_seed(seed, Stream.ORDER, epoch))
        order = torch.randperm(len(self), generator=generator)
        result: list[Tensor] = []
        budget = batch_size * float((self.sizes.double() ** 2).mean())
        for window in order.split(batch_size * WINDOW):
            window = window[self.sizes[window].argsort(stable=True)]
            number = ((self.sizes[window].double() ** 2).cumsum(0) / budget).ceil().long()
            _, counts = number.unique_consecutive(return_counts=True)
            result.extend(window.split(counts.tolist()))
        return [result[index] for index in torch.randperm(len(result), generator=generator).tolist()]

    def order(self, batch_size: int, seed: int, start: int) -> Iterator[Int[Tensor, " molecule"]]:
        """Indices of the batches of epoch after epoch, beginning with batch number ``start`` of them all."""
        epoch, passed = 0, 0
        while True:
            batches = self.batches(batch_size, seed, epoch)
            yield from batches[max(0, start - passed) :]
            passed += len(batches)
            epoch += 1


def unknown(molecules: RaggedMolecules, vocabulary: Vocabulary) -> np.ndarray:
    """Whether a molecule has an element, and whether it has a charge, that is not in the vocabulary, [2, molecule]."""
    starts = np.asarray(molecules.atom_offsets)[:-1]
    strange = [
        np.logical_or.reduceat(~np.isin(values, known), starts)
        for values, known in (
            (molecules.atomic_numbers, vocabulary.elements),
            (molecules.formal_charges, vocabulary.charges),
        )
    ]
    return np.stack(strange)


def _indices(values: np.ndarray, known: tuple[int, ...], what: str, known_only: bool) -> Int[Tensor, " atom"]:
    table = np.array(known)
    index = np.searchsorted(table, values).clip(max=len(table) - 1)
    others = values[table[index] != values]
    if len(others) and not known_only:
        raise UserError(
            f"the dataset holds the {what} {int(others[0])}, which the model does not know (it knows {list(known)}); "
            f"featurize with only known elements, or train a model from scratch ({LIMITS})"
        )
    return torch.from_numpy(index.astype(np.int64))
