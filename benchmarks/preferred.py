"""Which of its own molecules weights should prefer: those with known rings, chosen to be like the training set.

    moldiff sample --weights W -n 2000 --restarts 0 --out own.sdf
    moldiff check own.sdf --train all.smi --out own        # all.smi: whose ring systems are known
    moldiff check training.sdf --out training              # some thousands of the training set
    python -m benchmarks.preferred round --like training own.sdf=own
    moldiff featurize round_kept.sdf --for W --duplicates keep --out kept
    moldiff featurize round_refused.sdf --for W --duplicates keep --fragments keep --out refused
    moldiff train kept --objective prefer --start-from W --refused refused --out taught ...

A logistic regression on descriptors and their products, on which functional groups there are and with ``--chemnet`` on
ChemNet's view of the molecule tells own molecules from those of the training set; its odds are how much commoner a
molecule is there, and are those of a regression that has not seen it. ``_kept.sdf``: own ones with known ring systems,
drawn without replacement in proportion to the odds. ``_refused.sdf``: those with an unknown ring system, those that are
not valid (``--invalid`` times) and some of the others, drawn in proportion to one over the odds (``--common``, in
proportion to these): what the weights make too often. Means of each descriptor go to standard output.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from moldiff.reporting.evidence import read_rows
from moldiff.scoring.sets.frechet import activations

DESCRIPTORS = (
    *("qed", "sa", "rings", "rotatable_bonds", "heavy_atoms", "fsp3", "logp", "tpsa", "hbd", "hba"),
    *("largest_ring", "joined_rings", "stereocentres", "charged"),
)
"""Columns of a check in which two sets are compared."""
FURTHEST = 4.0
"""Largest distance from the mean of the training set, in its standard deviations, that counts."""
LARGEST = 6.0
"""Largest product of two of them that counts: rare molecules would decide the regression otherwise."""
RAREST = 0.01
"""Share of the training set that must hold a functional group for it to count."""
PENALTY = 0.02
"""Of the squared weights of the regression."""


@dataclass(frozen=True)
class Own:
    """Distinct molecules that weights made.

    Attributes:
        known: rows of the check of valid ones of which all ring systems are known, and each one's ``block`` of SDF.
        unknown: blocks of valid ones with another ring system.
        invalid: blocks of the others.
    """

    known: pd.DataFrame
    unknown: list[str]
    invalid: list[str]

    @classmethod
    def of(cls, checked: Sequence[str]) -> "Own":
        """Those of SDF files and the folders of their checks, as ``own.sdf=own``."""
        tables = []
        for pair in checked:
            file, folder = pair.split("=")
            blocks = [f"{block}$$$$\n" for block in Path(file).read_text().split("$$$$\n")[:-1]]
            tables.append(read_rows(Path(folder)).assign(block=blocks))
        rows = pd.concat(tables, ignore_index=True)
        valid = rows["valid_strict"].eq(True)
        distinct = rows[valid].drop_duplicates("key")
        known = distinct["rings_known"].eq(True)
        return cls(distinct[known], distinct.loc[~known, "block"].tolist(), rows.loc[~valid, "block"].tolist())


def described(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Descriptors [molecule, descriptor] of rows of a check, the last of which is whether any atom is charged."""
    charged = rows["smiles"].str.contains("+", regex=False)
    return np.column_stack([rows[list(DESCRIPTORS[:-1])].to_numpy(float), charged.to_numpy(float)])


