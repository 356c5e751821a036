"""PB-valid (fast) against PoseBusters' `mol_fast`, in one run: `python benchmarks/pose.py [FILES] -n 200`.

Prints a Markdown table of agreement and of processor time for each strength of Gaussian noise added to the
coordinates, so that both verdicts occur. Molecules without coordinates get an ETKDGv3 conformer. Where the two do
not fail the same tests, PoseBusters is asked again with its signed distances from planes made absolute: a
difference that vanishes is its error (it looks at one side of the plane), and any other is printed.
"""

import argparse
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest.mock import patch

import numpy as np
from posebusters.modules.flatness import _get_distances_to_plane
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom

from moldiff.chemistry.formats.records import read_records
from moldiff.scoring.molecule.coordinates import PoseResult
from moldiff.scoring.molecule.crosscheck import CrossCheck, crosscheck
from moldiff.scoring.molecule.parsing import parse
from moldiff.scoring.molecule.pose import pb_valid
from moldiff.scoring.molecule.sanity import sanity

SIGNED = _get_distances_to_plane


@dataclass
class Count:
    """What is counted at one strength of noise."""

    molecules: int = 0
    passed: int = 0
    alike: int = 0
    signed: int = 0
    verdicts: int = 0
    fast: float = 0.0
    slow: float = 0.0
    sanity: float = 0.0
    atoms: int = 0
    unexplained: list[str] = field(default_factory=list)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=["data/library.csv"], help="molecule files")
    parser.add_argument("-n", type=int, default=200, help="molecules, drawn with the seed")
    parser.add_argument("--noise", type=float, nargs="+", default=[0, 0.05, 0.1, 0.2, 0.3], help="Å")
    parser.add_argument("--heavy", action="store_true", help="leave hydrogens implicit")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rdBase.DisableLog("rdApp.*")
    counts = {noise: Count() for noise in arguments.noise}
    rng = np.random.default_rng(arguments.seed)
    for place, mol in enumerate(molecules(arguments.files, arguments.n, arguments.heavy, arguments.seed)):
        noise = arguments.noise[place % len(arguments.noise)]
        positions = mol.GetConformer().GetPositions()
        mol.GetConformer().SetPositions(positions + noise * rng.normal(size=positions.shape))
        compare(mol, counts[noise])
    report(counts)


def molecules(files: list[str], n: int, heavy: bool, seed: int) -> Iterator[Chem.Mol]:
    """Sanitized molecules with a conformer, drawn from the files."""
    records = list(read_records(files))
    random.Random(seed).shuffle(records)
    made = 0
    for record in records:
        parsed = parse(record)
        mol = parsed.mol
        if mol is None or Chem.SanitizeMol(mol, catchErrors=True) != Chem.SANITIZE_NONE:
            continue
        if not parsed.conformer:
            mol = Chem.AddHs(mol)
            if rdDistGeom.EmbedMolecule(mol, maxAttempts=20, randomSeed=seed) < 0:
                continue
        yield Chem.RemoveHs(mol) if heavy else mol
        made += 1
        if made == n:
            return


def compare(mol: Chem.Mol, count: Count) -> None:
    """Judge one molecule both ways."""
    start = time.process_time()
    fast = pb_valid(mol)
    middle = time.process_time()
    slow = crosscheck(mol)
    end = time.process_time()
    sanity(mol)
    count.sanity += time.process_time() - end
    count.fast += middle - start
    count.slow += end - middle
    count.molecules += 1
    count.atoms += mol.GetNumAtoms()
    count.passed += slow.passed
    if alike(fast, slow):
        count.alike += 1
        return
    count.verdicts += fast.valid != slow.passed
    with patch("posebusters.modules.flatness._get_distances_to_plane", lambda points: np.abs(SIGNED(points))):
        repaired = crosscheck(mol)
    if alike(fast, repaired):
        count.signed += 1
    else:
        count.unexplained.append(f"{Chem.MolToSmiles(mol)}: fast {sorted(fast.failed)}, PoseBusters {slow}")


def alike(fast: PoseResult, slow: CrossCheck) -> bool:
    """Whether both fail the same tests, and PoseBusters left none out."""
    return set(fast.failed) == set(slow.failed) and fast.valid == slow.passed


def report(counts: dict[float, Count]) -> None:
    """Print the table, and each difference that absolute distances do not explain."""
    print(
        "| noise, Å | molecules | atoms | pass PoseBusters | same tests failed | with absolute distances too "
        "| other verdict | unexplained | fast, s/1000 | sanity, s/1000 | PoseBusters, s/1000 | ratio |"
    )
    print("| --- " * 12 + "|")
    for noise, c in counts.items():
        n = max(c.molecules, 1)
        print(
            f"| {noise:g} | {c.molecules} | {c.atoms / n:.1f} | {c.passed} | {c.alike} | {c.signed} | {c.verdicts} "
            f"| {len(c.unexplained)} | {1000 * c.fast / n:.2f} | {1000 * c.sanity / n:.2f} | {1000 * c.slow / n:.1f} "
            f"| {c.slow / max(c.fast, 1e-9):.0f} |"
        )
    for count in counts.values():
        for line in count.unexplained:
            print(f"\n- {line}")


if __name__ == "__main__":
    main()
