"""Does the likelihood know what the weights never saw? Molecules by scaffold and source, held out of the training.

    python -m benchmarks.scaffolds leads --own held-out.smi --other chembl.smi --other zinc.smi -n 80

Molecules are SMILES, embedded as `moldiff featurize` does (ETKDGv3, MMFF94s); none is a training molecule. The groups:

- *known scaffold*: of the training set's source, with a Murcko scaffold that a training molecule has;
- *unknown scaffold*: of that source, with a ring and a scaffold that none has;
- each other file, whatever the scaffold;
- with ``--trained``, training molecules themselves.

All groups have the same sizes, atom for atom, as the first, since a larger molecule differs for its size alone. The
first table has the area under the curve (a molecule of the group is less likely an atom than one of the first) with its
standard error by resampling; the second one how many of each group a warning calls unusual, whose thresholds are
quantiles of other held-out molecules, as `moldiff likelihood --known` takes them.
"""

import argparse
import gzip
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from benchmarks.broken import PARTS, area, embedded, values
from moldiff.chemistry.arrays import to_arrays
from moldiff.config.likelihood import LikelihoodOptions
from moldiff.sampling.intake import Intake, prepared
from moldiff.sampling.likelihood import Likelihood, likelihoods
from moldiff.sampling.sampler import Sampler
from moldiff.sampling.training_set import load_training_set
from moldiff.scoring.molecule.keys import flat_smiles, key_hash
from moldiff.scoring.molecule.topology import scaffold
from moldiff.scoring.sets.known import KnownSet
from moldiff.training.malloc import keep_large_buffers

QUANTILES = (0.95, 0.99)
DRAWS = 500


@dataclass
class Group:
    """Molecules of one kind, and how many of each size are wanted; None: as they come, so many."""

    name: str
    wanted: Counter[int] | int
    mols: list[Chem.Mol] = field(default_factory=list)

    def takes(self, atoms: int) -> bool:
        """Whether a molecule of this size is still wanted."""
        return len(self.mols) < self.wanted if isinstance(self.wanted, int) else self.wanted[atoms] > 0

    def add(self, mol: Chem.Mol) -> None:
        """Take it."""
        self.mols.append(mol)
        if not isinstance(self.wanted, int):
            self.wanted[mol.GetNumAtoms()] -= 1

    @property
    def full(self) -> bool:
        """Whether nothing more is wanted."""
        return not any(self.takes(size) for size in ([0] if isinstance(self.wanted, int) else self.wanted))


