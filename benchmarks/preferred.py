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
molecule is there, and are those of a regression that has not seen it.

Preferred are about N own ones with known ring systems, drawn by the odds so that the mean of each descriptor is that of
the training set, and about as many others as are refused for their ring systems, with the means of these but for the
rings. Without the latter weights learn to close fewer rings of any kind, since those that are wrong are in molecules
with more rings than others have. Refused are those with an unknown ring system (``--unknown`` at most), those that are
not valid (``--invalid`` times), and of the others about N, drawn by one over the odds so that the mean of each
descriptor is what the weights make, and ``--beyond`` further away from the training set. N is a third of those with
known ring systems at most, and so are the ones like the unknown: of fewer nothing could be chosen. Means of each
descriptor go to standard output; molecules go to ROUND_kept.sdf and ROUND_refused.sdf.
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

from moldiff.chemistry.formats.sdf import written_blocks
from moldiff.reporting.evidence import read_rows
from moldiff.scoring.sets.frechet import activations

DESCRIPTORS = (
    *("qed", "sa", "rings", "rotatable_bonds", "heavy_atoms", "fsp3", "logp", "tpsa", "hbd", "hba"),
    *("largest_ring", "joined_rings", "stereocentres", "charged"),
)
"""Columns of a check in which two sets are compared."""
OF_RINGS = ("sa", "largest_ring")
"""In which molecules with unknown ring systems differ because of these; in all others the preferred are like them."""
FURTHEST = 4.0
"""Largest distance from the mean of the training set, in its standard deviations, that counts."""
LARGEST = 6.0
"""Largest product of two of them that counts: rare molecules would decide the regression otherwise."""
RAREST = 0.01
"""Share of the training set that must hold a functional group for it to count."""
PENALTY = 0.02
"""Of the squared weights of the regression."""
RIDGE = 0.05
"""Of the squared slopes of chances: how far off a mean may stay that few molecules could mend."""


def read_checked(pairs: Sequence[str]) -> pd.DataFrame:
    """Rows of the checks of SDF files, as ``own.sdf=own``, each with its ``block`` of SDF."""
    files = [pair.split("=") for pair in pairs]
    tables = [
        read_rows(Path(folder)).assign(block=written_blocks(Path(file).read_text(encoding="utf-8")))
        for file, folder in files
    ]
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True)
class Own:
    """Distinct molecules that weights made.

    Attributes:
        known: rows of the check of valid ones of which all ring systems are known, and each one's ``block`` of SDF.
        unknown: those of valid ones with another ring system.
        invalid: blocks of the others.
    """

    known: pd.DataFrame
    unknown: pd.DataFrame
    invalid: list[str]

    @classmethod
    def of(cls, checked: Sequence[str]) -> "Own":
        """Those of SDF files and the folders of their checks, as ``own.sdf=own``."""
        rows = read_checked(checked)
        valid = rows["valid_strict"].eq(True)
        distinct = rows[valid].drop_duplicates("key")
        known = distinct["rings_known"].eq(True)
        return cls(distinct[known], distinct[~known], rows.loc[~valid, "block"].tolist())


