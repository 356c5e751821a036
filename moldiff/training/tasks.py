"""What a network is trained to complete: each molecule of a batch gets a task, and with it places that are given.

Parts are cut by the bond graph alone (`moldiff.chemistry.cutting`), so training needs no RDKit. All follows from the
batch and the random numbers handed in: the same seed gives the same patterns on every process.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator

from moldiff.chemistry.bond_graph import BondGraph
from moldiff.chemistry.cutting import cut_one, cut_several, union
from moldiff.config.train import TaskShares
from moldiff.dataset.placeholders import with_placeholders
from moldiff.molecules.batch import MoleculeBatch, Vocabulary
from moldiff.molecules.levels import Given
from moldiff.training.chirality import asked_hands

UNKNOWN = 0.15
"""Share of molecules of which no property is shown, so that a network also knows molecules of which nothing is asked;
the guidance is the difference (Ho and Salimans 2022, arXiv:2207.12598)."""
HYDROGEN = 1


@dataclass(frozen=True)
class TaskMixture:
    """Draws what is given of each clean molecule, adds placeholders and hides properties.

    Positions stay in the frame that they have.

    Attributes:
        shares: of each task.
        vocabulary: of elements and charges.
        placeholders: largest number of placeholders as a share of a molecule's atoms.
        chirality: whether the handedness of atoms whose bonds are given is asked for.
    """

    shares: TaskShares
    vocabulary: Vocabulary
    placeholders: float = 0.0
    chirality: bool = False

    def __call__(self, batch: MoleculeBatch, random: Generator) -> tuple[MoleculeBatch, Given]:
        """The molecules as they are trained on, and what is given of each.

        Args:
            batch: clean molecules, centred.
            random: of all random numbers; untouched where there is nothing to draw.
        """
        shares = self.shares.model_dump()
        only_new = shares["new"] == sum(shares.values())
        names = ["new"] * len(batch) if only_new else self._tasks(batch, random, shares)
        seeds = np.random.default_rng(0 if only_new else int(torch.randint(2**62, (), generator=random)))
        patterns = [_pattern(name, batch, number, self.vocabulary, seeds) for number, name in enumerate(names)]
        if self.placeholders:
            allowed = torch.tensor([pattern.open_ended for pattern in patterns])
            batch = with_placeholders(batch, self.placeholders, self.vocabulary, random, allowed)
        if batch.properties.shape[1]:
            batch = batch.replace(properties=_hidden(batch.properties, random))
        given = _given(patterns, batch)
        if self.chirality:
            batch = batch.replace(handedness=asked_hands(batch, given, self.vocabulary, random))
        return batch, given

    def _tasks(self, batch: MoleculeBatch, random: Generator, shares: dict[str, float]) -> list[str]:
        names = list(shares)
        weights = torch.tensor([shares[name] for name in names], dtype=torch.float64)
        chosen = torch.multinomial(weights, len(batch), replacement=True, generator=random)
        return [names[place] for place in chosen.tolist()]


@dataclass(frozen=True)
class _Pattern:
    """What is given of one molecule, as masks of its atoms.

    Attributes:
        pos, element, charge: [atom].
        bond: [atom] atoms among which all pairs are given.
        closed: [atom] atoms of which all pairs are given.
        open_ended: whether the number of atoms may be left open.
    """

    pos: np.ndarray
    element: np.ndarray
    charge: np.ndarray
    bond: np.ndarray
    closed: np.ndarray
    open_ended: bool = True


def _pattern(
    name: str, batch: MoleculeBatch, number: int, vocabulary: Vocabulary, random: np.random.Generator
) -> _Pattern:
    """The pattern of a task for a molecule; that of `new` where the molecule does not have what the task needs."""
    atoms = int(batch.sizes[number])
    nothing, everything = np.zeros(atoms, dtype=bool), np.ones(atoms, dtype=bool)
    new = _Pattern(nothing, nothing, nothing, nothing, nothing)
    if name == "new" or atoms < 2:
        return new
    if name == "conformer":
        return _Pattern(nothing, everything, everything, everything, everything, open_ended=False)
    if name == "bonds":
        return _Pattern(everything, everything, nothing, nothing, nothing, open_ended=False)
    if name == "hydrogens":
        return _hydrogens(batch, number, atoms, vocabulary, random) or new
    graph = _graph(batch, number, atoms, vocabulary)
    if name == "fragment":
        part = cut_one(graph, random)
    else:
        parts = cut_several(graph, random)
        if not parts:
            return new
        part = union(parts, atoms)
    return _Pattern(part, part, part, part, _closed(graph, part, random))


def _closed(graph: BondGraph, part: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Atoms of the part without a bond to the rest, of which a random share, none or all are said to have none.

    All: attachment points are marked. None: nothing is said, and the network looks for them.
    """
    free = part & ~graph.attachments(part)
    share = (0.0, 1.0, float(random.random()))[int(random.integers(3))]
    return free & (random.random(graph.atoms) < share)


def _hydrogens(
    batch: MoleculeBatch, number: int, atoms: int, vocabulary: Vocabulary, random: np.random.Generator
) -> _Pattern | None:
    """Heavy atoms given; half of the time the hydrogens' bonds are known too, and their positions alone are not."""
    if HYDROGEN not in vocabulary.elements:
        return None
    heavy = (batch.element[number, :atoms] != vocabulary.elements.index(HYDROGEN)).numpy()
    if heavy.all() or not heavy.any():
        return None
    if random.random() < 0.5:
        everything = np.ones(atoms, dtype=bool)
        return _Pattern(heavy, everything, everything, everything, everything, open_ended=False)
    return _Pattern(heavy, heavy, heavy, heavy, np.zeros(atoms, dtype=bool))


def _graph(batch: MoleculeBatch, number: int, atoms: int, vocabulary: Vocabulary) -> BondGraph:
    pairs, bond = batch.pairs, batch.bond[number]
    bonded = bond.nonzero()[:, 0]
    ends = torch.stack([pairs.row[bonded], pairs.column[bonded]], 1)
    elements = np.array(vocabulary.elements)[batch.element[number, :atoms].numpy()]
    charges = np.array(vocabulary.charges)[batch.charge[number, :atoms].numpy()]
    return BondGraph(atoms, ends.numpy(), bond[bonded].numpy(), elements, charges)


def _given(patterns: list[_Pattern], batch: MoleculeBatch) -> Given:
    shape, pairs = batch.mask.shape, batch.pairs
    marks = {name: torch.zeros(shape, dtype=torch.bool) for name in ("pos", "element", "charge", "bond", "closed")}
    for number, pattern in enumerate(patterns):
        for name, mask in marks.items():
            own = getattr(pattern, name)
            mask[number, : len(own)] = torch.from_numpy(own)
    among, closed = marks.pop("bond"), marks.pop("closed")
    shut = closed.index_select(1, pairs.row) | closed.index_select(1, pairs.column)
    return Given.of(batch, bond=pairs.real(among) | shut, **marks)


def _hidden(properties: torch.Tensor, random: Generator) -> torch.Tensor:
    """Some of what is known: nothing for a few molecules, else each property with the molecule's own chance."""
    shown = torch.rand(len(properties), 1, generator=random)
    nothing = torch.rand(len(properties), 1, generator=random) < UNKNOWN
    kept = (torch.rand(properties.shape, generator=random) < shown) & ~nothing
    return properties.masked_fill(~kept, torch.nan)
