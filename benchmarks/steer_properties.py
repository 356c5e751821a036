"""Property targets: `python benchmarks/steer_properties.py WEIGHTS MOLECULES [N] [GUIDANCE] [PROPERTY ...]`.

Targets are drawn as (value, number of atoms) together from molecules that the weights did not learn from: the held-out
ones of a dataset folder, or an SDF or SMILES file. No learned judge: RDKit computes descriptors of what was made, and
GFN2-xTB the gfn2_ columns (`moldiff featurize --gfn2-columns`), by a single point at the geometry as it was made.
`a+b` asks for two properties at once; GUIDANCE is a list of weights such as `1,2,4:0.3:5`, with the noise levels, Å,
between which they count.

Beside the mean absolute error of N molecules are the controls: the same molecules against shuffled targets, molecules
of the right number of atoms of which nothing else was asked, another held-out molecule of the same size, and the best
of as many unguided molecules as cost the same. Markdown on standard output; ratios are to "number of atoms only".
"""

import sys
import time
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from rdkit import Chem, RDLogger

from moldiff.chemistry.formats.records import read_records
from moldiff.chemistry.gfn2 import COLUMNS, electronic
from moldiff.chemistry.hydrogens import with_hydrogens
from moldiff.chemistry.parsing import parse_record
from moldiff.config.sample import SampleOptions
from moldiff.dataset.properties import read_columns
from moldiff.dataset.storage import open_dataset
from moldiff.sampling.decode import Sampled
from moldiff.sampling.plan import LARGEST_BATCH, Plan, PlannedBatch
from moldiff.sampling.sampler import Sampler
from moldiff.scoring.computed import COMPUTED, descriptors_of
from moldiff.scoring.molecule.validity import sanitize

Values = dict[str, float]
TITLES = (
    "MAE", "guidance", "guided", "ratio", "shuffled targets", "number of atoms only", "another of the size",
    "best of equal cost", "valid", "CPU s",
)  # fmt: skip
SPREAD = 7
"""Sets of shuffled targets that are averaged, and of other molecules of the same size."""


def judged(mol: Chem.Mol, names: Sequence[str]) -> Values | None:
    """The named properties of a sanitized molecule with a pose; None if GFN2-xTB has none."""
    found = descriptors_of(Chem.RemoveHs(mol)) if set(names) & set(COMPUTED) else {}
    if set(names) & set(COLUMNS):
        try:
            found |= dict(zip(COLUMNS, electronic(with_hydrogens(mol)), strict=True))
        except (RuntimeError, ValueError):
            return None
    return {name: found[name] for name in names}


def held_out(path: Path, hydrogens: str, names: Sequence[str]) -> tuple[list[Values], np.ndarray]:
    """Properties and numbers of atoms of the molecules."""
    if path.is_dir():
        dataset = open_dataset(path)
        rows = dataset.rows("valid")
        table = read_columns(dataset, [name for name in names if name in COLUMNS], {})
        texts = np.array(dataset.table(["smiles"])["smiles"].to_pylist(), dtype=object)[rows]
        known = [descriptors_of(Chem.MolFromSmiles(text)) for text in texts]
        values = [
            one | {name: float(column[row]) for name, column in table.items()}
            for one, row in zip(known, rows.tolist(), strict=True)
        ]
        sizes = dataset.molecules.sizes[rows]
    else:
        mols = []
        for record in read_records([str(path)]):
            mol = parse_record(record)
            Chem.SanitizeMol(mol)
            mols.append(mol)
        sizes = np.array([(Chem.AddHs(m) if hydrogens == "explicit" else Chem.RemoveHs(m)).GetNumAtoms() for m in mols])
        values = [judged(mol, names) or dict.fromkeys(names, np.nan) for mol in mols]
    whole = np.array([all(np.isfinite(one[name]) for name in names) for one in values])
    return [one for one, fine in zip(values, whole, strict=True) if fine], sizes[whole]


