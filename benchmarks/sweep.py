"""Sampling settings compared on one model: `python -m benchmarks.sweep WEIGHTS -n 500`.

Each row of the Markdown table is the same number of molecules from the same seed, made with other settings and scored
by `moldiff check`. With `--train DATASET` distances from the training set follow: settings that make more molecules
valid can make the wrong ones. `--rows` picks some of the rows, or gives options.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.config.check import CheckOptions
from moldiff.config.options import parse
from moldiff.config.sample import SampleOptions
from moldiff.sampling.decode import Sampled
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.stages.check import check

SHOWN = ("valid_strict", "atom_stability", "pb_valid_of_all", "uniqueness")
DISTANCES = ("bond_orders", "ring_sizes", "sa", "fsp3", "rotatable_bonds")
FIXED = {"steps": 50, "restarts": 0, "threads": 1, "accelerator": "cpu"}
"""What a row has unless it says otherwise: restarts would hide what the other settings are worth."""
ROWS: dict[str, dict[str, Any]] = {
    **{f"{steps} evaluations": {"steps": steps} for steps in (10, 20, 30, 50, 100)},
    **{f"50, noise {noise:g}": {"noise": noise} for noise in (0.0, 0.2, 0.4, 0.6, 1.0)},
    **{f"50, steps {scale:g} times as long": {"step_scale": scale} for scale in (1.0, 1.3, 1.5, 2.0)},
    **{f"50, noise and longer steps below {level:g} Å": {"noise_below": level} for level in (0.3, 1.0, 3.0)},
    "50, noise 0.4 below 3 Å, plain steps": {"noise": 0.4, "noise_below": 3.0, "step_scale": 1.0},
    "50, the same, largest σ 10 Å": {"noise": 0.4, "noise_below": 3.0, "step_scale": 1.0, "sigma_max": 10.0},
    "50, smallest σ 0.01 Å": {"sigma_min": 0.01},
    "50, smallest σ 0.06 Å": {"sigma_min": 0.06},
    "50, largest σ 3 Å": {"sigma_max": 3.0},
    "50, largest σ 10 Å": {"sigma_max": 10.0},
    "50, ρ 3": {"rho": 3.0},
    "50, ρ 10": {"rho": 10.0},
    "50, linear grid": {"schedule": "linear"},
    "50, cosine grid": {"schedule": "cosine"},
    "49, Heun, no noise, plain steps": {"steps": 25, "solver": "heun", "noise": 0.0, "step_scale": 1.0},
    "49, Heun": {"steps": 25, "solver": "heun"},
    "50, DDIM": {"solver": "ddim"},
    "50, DDPM": {"solver": "ddpm"},
    **{f"50, restarts from {level:g} Å": {"restarts": 3, "restart_from": level} for level in (0.3, 0.6, 1.2, 2.0)},
    "50, bfloat16": {"precision": "bfloat16"},
    "50, categories at temperature 0.5": {"temperature": 0.5},
    "50, categories at temperature 0.8": {"temperature": 0.8},
    "50, categories at temperature 1.2": {"temperature": 1.2},
}


def main() -> None:
    """Sample, score and print, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", help="a weights file or the name of shipped weights")
    parser.add_argument("-n", type=int, default=500)
    parser.add_argument("--train", type=Path, help="a featurized dataset, to print distances from it")
    parser.add_argument(
        "--rows", nargs="+", default=list(ROWS), metavar="ROW", help="rows by name, or options: 'steps=30 rho=10'"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    columns = SHOWN + (DISTANCES if arguments.train else ())
    print("| setting | evaluations | " + " | ".join(columns) + " | processor s |")
    print("| --- " * (3 + len(columns)) + "|")
    sampler = Sampler.load(arguments.weights)
    for row in arguments.rows:
        settings = dict(ROWS[row]) if row in ROWS else dict(pair.split("=") for pair in row.split())
        options = parse(SampleOptions, {"n": arguments.n, **FIXED, **settings})
        start = time.process_time()
        plan = Plan.of(options)
        cells = rates(sampler, plan, train=arguments.train)
        print(f"| {row} | {plan.evaluations} | {cells} | {time.process_time() - start:.0f} |", flush=True)


def rates(
    sampler: Sampler,
    plan: Plan,
    shown: tuple[str, ...] = SHOWN,
    train: Path | None = None,
    kept: Callable[[Sampled], Sampled] = lambda molecule: molecule,
) -> str:
    """The metrics of molecules made by this plan, and their distances from a dataset, as cells of a table.

    Args:
        sampler: makes the molecules.
        plan: of the sampling.
        shown: the metrics.
        train: a featurized dataset, for distances.
        kept: what is scored of a molecule.
    """
    batches = plan.batches(sampler.model.statistics)
    made = [kept(molecule) for batch in batches for molecule in sampler.batch(plan, batch)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "made.sdf"
        file.write_text("".join(write_sdf_block(sampler.to_rdkit(one)) for one in made if one.finite))
        summary = check(CheckOptions(workers=1), [str(file)], Path(folder) / "check", train=train)
    metrics = [summary.metrics.get(name) for name in shown]
    cells = ["-" if one is None or one.value is None else f"{100 * one.value:.1f}" for one in metrics]
    if train:
        cells += [f"{summary.distances[name].value:.3g}" for name in DISTANCES]
    return " | ".join(cells)


if __name__ == "__main__":
    main()