def molecules(path: Path, random: np.random.Generator) -> Iterator[Chem.Mol]:
    """Molecules of a file of SMILES, in random order, the largest fragment of each."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        lines = [line.split()[0] for line in file if line.strip()]
    for place in random.permutation(len(lines)).tolist():
        with rdBase.BlockLogs():
            mol = Chem.MolFromSmiles(max(lines[place].split("."), key=len))
        if mol is not None:
            yield mol


def fill(groups: dict[str, Group], read: Iterable[Chem.Mol], known: KnownSet, intake: Intake) -> None:
    """Put molecules into the groups of their kind (`kind`), embedded, until all are full or none is left."""
    for mol in read:
        if all(group.full for group in groups.values()):
            return
        group = groups.get(kind(mol, known)) or groups.get("")
        if group is None or not group.takes(mol.GetNumAtoms()):
            continue
        if kind(mol, known) == "trained" and group.name != "trained":
            continue
        posed = embedded(mol)
        own = prepared(posed, intake, fixed=True)[0] if posed is not None else None
        if own is not None:
            group.add(own)


def kind(mol: Chem.Mol, known: KnownSet) -> str:
    """trained, known scaffold, unknown scaffold, or no ring."""
    if known.has_keys(hashed(flat_smiles(mol)))[0]:
        return "trained"
    frame = scaffold(mol)
    if not frame:
        return "no ring"
    return "known scaffold" if known.has_scaffolds(hashed(frame))[0] else "unknown scaffold"


def hashed(text: str) -> NDArray[np.uint64]:
    """The hash [1] by which a set knows a key or a scaffold."""
    return np.array([key_hash(text)], dtype=np.uint64)


def resampled(real: NDArray[np.float64], others: NDArray[np.float64], random: np.random.Generator) -> float:
    """Standard error of `area` over molecules of both groups drawn again."""
    return float(
        np.std([area(random.choice(real, len(real)), random.choice(others, len(others))) for _ in range(DRAWS)])
    )


def called_unusual(
    usual: dict[str, NDArray[np.float64]], own: dict[str, NDArray[np.float64]], quantile: float
) -> tuple[float, float]:
    """Shares of molecules beyond the quantile of usual ones: of the bound, and of any part, each at its share.

    The parts share what may be called unusual by mistake: each gets the quantile 1 − (1 − quantile) / 4.
    """
    by_all = own["all"] > np.quantile(usual["all"], quantile)
    parts = [part for part in PARTS if part != "all"]
    strict = 1 - (1 - quantile) / len(parts)
    by_part = np.any([own[part] > np.quantile(usual[part], strict) for part in parts], axis=0)
    return float(by_all.mean()), float(by_part.mean())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="name of shipped weights, whose training set is known")
    parser.add_argument("--own", type=Path, required=True, help="SMILES of the training set's source")
    parser.add_argument("--other", type=Path, action="append", default=[], help="SMILES of another source")
    parser.add_argument("--trained", type=Path, help="SMILES among which training molecules are")
    parser.add_argument("-n", type=int, default=80, help="molecules of a group")
    parser.add_argument("--usual", type=int, default=200, help="held-out molecules for the thresholds")
    parser.add_argument("--levels", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_large_buffers()
    sampler, random = Sampler.load(given.weights), np.random.default_rng(given.seed)
    intake, known = Intake.of(sampler.model), load_training_set(given.weights)
    assert known is not None
    options = LikelihoodOptions(levels=given.levels, repeats=given.repeats, threads=1)
    first = Group("known scaffold", given.n)
    usual = Group("usual", given.usual)
    read = molecules(given.own, random)
    fill({"known scaffold": first}, read, known, intake)
    sizes = Counter(mol.GetNumAtoms() for mol in first.mols)
    unknown = Group("unknown scaffold", Counter(sizes))
    fill({"unknown scaffold": unknown}, read, known, intake)
    fill({"": usual}, read, known, intake)
    groups = [first, unknown]
    for path in given.other:
        groups.append(Group(path.name.partition(".")[0], Counter(sizes)))
        fill({"": groups[-1]}, molecules(path, random), known, intake)
    if given.trained:
        groups.append(Group("trained", Counter(sizes)))
        fill({"trained": groups[-1]}, molecules(given.trained, random), known, intake)
    start = time.process_time()
    found = {
        group.name: _measured(likelihoods(sampler, [to_arrays(mol) for mol in group.mols], options, number=number))
        for number, group in enumerate([usual, *groups])
    }
    seconds = time.process_time() - start
    _print(found, groups, random)
    count = sum(len(own["all"]) for own in found.values())
    print(f"\n{options.evaluations} evaluations, {1e3 * seconds / count:.0f} ms of processor time a molecule")


def _measured(found: list[Likelihood]) -> dict[str, NDArray[np.float64]]:
    return {part: values(found, part) for part in PARTS}


def _print(found: dict[str, dict[str, NDArray[np.float64]]], groups: list[Group], random: np.random.Generator) -> None:
    print("| group | molecules | atoms | nats an atom | area: all | " + " | ".join(PARTS[1:]) + " |")
    print("| --- " * (5 + len(PARTS[1:])) + "|")
    real = found[groups[0].name]
    for group in groups:
        own = found[group.name]
        error = own["all"].std(ddof=1) / len(own["all"]) ** 0.5
        atoms = np.mean([mol.GetNumAtoms() for mol in group.mols])
        cells = [group.name, str(len(group.mols)), f"{atoms:.1f}", f"{own['all'].mean():.3f} ± {error:.3f}"]
        for part in PARTS:
            same = group is groups[0]
            cells.append(
                "" if same else f"{area(real[part], own[part]):.2f} ± {resampled(real[part], own[part], random):.2f}"
            )
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\nunusual, %, by the bound and by any part; thresholds of {len(found['usual']['all'])} held-out molecules")
    print("| group | " + " | ".join(f"{q}, bound | {q}, parts" for q in QUANTILES) + " |")
    print("| --- " * (1 + 2 * len(QUANTILES)) + "|")
    for group in groups:
        shares = [share for q in QUANTILES for share in called_unusual(found["usual"], found[group.name], q)]
        print(f"| {group.name} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |")


if __name__ == "__main__":
    main()
