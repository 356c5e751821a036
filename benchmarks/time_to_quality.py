"""Quality against training time: `python benchmarks/time_to_quality.py DATASET --minutes 2 5 10 30`.

For each budget a model is trained from scratch for that many minutes (the learning rate reaches zero at its end),
1,000 molecules are sampled and checked, and a row of a Markdown table is printed.
"""

import argparse
from pathlib import Path

from moldiff.config import CheckOptions, SampleOptions, TrainOptions
from moldiff.stages.check import check
from moldiff.stages.sample import sample
from moldiff.stages.train import train

SHOWN = ("valid", "valid_strict", "molecule_stability", "pb_valid", "uniqueness", "novelty")


def main() -> None:
    """Train, sample and check for each budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="a featurized dataset")
    parser.add_argument("--minutes", type=float, nargs="+", default=[2, 5, 10, 30])
    parser.add_argument("--out", type=Path, default=Path("results/time_to_quality"))
    parser.add_argument("--batch-size", type=int, default=24)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, nargs="+", default=[50, 100], help="network evaluations in sampling")
    parser.add_argument("-n", type=int, default=1000, help="molecules to sample")
    arguments = parser.parse_args()
    print("| minutes | threads | steps trained | evaluations | " + " | ".join(SHOWN) + " |")
    print("| --- " * (4 + len(SHOWN)) + "|")
    for minutes in arguments.minutes:
        folder = arguments.out / f"{minutes:g}min"
        options = TrainOptions(
            steps=1_000_000, minutes=minutes, batch_size=arguments.batch_size, threads=arguments.threads
        )
        weights = train(options, arguments.dataset, folder)
        steps = sum(1 for _ in (folder / "metrics.csv").open()) - 1
        trained = (folder / "metrics.csv").read_text().splitlines()[steps].split(",")[0]
        for evaluations in arguments.steps:
            file = folder / f"samples-{evaluations}.sdf"
            sample(SampleOptions(n=arguments.n, steps=evaluations, threads=arguments.threads), weights, file)
            summary = check(CheckOptions(), [str(file)], folder / f"check-{evaluations}", train=arguments.dataset)
            cells = [cell(summary["metrics"].get(name)) for name in SHOWN]
            print(f"| {minutes:g} | {arguments.threads} | {trained} | {evaluations} | " + " | ".join(cells) + " |")


def cell(metric: dict[str, float] | None) -> str:
    """A rate in percent with its 95 % interval."""
    if metric is None:
        return "-"
    return f"{100 * metric['value']:.1f} ({100 * metric['low']:.1f}-{100 * metric['high']:.1f})"


if __name__ == "__main__":
    main()
