"""Positions for molecules whose graph is known: conformers, and hydrogens on atoms that do not move."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from rdkit import Chem
from torch.nn.utils.rnn import pad_sequence

from moldiff.chemistry.arrays import MoleculeArrays, to_arrays
from moldiff.chemistry.stereo import anywhere, asked_hands, right_handed, with_positions
from moldiff.config.sample import SampleOptions
from moldiff.errors import UserError
from moldiff.models.abilities import require_task
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.levels import Given
from moldiff.sampling.encode import encode
from moldiff.sampling.intake import Intake, prepared
from moldiff.sampling.plan import LARGEST_BATCH, Plan
from moldiff.sampling.sampler import Sampler
from moldiff.seeds import Stream, stream_seed


@dataclass
class Posed:
    """What became of one molecule.

    Attributes:
        mol: as it was given, without conformers.
        conformers: [atom, 3] each, Å.
        failed: attempts that were left out, by reason.
        right_at_first: conformers of the first attempt whose stereochemistry was right as they came.
    """

    mol: Chem.Mol
    conformers: list[np.ndarray] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    right_at_first: int = 0


def heavy_atoms(mol: Chem.Mol) -> np.ndarray:
    """[atom] which atoms are not hydrogen."""
    return np.array([atom.GetAtomicNum() > 1 for atom in mol.GetAtoms()], dtype=bool)


def pose(
    sampler: Sampler,
    plan: Plan,
    mols: Sequence[Chem.Mol],
    n: int,
    *,
    fixed: Sequence[np.ndarray] | None = None,
    attempts: int = 3,
    numbers: tuple[int, ...] = (),
    on_batch: Callable[[int], object] = int,
) -> list[Posed]:
    """Up to n conformers of each molecule, of the stereochemistry that it has; see `moldiff.chemistry.stereo`.

    Weights that know handedness are asked for that of the stereocentres; whatever the weights, what comes out
    otherwise is made again or left out.

    Args:
        sampler: of the weights.
        plan: of the sampling; its seed is that of all random numbers.
        mols: sanitized, `unfit` for none; with ``fixed``, each with a conformer.
        n: conformers of each.
        fixed: [atom] of each molecule, atoms that keep their positions.
        attempts: how often a conformer that is wrong is made again.
        numbers: distinguish this call's random numbers from those of other calls.
        on_batch: given the number of conformers that came out right of each batch.
    """
    results = [Posed(mol) for mol in mols]
    arrays = [_arrays(mol) for mol in mols]
    waiting = [index for index in range(len(mols)) for _ in range(n)]
    for attempt in range(attempts + 1):
        waiting.sort(key=lambda index: (len(arrays[index]), index))
        again: list[int] = []
        for number, chosen in enumerate(_batches(waiting, arrays, plan.options.batch_pairs)):
            seed = stream_seed(plan.options.seed, Stream.SAMPLES, *numbers, attempt, number)
            known, given = known_graphs([mols[index] for index in chosen], sampler.model.network.vocabulary)
            if fixed is not None:
                still = pad_sequence([torch.from_numpy(fixed[index]) for index in chosen], batch_first=True)
                given = Given.of(known, pos=still, element=True, charge=True, bond=True)
            made, _ = sampler.run(plan, known, given, torch.Generator().manual_seed(seed))
            wrong = len(again)
            for row, index in enumerate(chosen):
                positions = made.pos[row, : len(arrays[index])].double().numpy()
                if fixed is not None:
                    positions[fixed[index]] = arrays[index].positions[fixed[index]]
                right, reason = _judged(mols[index], positions, mirrored=fixed is None)
                results[index].right_at_first += attempt == 0 and right is positions
                if right is None:
                    results[index].failed[reason] += 1
                    again.append(index)
                else:
                    results[index].conformers.append(right)
            on_batch(len(chosen) - (len(again) - wrong))
        waiting = again
        if not waiting:
            break
    return results


def with_conformers(
    sampler: Sampler, mols: Sequence[Chem.Mol], n: int, seed: int, *, hydrogens: bool = False
) -> list[Chem.Mol]:
    """Each molecule with up to n conformers, fewer where its stereochemistry does not come out.

    Args:
        sampler: of the weights.
        mols: sanitized molecules.
        n: conformers of each.
        seed: the same seed gives the same conformers.
        hydrogens: heavy atoms keep their positions, and only hydrogens are placed.

    Raises:
        UserError: the weights were not trained for that, or cannot place the atoms of a molecule.
    """
    task = "hydrogens" if hydrogens else "conformer"
    require_task(sampler.model.history, sampler.model.statistics.hydrogens, task)
    ready, intake = [], Intake.of(sampler.model)
    for number, mol in enumerate(mols, start=1):
        own, reason = prepared(mol, intake, fixed=hydrogens)
        if own is None:
            raise UserError(f"molecule {number}: {reason}")
        ready.append(own)
    fixed = [heavy_atoms(mol) for mol in ready] if hydrogens else None
    result = []
    for one in pose(sampler, Plan.of(SampleOptions(restarts=0, seed=seed)), ready, n, fixed=fixed):
        made = Chem.Mol(one.mol)
        made.RemoveAllConformers()
        for positions in one.conformers:
            made.AddConformer(with_positions(one.mol, positions).GetConformer(), assignId=True)
        Chem.SanitizeMol(made)
        result.append(made)
    return result


def known_graphs(mols: Sequence[Chem.Mol], vocabulary: Vocabulary) -> tuple[MoleculeBatch, Given]:
    """A batch of these molecules, of which the graph is given and the hands of their stereocentres are asked.

    Args:
        mols: see `pose`.
        vocabulary: of the weights.
    """
    arrays = [_arrays(mol) for mol in mols]
    sizes = torch.tensor([len(one) for one in arrays])
    mask = torch.arange(int(sizes.max())) < sizes[:, None]
    hands = pad_sequence([torch.from_numpy(asked_hands(mol)) for mol in mols], batch_first=True)
    known = encode(MoleculeBatch.blank(mask), arrays, vocabulary).replace(handedness=hands)
    return known, Given.of(known, element=True, charge=True, bond=True)


def _arrays(mol: Chem.Mol) -> MoleculeArrays:
    return to_arrays(mol if mol.GetNumConformers() else anywhere(mol))


def _judged(mol: Chem.Mol, positions: np.ndarray, *, mirrored: bool) -> tuple[np.ndarray | None, str]:
    if not np.isfinite(positions).all():
        return None, "not finite"
    right, reason = right_handed(mol, positions)
    if right is not None and right is not positions and not mirrored:
        return None, "stereocentre turned"
    return right, reason


def _batches(waiting: Sequence[int], arrays: Sequence[MoleculeArrays], pairs: int) -> list[list[int]]:
    batches: list[list[int]] = []
    for index in waiting:
        full = batches and (
            len(batches[-1]) >= LARGEST_BATCH or (len(batches[-1]) + 1) * len(arrays[index]) ** 2 > pairs
        )
        if not batches or full:
            batches.append([])
        batches[-1].append(index)
    return batches
