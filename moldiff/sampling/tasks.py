"""Parts that are kept: from what a user asks for to given places, and the verdict on what was made around them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
import torch
from rdkit import Chem

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.chemistry.exits import expected_positions
from moldiff.chemistry.fragments import (
    Fragment,
    fragment_of,
    fragments_of_smiles,
    parse_atoms,
    read_fragment,
    read_molecule,
    without_atoms,
)
from moldiff.chemistry.joining import joined
from moldiff.config.sample import SampleOptions
from moldiff.errors import LIMITS, UserError
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.levels import Given
from moldiff.parallel import apart
from moldiff.sampling.encode import encode

POSES_SECONDS = 300.0
"""Time to read the parts that are kept, and to generate their poses."""


@dataclass(frozen=True)
class KeptPart:
    """A part that all molecules of a sampling have, in one or several poses.

    Attributes:
        poses: of the same graph; molecule i has pose i modulo their number.
    """

    poses: tuple[Fragment, ...]

    def __len__(self) -> int:
        return len(self.poses[0])

    @property
    def checksum(self) -> str:
        """Of its atoms, poses and open atoms: a file may change under its name."""
        arrays = [getattr(one.arrays, field.name) for one in self.poses for field in fields(one.arrays)]
        parts = [np.ascontiguousarray(one).tobytes() for one in [*arrays, self.poses[0].open]]
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def pose(self, index: int) -> Fragment:
        """The part of the molecule with this number."""
        return self.poses[index % len(self.poses)]

    def known(
        self, blank: MoleculeBatch, indices: Sequence[int], vocabulary: Vocabulary
    ) -> tuple[MoleculeBatch, Given]:
        """The molecules with the part at their first places, and these given; closed atoms have no free pairs.

        Stereocentres at open atoms ask for their hand, which weights that know handedness see.

        Args:
            blank: molecules of more atoms than the part.
            indices: their numbers.
            vocabulary: knows all elements and charges of the part.
        """
        poses = [self.pose(index) for index in indices]
        known = encode(blank, [one.arrays for one in poses], vocabulary)
        atoms = torch.arange(blank.mask.shape[1]) < len(self)
        closed = torch.zeros_like(blank.mask)
        closed[:, : len(self)] = torch.from_numpy(np.stack([~one.open for one in poses]))
        known = known.replace(handedness=self._hands(blank))
        return known, Given.fragment(known, atoms.expand_as(closed), closed)

    def _hands(self, blank: MoleculeBatch) -> torch.Tensor:
        """[molecule, atom, 4] where new neighbours of open stereocentres have to be; no rows where it does not matter.

        Stereocentres within the part have their positions and need no asking.
        """
        sides = [side for side in self.poses[0].sides if not side.double]
        if not sides:
            return blank.handedness
        hands = blank.element.new_zeros(*blank.mask.shape, 4)
        for side in sides:
            hands[:, side.atom] = hands.new_tensor([side.sign, *side.others, side.atom])
        return hands

    def surrounded(self, known: MoleculeBatch, indices: Sequence[int], random: torch.Generator) -> MoleculeBatch:
        """The molecules with their other atoms where these may be, beyond the bonds that leave the part.

        Args:
            known: molecules with the part at their first places, all of their atoms real.
            indices: their numbers.
            random: of the positions.
        """
        draw = np.random.default_rng(int(torch.randint(2**62, (), generator=random)))
        new = known.mask.shape[1] - len(self)
        pos = known.pos.clone()
        for row, index in enumerate(indices):
            pose = self.pose(index)
            places = expected_positions(pose.arrays.positions, pose.exits, new, draw, every=pose.marked)
            pos[row, len(self) :] = torch.from_numpy(places)
        return known.replace(pos=pos)

    def restored(self, arrays: MoleculeArrays, index: int) -> MoleculeArrays:
        """A finished molecule with the part's positions in full precision, as they were given."""
        positions = arrays.positions.copy()
        positions[: len(self)] = self.pose(index).arrays.positions
        return replace(arrays, positions=positions)

    def flaw(self, arrays: MoleculeArrays) -> str:
        """What went wrong at the part: a stereocentre or double bond turned over by a new neighbour; empty if nothing.

        A side at which no new neighbour is, because the open atom was left as it is, is kept.
        """
        count = len(self)
        # of all poses alike: a side is that of a stereocentre or double bond, and these are those of one graph
        for side in self.poses[0].sides:
            ends = arrays.bonds[(arrays.bonds == side.atom).any(1)].astype(np.int64)
            new = [int(end) for end in ends.ravel() if end >= count]
            if any(not side.holds(arrays.positions, atom) for atom in new):
                return "double bond turned" if side.double else "stereocentre turned"
        return ""


