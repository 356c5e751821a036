"""Moves on finished molecules: noise is raised, in the whole molecule or a part, and taken away again."""

from collections.abc import Sequence

import numpy as np
import torch

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.chemistry.bond_graph import BondGraph
from moldiff.dataset.placeholders import with_placeholders
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.levels import Given
from moldiff.sampling.encode import encode
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler

SMALLEST, LARGEST = 0.2, 0.6
"""Share of the atoms that a move of a part changes, at least and at most."""


def moved(
    sampler: Sampler,
    plan: Plan,
    molecules: Sequence[MoleculeArrays],
    level: float,
    parts: float,
    seed: int,
) -> list[MoleculeArrays]:
    """Each molecule after one move.

    Where the weights know placeholders, each molecule is offered some more atoms, so that moves change its size.

    Args:
        sampler: of the weights.
        plan: of the sampling.
        molecules: finished, their elements and charges known to the weights.
        level: to which noise is raised, Å.
        parts: share of moves that change a part only.
        seed: of this round of moves.
    """
    model = sampler.model
    random, chance = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    sizes = torch.tensor([len(one) for one in molecules])
    mask = torch.arange(int(sizes.max())) < sizes[:, None]
    known = encode(MoleculeBatch.blank(mask), molecules, model.network.vocabulary)
    kept = torch.zeros_like(mask)
    for row, one in enumerate(molecules):
        if len(one) > 1 and chance.random() < parts:
            kept[row, : len(one)] = torch.from_numpy(~_part(one, chance))
    if model.network.vocabulary.placeholder:
        everyone = torch.ones(len(known), dtype=torch.bool)
        known = with_placeholders(known, model.statistics.placeholders, model.network.vocabulary, random, everyone)
        kept = torch.nn.functional.pad(kept, (0, known.mask.shape[1] - kept.shape[1]))
    given = Given.fragment(known, kept, None)
    state, _ = sampler.run(plan, known, given, random, raised=level)
    return sampler.decoder.arrays(state)


def _part(molecule: MoleculeArrays, random: np.random.Generator) -> np.ndarray:
    """[atom] the connected part to change; at least one atom is left outside."""
    graph = BondGraph(len(molecule), molecule.bonds.astype(np.int64), molecule.bond_orders)
    size = max(1, min(round(len(molecule) * float(random.uniform(SMALLEST, LARGEST))), len(molecule) - 1))
    return graph.connected_part(size, random)