def described(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Descriptors [molecule, descriptor] of rows of a check, the last of which is whether any atom is charged."""
    charged = rows["smiles"].str.contains("+", regex=False)
    return np.column_stack([rows[list(DESCRIPTORS[:-1])].to_numpy(float), charged.to_numpy(float)])


def scaled(values: NDArray[np.float64], real: NDArray[np.float64]) -> NDArray[np.float64]:
    """Descriptors [molecule, descriptor] in units of the deviation of the real ones, from their mean."""
    deviation = real.std(0)
    return ((values - real.mean(0)) / np.where(deviation > 0, deviation, 1)).clip(-FURTHEST, FURTHEST)


def of_descriptors(real: NDArray[np.float64], own: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Features [molecule, feature] of both sets from their descriptors: scaled as in the first, and products of two."""

    def features(values: NDArray[np.float64]) -> NDArray[np.float64]:
        one, other = np.triu_indices(values.shape[1])
        return np.column_stack([values, (values[:, one] * values[:, other]).clip(-LARGEST, LARGEST)])

    return [features(scaled(values, real)) for values in (real, own)]


def of_groups(real: pd.DataFrame, own: pd.DataFrame) -> list[NDArray[np.float64]]:
    """Which functional groups [molecule, group] each has, of those that are not rare in the first set; scaled."""
    held, others = (
        [{group.split(" ")[0] for group in text.split("; ") if group} for text in rows["functional_groups"]]
        for rows in (real, own)
    )
    names = sorted(set().union(*held))
    there, here = (
        np.array([[name in groups for name in names] for groups in each], float).reshape(len(each), len(names))
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


def chances(
    log_odds: NDArray[np.float64], values: NDArray[np.float64], target: NDArray[np.float64], count: float
) -> NDArray[np.float64]:
    """The chance of each molecule [molecule] to be drawn, where none is drawn twice.

    The chances have the largest entropy relative to these odds, so they are logistic in the values: as many are drawn
    as counted, and the mean of their values [molecule, value] comes near to the target.
    """
    columns = np.column_stack([values - target, np.ones(len(values))])
    wanted = np.append(np.zeros(len(target)), count)
    ridge = RIDGE * count * np.append(np.ones(len(target)), 0.0)

    def bound(slopes: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        along = log_odds + columns @ slopes
        value = np.logaddexp(0, along).sum() - wanted @ slopes + (ridge * slopes**2).sum() / 2
        return float(value / count), (columns.T @ expit(along) - wanted + ridge * slopes) / count

    start = np.zeros(columns.shape[1])
    start[-1] = np.log(count / len(values)) - log_odds.mean()
    found = minimize(bound, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    return np.asarray(expit(log_odds + columns @ found.x))


def drawn(chance: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.int64]:
    """Places of those that are drawn, in order."""
    return np.flatnonzero(random.random(len(chance)) < chance)


def places(
    odds: NDArray[np.float64],
    real: NDArray[np.float64],
    values: NDArray[np.float64],
    shown: NDArray[np.float64],
    unknown: NDArray[np.float64],
    count: int,
    beyond: float,
    random: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Places among own molecules with known ring systems of those that are drawn, none of them twice.

    Args:
        odds: of these [molecule]: logarithm of how much commoner they are in the training set.
        real: descriptors [molecule, descriptor] of the training set.
        values: of own molecules with known ring systems.
        shown: of those with unknown ones that are refused.
        unknown: of all with unknown ones.
        count: about how many are like the training set, and about how many are refused; a third of all at most.
        beyond: how much further from the training set than own molecules the refused ones are, in distances to it.
        random: source of random numbers.

    Returns:
        Those that are like the training set; those that are like the ones shown; those that are refused.
    """
    center, known, wrong, others = (scaled(each, real) for each in (real, values, shown, unknown))
    count = max(1, min(count, len(odds) // 3))
    alike = drawn(chances(odds, known, center.mean(0), count), random)
    rest = np.setdiff1d(np.arange(len(odds)), alike)
    right = rest[:0]
    if many := min(len(wrong), len(odds) // 3):
        columns = [place for place, name in enumerate(DESCRIPTORS) if name not in OF_RINGS]
        right = rest[drawn(chances(odds[rest], known[rest][:, columns], wrong[:, columns].mean(0), many), random)]
        rest = np.setdiff1d(rest, right)
    made = np.concatenate([known, others]).mean(0)
    target = made + beyond * (made - center.mean(0))
    common = rest[drawn(chances(-odds[rest], known[rest], target, min(count, len(rest) * 3 // 4)), random)]
    return alike, right, common


def options() -> argparse.ArgumentParser:
    """Those of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="beginning of the names of what is written")
    parser.add_argument("checked", nargs="+", help="own molecules and their check: own.sdf=own")
    parser.add_argument("--like", type=Path, required=True, help="check of molecules of the training set")
    parser.add_argument("-n", type=int, default=1500, help="preferred molecules that are like the training set")
    parser.add_argument("--sharpness", type=float, default=1.0, help="power of the odds")
    parser.add_argument("--invalid", type=int, default=2, help="how often those that are not valid count")
    parser.add_argument("--unknown", type=int, default=10**9, help="refused ones with unknown ring systems at most")
    parser.add_argument("--beyond", type=float, default=0.5, help="of the distance to the training set")
    parser.add_argument(
        "--chemnet", type=int, default=0, help="components of ChemNet's activations; needs the extra fcd"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Write both sets; arguments are those of the command line by default."""
    given = options().parse_args(arguments)
    random = np.random.default_rng(given.seed)
    own = Own.of(given.checked)
    like = read_rows(given.like)
    like = like[like["valid_strict"].eq(True)]
    real, values = described(like), described(own.known)
    pairs = [of_descriptors(real, values), of_groups(like, own.known)]
    if given.chemnet:
        there, here = (activations(rows["key"].tolist()) for rows in (like, own.known))
        pairs.append(of_chemnet(there, here, given.chemnet))
    there, here = (np.column_stack([pair[place] for pair in pairs]) for place in (0, 1))
    odds = given.sharpness * log_odds(there, here, random)
    shown = own.unknown.sample(min(len(own.unknown), given.unknown), random_state=given.seed)
    unknown, others = described(shown), described(own.unknown)
    alike, right, common = places(odds, real, values, unknown, others, given.n, given.beyond, random)
    blocks = own.known["block"].to_numpy()
    kept, refused = [*blocks[alike], *blocks[right]], [*shown["block"], *given.invalid * own.invalid, *blocks[common]]
    Path(f"{given.out}_kept.sdf").write_text("".join(kept))
    Path(f"{given.out}_refused.sdf").write_text("".join(refused))
    print(
        f"{len(own.known)} known, {len(own.unknown)} unknown, {len(own.invalid)} invalid; kept {len(kept)}, "
        f"refused {len(refused)}"
    )
    columns = {
        "training set": real,
        "own": np.concatenate([values, others]),
        "kept, like these": values[alike],
        "kept, like the unknown": values[right],
        "unknown": unknown,
        "refused of known": values[common],
    }
    print(f"| | {' | '.join(columns)} |")
    print(f"| --- |{' --- |' * len(columns)}")
    print(f"| molecules | {' | '.join(f'{len(each)}' for each in columns.values())} |")
    for place, name in enumerate(DESCRIPTORS):
        means = [f"{each[:, place].mean():.3f}" if len(each) else "" for each in columns.values()]
        print(f"| {name} | {' | '.join(means)} |")


if __name__ == "__main__":
    main()
