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

BOND_ORDERS = (0, 1, 2, 3)
"""Kekulized bond orders; the index of an order is the order itself, and 0 means no bond."""


@dataclass(frozen=True)
class Vocabulary:
    """The elements and formal charges that a model knows; an index stands for each.

    Attributes:
        elements: atomic numbers, ascending.
        charges: formal charges, ascending.
    """

    elements: tuple[int, ...]
    charges: tuple[int, ...]

    def __post_init__(self) -> None:
        for name, values in (("elements", self.elements), ("charges", self.charges)):
            if not values or list(values) != sorted(set(values)):
                raise ValueError(f"{name} of a vocabulary must be distinct and ascending, got {values}")

    @property
    def sizes(self) -> dict[str, int]:
        """Number of classes of each category."""
        return {"element": len(self.elements), "charge": len(self.charges), "bond": len(BOND_ORDERS)}


@dataclass(frozen=True)
class MoleculeBatch:
    """Molecules padded to the largest; nothing mutates, `replace` returns a changed copy.

    Attributes:
        pos: [molecule, atom, 3] positions, Å, mean zero over the real atoms of each molecule, zero elsewhere.
        element: [molecule, atom] index into `Vocabulary.elements`.
        charge: [molecule, atom] index into `Vocabulary.charges`.
        bond: [molecule, atom, atom] bond order, symmetric, 0 for none, on the diagonal and on padding.
        mask: [molecule, atom] True where an atom is real; real atoms come first.
    """

    pos: Float[Tensor, "molecule atom 3"]
    element: Int[Tensor, "molecule atom"]
    charge: Int[Tensor, "molecule atom"]
    bond: Int[Tensor, "molecule atom atom"]
    mask: Bool[Tensor, "molecule atom"]

    def replace(self, **fields: Tensor) -> "MoleculeBatch":
        """A copy with some fields changed."""
        return dataclasses.replace(self, **fields)

    def map(self, function: Callable[[Tensor], Tensor]) -> "MoleculeBatch":
        """A copy with the function applied to each field."""
        return MoleculeBatch(*(function(getattr(self, field.name)) for field in dataclasses.fields(self)))

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> "MoleculeBatch":
        """A copy on a device, its positions in ``dtype``."""
        moved = self.map(lambda tensor: tensor.to(device, non_blocking=True))
        return moved if dtype is None else moved.replace(pos=moved.pos.to(dtype))

    def select(self, index: Int[Tensor, " chosen"]) -> "MoleculeBatch":
        """The molecules of these places."""
        return self.map(lambda tensor: tensor[index])

    def put(self, index: Int[Tensor, " chosen"], others: "MoleculeBatch") -> "MoleculeBatch":
        """A copy with ``others``, padded to as many atoms, in these places."""
        names = (field.name for field in dataclasses.fields(self))
        return MoleculeBatch(*(getattr(self, name).index_copy(0, index, getattr(others, name)) for name in names))

    @property
    def pair_mask(self) -> Bool[Tensor, "molecule atom atom"]:
        """True for two different real atoms."""
        atoms = self.mask.shape[1]
        different = ~torch.eye(atoms, dtype=torch.bool, device=self.mask.device)
        return self.mask[:, :, None] & self.mask[:, None, :] & different

    @property
    def sizes(self) -> Int[Tensor, " molecule"]:
        """Number of real atoms of each molecule."""
        return self.mask.sum(1)

    def to_geometric(self, vocabulary: Vocabulary) -> Any:
        """The molecules as a ``torch_geometric.data.Batch``: pos, z (atomic number), charge, edge_index, edge_attr.

        Each bond stands twice, once a direction, with its order in ``edge_attr``, as torch-geometric expects.
        """
        from torch_geometric.data import Batch, Data

        elements, charges = torch.tensor(vocabulary.elements), torch.tensor(vocabulary.charges)
        molecules = []
        for index, size in enumerate(self.sizes.tolist()):
            bond = self.bond[index, :size, :size]
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
        return MoleculeBatch(centred(pos, mask), element, charge, order.long(), mask)


@dataclass(frozen=True)
class Prediction:
    """What the denoiser takes the clean molecules to be; logits are not molecules, so this is another type.

    Attributes:
        pos: [molecule, atom, 3] positions, Å, mean zero.
        element: [molecule, atom, channel] logits.
        charge: [molecule, atom, channel] logits.
        bond: [molecule, atom, atom, channel] logits, symmetric.
    """

    pos: Float[Tensor, "molecule atom 3"]
    element: Float[Tensor, "molecule atom element"]
    charge: Float[Tensor, "molecule atom charge"]
    bond: Float[Tensor, "molecule atom atom 4"]

    def detach(self) -> "Prediction":
        """The same values without their history."""
        return Prediction(self.pos.detach(), self.element.detach(), self.charge.detach(), self.bond.detach())


Denoiser = Callable[[MoleculeBatch, Tensor, Prediction | None], Prediction]
"""(noisy molecules, σ of each in Å, its own previous prediction or None) → what are the clean molecules?"""


def centred(
    pos: Float[Tensor, "molecule atom 3"], mask: Bool[Tensor, "molecule atom"]
) -> Float[Tensor, "molecule atom 3"]:
    """Positions with the mean over each molecule's real atoms removed, and zero on padding."""
    real = mask[:, :, None].to(pos.dtype)
    mean = (pos * real).sum(1, keepdim=True) / real.sum(1, keepdim=True).clamp_min(1)
    return (pos - mean) * real


def _indices(values: Tensor, known: tuple[int, ...], what: str) -> Tensor:
    table = torch.tensor(known)
    index = torch.searchsorted(table, values.contiguous()).clamp_max(len(known) - 1)
    unknown = values[table[index] != values]
    if unknown.numel():
        raise ValueError(f"{what} {int(unknown[0])} is not in the vocabulary {known}")
    return index
