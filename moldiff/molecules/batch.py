"""The shared words: a batch of molecules, a prediction of one, and the vocabulary of their categories.

A batch is dense because every pair of atoms talks; batches hold molecules of similar size, so little is padding.
Axis words are a closed list: molecule, atom, pair, channel, component. Lengths are in Å.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from moldiff.molecules.pairs import PairIndex, pair_count

BOND_ORDERS = (0, 1, 2, 3)
"""Kekulized bond orders; the index of an order is the order itself, and 0 means no bond."""


NO_PROPERTIES = torch.zeros(0, 0)
"""Stands for no columns until the number of molecules is known."""
NO_HANDEDNESS = torch.zeros(0, 0, 4, dtype=torch.long)
"""Stands for no rows until the number of molecules is known."""


@dataclass(frozen=True)
class Vocabulary:
    """The elements and formal charges that a model knows; an index stands for each.

    Attributes:
        elements: atomic numbers, ascending.
        charges: formal charges, ascending.
        placeholder: whether there is one more class of element, the last: an atom that is offered and not used. It
            has no atomic number, charge 0 and no bonds.
    """

    elements: tuple[int, ...]
    charges: tuple[int, ...]
    placeholder: bool = False

    def __post_init__(self) -> None:
        for name, values in (("elements", self.elements), ("charges", self.charges)):
            if not values or list(values) != sorted(set(values)):
                raise ValueError(f"{name} of a vocabulary must be distinct and ascending, got {values}")
        if self.placeholder and 0 not in self.charges:
            raise ValueError(f"a vocabulary with a placeholder needs the charge 0, got {self.charges}")

    @property
    def sizes(self) -> dict[str, int]:
        """Number of classes of each category."""
        elements = len(self.elements) + self.placeholder
        return {"element": elements, "charge": len(self.charges), "bond": len(BOND_ORDERS)}

    @property
    def neutral(self) -> int:
        """Class of the charge 0."""
        return self.charges.index(0)


@dataclass(frozen=True)
class MoleculeBatch:
    """Molecules padded to the largest; nothing mutates, `replace` returns a changed copy.

    Attributes:
        pos: [molecule, atom, 3] positions, Å, zero on padding; mean zero over the atoms of the frame, which are all
            real atoms unless some positions are given (`moldiff.molecules.levels`).
        element: [molecule, atom] index into `Vocabulary.elements`.
        charge: [molecule, atom] index into `Vocabulary.charges`.
        bond: [molecule, pair] bond order of each unordered pair (`PairIndex`), 0 for none and on padding.
        mask: [molecule, atom] True where an atom is real; real atoms come first.
        properties: [molecule, property] what is wanted of each molecule or known of it
            (`moldiff.molecules.properties`), NaN where it is not; no columns for a network without properties.
        handedness: [molecule, atom, 4] which hand is asked of each atom (`moldiff.molecules.handedness`), zeros where
            nothing is; no rows where nothing is asked of any.
    """

    pos: Float[Tensor, "molecule atom 3"]
    element: Int[Tensor, "molecule atom"]
    charge: Int[Tensor, "molecule atom"]
    bond: Int[Tensor, "molecule pair"]
    mask: Bool[Tensor, "molecule atom"]
    properties: Float[Tensor, "molecule property"] = NO_PROPERTIES
    handedness: Int[Tensor, "molecule centre 4"] = NO_HANDEDNESS

    def __post_init__(self) -> None:
        if self.properties is NO_PROPERTIES:
            object.__setattr__(self, "properties", self.pos.new_zeros(len(self.mask), 0))
        if self.handedness is NO_HANDEDNESS:
            object.__setattr__(self, "handedness", self.bond.new_zeros(len(self.mask), 0, 4))

    @classmethod
    def blank(cls, mask: Bool[Tensor, "molecule atom"], dtype: torch.dtype = torch.float32) -> "MoleculeBatch":
        """Molecules of these sizes of which nothing else is known: all zeros."""
        molecules, atoms = mask.shape
        classes = torch.zeros(molecules, atoms, dtype=torch.long, device=mask.device)
        bond = classes.new_zeros(molecules, pair_count(atoms))
        return cls(torch.zeros(molecules, atoms, 3, dtype=dtype, device=mask.device), classes, classes, bond, mask)

    def __len__(self) -> int:
        return len(self.mask)

    def replace(self, **fields: Tensor) -> "MoleculeBatch":
        """A copy with some fields changed."""
        return dataclasses.replace(self, **fields)

    def map(self, function: Callable[[Tensor], Tensor]) -> "MoleculeBatch":
        """A copy with the function applied to each field."""
        return MoleculeBatch(*(function(getattr(self, field.name)) for field in dataclasses.fields(self)))

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> "MoleculeBatch":
        """A copy on a device, its positions in ``dtype``."""
        # each copy is waited for: one from a GPU that is not would be read before it has arrived
        moved = self.map(lambda tensor: tensor.to(device))
        if dtype is None:
            return moved
        return moved.replace(pos=moved.pos.to(dtype), properties=moved.properties.to(dtype))

    def select(self, index: Int[Tensor, " chosen"]) -> "MoleculeBatch":
        """The molecules with these indices."""
        return self.map(lambda tensor: tensor[index.to(tensor.device)])

    def put(self, index: Int[Tensor, " chosen"], others: "MoleculeBatch") -> "MoleculeBatch":
        """A copy with ``others``, padded to as many atoms, at these indices."""
        names, at = (field.name for field in dataclasses.fields(self)), index.to(self.mask.device)
        return MoleculeBatch(*(getattr(self, name).index_copy(0, at, getattr(others, name)) for name in names))

    @property
    def pairs(self) -> PairIndex:
        """Which two atoms each pair is of."""
        return PairIndex.of(self.mask.shape[1], self.mask.device)

    @property
    def pair_mask(self) -> Bool[Tensor, "molecule pair"]:
        """True for pairs of two real atoms."""
        return self.pairs.real(self.mask)

    def places(self, name: str) -> Bool[Tensor, "molecule place"]:
        """The real places of a field: pairs of real atoms for bonds, real atoms for all else."""
        return self.pair_mask if name == "bond" else self.mask

    @property
    def bond_matrix(self) -> Int[Tensor, "molecule atom atom"]:
        """Bond orders as a symmetric matrix, 0 on the diagonal."""
        return self.pairs.matrix(self.bond)

    @property
    def sizes(self) -> Int[Tensor, " molecule"]:
        """Number of real atoms of each molecule."""
        return self.mask.sum(1)

    def to_geometric(self, vocabulary: Vocabulary) -> Any:
        """The molecules as a ``torch_geometric.data.Batch``: pos, z (atomic number), charge, edge_index, edge_attr.

        Each bond occurs twice, once in each direction, with its order in ``edge_attr``, as torch-geometric expects.
        """
        from torch_geometric.data import Batch, Data

        elements, charges = torch.tensor(vocabulary.elements), torch.tensor(vocabulary.charges)
        molecules, matrices = [], self.bond_matrix
        for index, size in enumerate(self.sizes.tolist()):
            bond = matrices[index, :size, :size]
            edges = bond.nonzero().T.contiguous()
            molecules.append(
                Data(
                    pos=self.pos[index, :size],
                    z=elements[self.element[index, :size]],
                    charge=charges[self.charge[index, :size]],
                    edge_index=edges,
                    edge_attr=bond[edges[0], edges[1]],
                    num_nodes=size,
                )
            )
        return Batch.from_data_list(molecules)

    @staticmethod
    def from_geometric(data: Any, vocabulary: Vocabulary) -> "MoleculeBatch":
        """A batch from a ``torch_geometric.data.Data`` or ``Batch`` with the fields of `to_geometric`.

        Raises:
            ValueError: an element or charge is not in the vocabulary.
        """
        from torch_geometric.utils import to_dense_adj, to_dense_batch

        owner = getattr(data, "batch", None)
        if owner is None:
            owner = torch.zeros(data.num_nodes, dtype=torch.long)
        pos, mask = to_dense_batch(data.pos, owner)
        element, _ = to_dense_batch(_indices(data.z, vocabulary.elements, "element"), owner)
        charge, _ = to_dense_batch(_indices(data.charge, vocabulary.charges, "charge"), owner)
        order = to_dense_adj(data.edge_index, owner, data.edge_attr.long(), max_num_nodes=mask.shape[1])
        bond = PairIndex.of(mask.shape[1], mask.device).pack(order.long())
        return MoleculeBatch(centred(pos, mask), element, charge, bond, mask)


@dataclass(frozen=True)
class Prediction:
    """What the denoiser takes the clean molecules to be; logits are not molecules, so this is another type.

    Attributes:
        pos: [molecule, atom, 3] positions, Å, mean zero.
        element: [molecule, atom, channel] logits.
        charge: [molecule, atom, channel] logits.
        bond: [molecule, pair, channel] logits.
    """

    pos: Float[Tensor, "molecule atom 3"]
    element: Float[Tensor, "molecule atom element"]
    charge: Float[Tensor, "molecule atom charge"]
    bond: Float[Tensor, "molecule pair 4"]

    def map(self, function: Callable[[Tensor], Tensor]) -> "Prediction":
        """A copy with the function applied to each field."""
        return Prediction(function(self.pos), function(self.element), function(self.charge), function(self.bond))

    def detach(self) -> "Prediction":
        """The same values without their history."""
        return self.map(Tensor.detach)

    def likeliest(self, mask: Bool[Tensor, "molecule atom"]) -> MoleculeBatch:
        """The molecules of the likeliest class of each place, with these real atoms."""
        pairs = PairIndex.of(mask.shape[1], mask.device).real(mask)
        element, charge, bond = (each.argmax(-1) for each in (self.element, self.charge, self.bond))
        return MoleculeBatch(self.pos, element * mask, charge * mask, bond * pairs, mask)


def centred(
    pos: Float[Tensor, "molecule atom 3"],
    frame: Bool[Tensor, "molecule atom"],
    mask: Bool[Tensor, "molecule atom"] | None = None,
) -> Float[Tensor, "molecule atom 3"]:
    """Positions relative to the mean of the frame's atoms, zero on padding.

    Args:
        pos: positions, Å.
        frame: atoms whose mean becomes the origin.
        mask: real atoms; by default those of the frame.
    """
    inside = frame[:, :, None].to(pos.dtype)
    mean = (pos * inside).sum(1, keepdim=True) / inside.sum(1, keepdim=True).clamp_min(1)
    return (pos - mean) * (inside if mask is None else mask[:, :, None].to(pos.dtype))


def _indices(values: Tensor, known: tuple[int, ...], what: str) -> Tensor:
    table = torch.tensor(known)
    index = torch.searchsorted(table, values.contiguous()).clamp_max(len(known) - 1)
    unknown = values[table[index] != values]
    if unknown.numel():
        raise ValueError(f"{what} {int(unknown[0])} is not in the vocabulary {known}")
    return index