def made(
    sampler: Sampler, sizes: np.ndarray, asked: np.ndarray, names: Sequence[str], seed: int, **guidance: float
) -> tuple[list[Values | None], float]:
    """One molecule for each size and row of properties, None where it is not valid_strict; and CPU seconds each."""
    # a fixed size, so that every atom that is offered is used: the number is in the batches
    options = {"n": len(sizes), "atoms": "1", "seed": seed, "restarts": 0, "threads": 1, **guidance}
    plan = Plan.of(SampleOptions.model_validate(options))
    molecules: list[Sampled] = []
    number, start = 0, time.process_time()
    for size in np.unique(sizes):
        places = np.flatnonzero(sizes == size)
        for first in range(0, len(places), LARGEST_BATCH):
            chosen = places[first : first + LARGEST_BATCH]
            batch = PlannedBatch(number, tuple(chosen.tolist()), int(size), asked[chosen])
            molecules += sampler.batch(plan, batch)
            number += 1
    seconds = (time.process_time() - start) / len(sizes)
    result: list[Values | None] = [None] * len(sizes)
    for one in molecules:
        if sampler.decoder.strict(one.arrays) and (mol := sanitize(sampler.to_rdkit(one)).mol) is not None:
            result[one.index] = judged(mol, names)
    return result, seconds


def error(found: Sequence[Values | None], name: str, targets: np.ndarray) -> float:
    pairs = [(one[name], target) for one, target in zip(found, targets, strict=True) if one is not None]
    return float(np.mean([abs(value - target) for value, target in pairs])) if pairs else float("nan")


def nearest(
    sets: Sequence[Sequence[Values | None]], targets: dict[str, np.ndarray], spreads: Values
) -> list[Values | None]:
    """Of each row's molecules the one nearest to its targets, in standard deviations of each."""

    def distance(one: Values, row: int) -> float:
        return sum(abs(one[name] - goal[row]) / spreads[name] for name, goal in targets.items())

    rows = enumerate(zip(*sets, strict=True))
    found = [(row, [one for one in own if one is not None]) for row, own in rows]
    return [min(own, key=partial(distance, row=row), default=None) for row, own in found]


def main() -> None:
    RDLogger.DisableLog("rdApp.*")
    sampler = Sampler.load(sys.argv[1])
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    settings = (sys.argv[4] if len(sys.argv) > 4 else "2").split(",")
    scales = {scale.name: (place, scale) for place, scale in enumerate(sampler.model.statistics.properties)}
    groups = [text.split("+") for text in sys.argv[5:] or [name for name in scales if name in (*COMPUTED, *COLUMNS)]]
    names = sorted({name for group in groups for name in group})
    values, sizes = held_out(Path(sys.argv[2]), sampler.model.statistics.hydrogens, names)
    random = np.random.default_rng(0)
    chosen = random.choice(len(values), n, replace=len(values) < n)
    wanted = sizes[chosen]
    nothing = np.full((n, len(scales)), np.nan)
    others = [[values[int(random.choice(np.flatnonzero(sizes == size)))] for size in wanted] for _ in range(SPREAD)]
    plain, cost = made(sampler, wanted, nothing, names, seed=1)
    again, _ = made(sampler, wanted, nothing, names, seed=2)
    print(f"{n} molecules a row; unguided valid_strict {share(plain)}, {cost:.3f} CPU s each\n")
    titles = (
        "guidance|guided|ratio|shuffled targets|number of atoms only|another of the size|best of equal cost|valid|CPU s"
    )
    print(f"| MAE | {titles.replace('|', ' | ')} |\n|{'---|' * (titles.count('|') + 2)}", flush=True)
    for setting, group in product(settings, groups):
        weight, *interval = map(float, setting.split(":"))
        guidance = dict(zip(("guidance", "guidance_low", "guidance_high"), (weight, *interval), strict=False))
        targets = {name: np.array([values[place][name] for place in chosen]) for name in group}
        spreads = {name: float(np.std([one[name] for one in values])) or 1.0 for name in group}
        asked = nothing.copy()
        for name in group:
            column, scale = scales[name]
            asked[:, column] = scale.encode(targets[name])
        guided, seconds = made(sampler, wanted, asked, names, seed=0, **guidance)
        # a guided step costs two evaluations, so two unguided molecules cost what one guided one does
        best = nearest([plain] if weight in (0, 1) else [plain, again], targets, spreads)
        for name in group:
            goal = targets[name]
            own, alone = error(guided, name, goal), error(plain, name, goal)
            shuffled = np.mean([error(guided, name, random.permutation(goal)) for _ in range(SPREAD)])
            random_ones = np.mean([error(one, name, goal) for one in others])
            row = [own, own / alone, shuffled, alone, random_ones, error(best, name, goal)]
            title = name if len(group) == 1 else f"{name}, with {', '.join(one for one in group if one != name)}"
            cells = " | ".join(f"{value:.3g}" for value in row)
            print(f"| {title} | {setting} | {cells} | {share(guided)} | {seconds:.3f} |", flush=True)


def share(found: Sequence[Values | None]) -> str:
    return f"{sum(one is not None for one in found) / len(found):.1%}"


if __name__ == "__main__":
    main()