def of_descriptors(real: NDArray[np.float64], own: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Features [molecule, feature] of both sets from their descriptors: scaled as in the first, and products of two."""
    mean, deviation = real.mean(0), real.std(0)

    def features(values: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled = ((values - mean) / np.where(deviation > 0, deviation, 1)).clip(-FURTHEST, FURTHEST)
        one, other = np.triu_indices(scaled.shape[1])
        return np.column_stack([scaled, (scaled[:, one] * scaled[:, other]).clip(-LARGEST, LARGEST)])

    return [features(real), features(own)]


def of_groups(real: pd.DataFrame, own: pd.DataFrame) -> list[NDArray[np.float64]]:
    """Which functional groups [molecule, group] each has, of those that are not rare in the first set; scaled."""
    held, others = (
        [{group.split(" ")[0] for group in text.split("; ") if group} for text in rows["functional_groups"]]
        for rows in (real, own)
    )
    names = sorted(set().union(*held))
    there, here = (
        np.array([[name in groups for name in names] for groups in each], float).reshape(-1, len(names))
        for each in (held, others)
    )
    share = there.mean(0)
    common = (share > RAREST) & (share < 1)
    scale = np.sqrt(share * (1 - share))[common]
    return [(values[:, common] - share[common]) / scale for values in (there, here)]


def of_chemnet(real: NDArray[np.float64], own: NDArray[np.float64], components: int) -> list[NDArray[np.float64]]:
    """Principal components of ChemNet's activations [molecule, 512] of the first set, scaled, and their squares."""
    mean = real.mean(0)
    _, spread, directions = np.linalg.svd(real - mean, full_matrices=False)
    axes = directions[:components].T / (spread[:components] / np.sqrt(len(real)))

    def features(values: NDArray[np.float64]) -> NDArray[np.float64]:
        along = ((values - mean) @ axes).clip(-FURTHEST, FURTHEST)
        return np.column_stack([along, (along**2).clip(0, LARGEST) - 1])

    return [features(real), features(own)]


def regression(there: NDArray[np.float64], here: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights [feature] of the logarithm of the ratio of densities, the last of which is a constant."""
    one, other = (np.column_stack([values, np.ones(len(values))]) for values in (there, here))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        above, below = one @ weights, other @ weights
        value = np.logaddexp(0, -above).mean() + np.logaddexp(0, below).mean() + PENALTY * (weights[:-1] ** 2).sum()
        slope = other.T @ expit(below) / len(other) - one.T @ expit(-above) / len(one)
        return float(value), slope + 2 * PENALTY * np.append(weights[:-1], 0.0)

    found = minimize(loss, np.zeros(one.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x)


def log_odds(there: NDArray[np.float64], here: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """How much commoner each own molecule [molecule] is in the real set: logarithm of the ratio of densities.

    That of either half of the own ones comes from the other half: a regression gives what it has seen odds that are too
    sharp.
    """
    half = random.random(len(here)) < 0.5
    odds = np.empty(len(here))
    for judged in (half, ~half):
        weights = regression(there, here[~judged])
        odds[judged] = here[judged] @ weights[:-1] + weights[-1]
    return odds


def drawn(log_weights: NDArray[np.float64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Places of some, without replacement, in proportion to their weights (Gumbel's largest), in order."""
    return np.sort(np.argsort(-(log_weights + random.gumbel(size=len(log_weights))))[:count])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="beginning of the names of what is written")
    parser.add_argument("checked", nargs="+", help="own molecules and their check: own.sdf=own")
    parser.add_argument("--like", type=Path, required=True, help="check of molecules of the training set")
    parser.add_argument("-n", type=int, default=1500, help="number of preferred molecules")
    parser.add_argument("--sharpness", type=float, default=1.0, help="power of the odds")
    parser.add_argument("--invalid", type=int, default=2, help="how often those that are not valid count")
    parser.add_argument("--common", type=float, default=0.3, help="too common ones, in proportion to the refused")
    parser.add_argument(
        "--chemnet", type=int, default=0, help="components of ChemNet's activations; needs the extra fcd"
    )
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    own = Own.of(given.checked)
    like = read_rows(given.like)
    like = like[like["valid_strict"].eq(True)]
    real, values = described(like), described(own.known)
    pairs = [of_descriptors(real, values), of_groups(like, own.known)]
    if given.chemnet:
        seen = [activations(rows["key"].tolist()) for rows in (like, own.known)]
        pairs.append(of_chemnet(*seen, given.chemnet))
    there, here = (np.column_stack([pair[place] for pair in pairs]) for place in (0, 1))
    odds = given.sharpness * log_odds(there, here, random)
    kept = drawn(odds, given.n, random)
    rest = np.setdiff1d(np.arange(len(odds)), kept)
    refused = own.unknown + given.invalid * own.invalid
    common = rest[drawn(-odds[rest], int(given.common * len(refused)), random)]
    blocks = own.known["block"].to_numpy()
    Path(f"{given.out}_kept.sdf").write_text("".join(blocks[kept]))
    Path(f"{given.out}_refused.sdf").write_text("".join([*refused, *blocks[common]]))
    weights = np.exp(odds - odds.max())
    print(
        f"{len(own.known)} known, {len(own.unknown)} unknown, {len(own.invalid)} invalid; kept {len(kept)}, refused "
        f"{len(refused) + len(common)}; by their odds the known ones count as "
        f"{weights.sum() ** 2 / (weights**2).sum():.0f}"
    )
    print("| | training set | own, known | kept | too common |")
    print("| --- | --- | --- | --- | --- |")
    for place, name in enumerate(DESCRIPTORS):
        means = [each[:, place].mean() for each in (real, values, values[kept], values[common])]
        print(f"| {name} | {' | '.join(f'{mean:.3f}' for mean in means)} |")


if __name__ == "__main__":
    main()