def kept_part(options: SampleOptions, vocabulary: Vocabulary, hydrogens: str, largest: int) -> KeptPart | None:
    """The part that the options ask to keep, or None.

    Args:
        options: of the sampling; at most one of their tasks is set.
        vocabulary: of the weights.
        hydrogens: explicit or implicit.
        largest: number of atoms of the largest molecule that the weights were trained on.

    Raises:
        UserError: a file or SMILES cannot be used, the weights do not know an element or charge of it, or it is as
            large as the largest molecule.
    """
    named = (options.scaffold, options.scaffold_smiles, *options.link, options.redesign, options.grow)
    if not (name := next((one for one in named if one is not None), "")):
        return None
    poses = apart(partial(_poses, hydrogens=hydrogens), options, name, timeout=POSES_SECONDS)
    part = poses[0]
    for what, values, known in (
        ("element", part.arrays.atomic_numbers, vocabulary.elements),
        ("charge", part.arrays.formal_charges, vocabulary.charges),
    ):
        if unknown := sorted(set(values.tolist()) - set(known)):
            raise UserError(
                f"{part.name}: holds the {what} {_written(what, unknown[0])}, which the weights do not know; "
                f"they know {', '.join(_written(what, one) for one in known)} ({LIMITS})"
            )
    ends = options.atom_range
    if options.new_atoms is None and ends is None and len(part) >= largest:
        raise UserError(
            f"{part.name}: has {len(part)} atoms, and the largest molecule that the weights were trained on {largest}; "
            f"keep less, or say with --new-atoms how many to add ({LIMITS})"
        )
    if ends is not None and ends[0] <= len(part):
        raise UserError(
            f"{part.name}: keeps {len(part)} atoms, so molecules of {ends[0]} leave no new one; "
            f"ask for at least {len(part) + 1}"
        )
    return KeptPart(tuple(poses))


def _poses(options: SampleOptions, hydrogens: str) -> list[Fragment]:
    if options.scaffold is not None:
        return [read_fragment(options.scaffold, hydrogens=hydrogens)]
    if options.scaffold_smiles is not None:
        return fragments_of_smiles(
            options.scaffold_smiles, hydrogens=hydrogens, conformers=options.poses, seed=options.seed
        )
    if options.link:
        return [joined([read_fragment(path, hydrogens=hydrogens) for path in options.link])]
    if options.redesign is not None:
        mol = read_molecule(options.redesign)
        return [without_atoms(mol, parse_atoms(options.atoms or ""), options.redesign, hydrogens=hydrogens)]
    if options.grow is not None:
        return [fragment_of(_unmarked(read_molecule(options.grow), options.grow), options.grow, hydrogens=hydrogens)]
    return []


def _unmarked(mol: Chem.Mol, name: str) -> Chem.Mol:
    if any(atom.GetAtomicNum() == 0 for atom in mol.GetAtoms()):
        raise UserError(f"{name}: has marks [*], but --grow needs a complete molecule; give it as --scaffold")
    return mol


def _written(what: str, value: int) -> str:
    return Chem.GetPeriodicTable().GetElementSymbol(value) if what == "element" else f"{value:+d}"
