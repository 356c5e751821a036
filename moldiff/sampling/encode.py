"""From chemistry's plain arrays to a batch: the way that `moldiff.sampling.decode` goes back."""

from collections.abc import Sequence

import numpy as np
import torch

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.pairs import pair_number


def encode(blank: MoleculeBatch, arrays: Sequence[MoleculeArrays], vocabulary: Vocabulary) -> MoleculeBatch:
    """The batch with one molecule of the arrays at the first atoms of each of its molecules; the rest is as it was.

    Args:
        blank: molecules with room for them; positions keep its precision.
        arrays: as many, whose elements and charges the vocabulary has.
        vocabulary: of elements and charges.
    """
    fields = {name: getattr(blank, name).clone() for name in ("pos", "element", "charge", "bond")}
    elements, charges = np.array(vocabulary.elements), np.array(vocabulary.charges)
    for row, one in enumerate(arrays):
        count = len(one)
        fields["pos"][row, :count] = torch.from_numpy(one.positions).to(blank.pos.dtype)
        fields["element"][row, :count] = torch.from_numpy(np.searchsorted(elements, one.atomic_numbers.astype(int)))
        fields["charge"][row, :count] = torch.from_numpy(np.searchsorted(charges, one.formal_charges.astype(int)))
        ends = torch.from_numpy(one.bonds.astype(np.int64))
        orders = torch.from_numpy(one.bond_orders.astype(np.int64))
        fields["bond"][row, pair_number(ends[:, 0], ends[:, 1])] = orders
    return blank.replace(**fields)
