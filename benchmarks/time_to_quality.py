"""Quality against training time: `python -m benchmarks.time_to_quality DATASET --minutes 2 5 10 30`.

For each budget a model is trained from scratch for that many minutes (the learning rate reaches zero at its end),
1,000 molecules are sampled and checked, as the network makes them and with restarts of those that are broken, and a row
of a Markdown table is printed for each.
"""

import argparse
from itertools import product
from pathlib import Path
from typing import Any

from moldiff.config.check import CheckOptions
from moldiff.config.options import parse
from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions
from moldiff.files.manifest import read_record
from moldiff.files.records import SamplesInfo
from moldiff.scoring.records import RateRecord
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
    parser.add_argument(
        "--options",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="of training: learning_rate=2e-3 network.layers=4",
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, nargs="+", default=[50], help="network evaluations in sampling")
    parser.add_argument("-n", type=int, default=1000, help="molecules to sample")
    arguments = parser.parse_args()
    print("| minutes | threads | steps trained | evaluations, mean | " + " | ".join(SHOWN) + " |")
    print("| --- " * (4 + len(SHOWN)) + "|")
    for minutes in arguments.minutes:
        folder = arguments.out / f"{minutes:g}min"
        fixed = {"steps": 1_000_000, "minutes": minutes, "batch_size": 24, "threads": arguments.threads}
        options = parse(TrainOptions, fixed | nested(arguments.options))
        weights = train(options, arguments.dataset, folder)
        trained = read_record(folder / "train.json", "train again")["steps"]
        for steps, restarts in product(arguments.steps, (0, 3)):
            file = folder / f"samples-{steps}-{restarts}.sdf"
            sampling = SampleOptions(n=arguments.n, steps=steps, restarts=restarts, threads=arguments.threads)
            mean = SamplesInfo.beside(sample(sampling, weights, file), "sample again").mean_evaluations
            summary = check(CheckOptions(), [str(file)], folder / f"check-{steps}-{restarts}", train=arguments.dataset)
            cells = [cell(summary.metrics.get(name)) for name in SHOWN]
            print(f"| {minutes:g} | {arguments.threads} | {trained} | {mean} | " + " | ".join(cells) + " |", flush=True)


def nested(pairs: list[str]) -> dict[str, Any]:
    """`network.layers=4` as {"network": {"layers": "4"}}."""
    options: dict[str, Any] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        group, _, name = key.rpartition(".")
        (options.setdefault(group, {}) if group else options)[name] = value
    return options


def cell(rate: RateRecord | None) -> str:
    """A rate in percent with its 95 % interval."""
    if rate is None or rate.value is None or rate.low is None or rate.high is None:
        return "-"
    return f"{100 * rate.value:.1f} ({100 * rate.low:.1f}-{100 * rate.high:.1f})"


if __name__ == "__main__":
    main()
