"""Search for the best grid of few evaluations: `python -m benchmarks.respace qm9-heavy --evaluations 8 10 15 20`.

For each number of evaluations: today's defaults and random settings are sampled (a few molecules each, the same seed),
then variations of the best ones, which differ in one number; the best of all are sampled again, with more molecules
and another seed, beside the defaults. No restarts. What is lowered is

    (1 − valid_strict) + |reasonable − the training molecules' rate| + share with an unknown ring system
    + a tenth of the mean logarithm of distance over noise floor, where a distance is above its floor,

since a rate of valid molecules alone prefers the wrong ones. Every sampling is a line of the file `--log`, and is not
made again where it stands there: a search that was stopped goes on. Prints a Markdown table for each number.

`--keep '{"steps": 8, "sigma_min": 0.06}' --out FILE` searches nothing: it writes the weights with these settings, by
which they are sampled from then on.
"""

import argparse
import json
import math
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.config.check import CheckOptions
from moldiff.config.options import parse
from moldiff.config.sample import SampleOptions
from moldiff.models.abilities import SETTINGS
from moldiff.models.checkpoint import load_model, save_model
from moldiff.models.shipped import weights_path
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.scoring.records import CheckSummary
from moldiff.stages.check import check
from moldiff.training.malloc import keep_large_buffers

SPACE: dict[str, tuple[float, ...]] = {
    "rho": (1.5, 2.0, 3.0, 4.0, 5.0, 7.0),
    "sigma_max": (2.0, 3.0, 4.0, 5.0, 7.0),
    "sigma_min": (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2),
    "noise": (0.0, 0.2, 0.4, 0.8),
    "noise_below": (0.3, 0.5, 1.0, 2.0),
    "step_scale": (1.0, 1.2, 1.4, 1.6, 1.75, 2.0),
    "temperature": (0.25, 0.4, 0.55, 0.7, 0.85, 1.0),
}
DISTANCES = ("elements", "bond_orders", "ring_sizes", "qed", "sa", "fsp3", "rotatable_bonds", "bond_lengths")
FIXED = {"restarts": 0, "threads": 1, "accelerator": "cpu"}
Settings = dict[str, float]


class Bench:
    """Samplings of one model, each made once.

    Args:
        weights: a weights file or the name of shipped weights.
        known: what its molecules are compared with.
        log: file of the results, one JSON object a line.
    """

    def __init__(self, weights: str, known: Path, log: Path) -> None:
        self.name, self.sampler, self.known, self.log = weights, Sampler.load(weights), known, log
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        self.done = {_key(row): row for row in map(json.loads, lines)}

    def measured(self, steps: int, settings: Settings, n: int, seed: int) -> dict[str, Any]:
        """The row of a sampling."""
        row: dict[str, Any] = {"weights": self.name, "steps": steps, "settings": settings, "n": n, "seed": seed}
        if (key := _key(row)) not in self.done:
            self.done[key] = row | self._made(steps, settings, n, seed)
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(self.done[key]) + "\n")
        return self.done[key]

    def _made(self, steps: int, settings: Settings, n: int, seed: int) -> dict[str, Any]:
        asked = parse(SampleOptions, {"n": n, "seed": seed, "steps": steps, **FIXED, **settings})
        plan = Plan.of(asked, self.sampler.model.history)
        start = time.process_time()
        batches = plan.batches(self.sampler.model.statistics)
        made = [molecule for batch in batches for molecule in self.sampler.batch(plan, batch)]
        seconds = time.process_time() - start
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "made.sdf"
            file.write_text("".join(write_sdf_block(self.sampler.to_rdkit(one)) for one in made if one.finite))
            summary = check(CheckOptions(workers=1), [str(file)], Path(folder) / "check", train=self.known)
        return {"seconds": round(seconds, 2), **judged(summary)}


def judged(summary: CheckSummary) -> dict[str, Any]:
    """What is said of a sampling, and ``loss``, which is lowered."""
    rates = {
        name: summary.metrics[name].value or 0.0
        for name in ("valid_strict", "pb_valid_of_all", "reasonable", "new_ring_system", "uniqueness")
    }
    over = {}
    for name in DISTANCES:
        record = summary.distances.get(name)
        if record is not None and record.value is not None and record.noise_floor:
            over[name] = record.value / record.noise_floor
    away = sum(math.log(max(1.0, one)) for one in over.values()) / max(1, len(over))
    usual = summary.metrics["reasonable"].reference or 0.0
    loss = (1 - rates["valid_strict"]) + abs(rates["reasonable"] - usual) + rates["new_ring_system"] + away / 10
    return {**rates, "usual": usual, "distances": over, "away": away, "loss": loss}


def search(bench: Bench, steps: int, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows of the last stage: the defaults, then the best settings, best first."""
    random = np.random.default_rng(arguments.seed)
    few = arguments.few
    settings: list[Settings] = [{}, *(json.loads(text) for text in arguments.start)]
    for _ in range(arguments.random):
        settings.append({name: float(random.choice(values)) for name, values in SPACE.items()})
    rows = [bench.measured(steps, one, few, arguments.seed) for one in settings]
    for _ in range(arguments.rounds):
        best = sorted(rows, key=_loss)[: arguments.best]
        for row in best:
            rows += [bench.measured(steps, varied(row["settings"], random), few, arguments.seed) for _ in range(2)]
    distinct = {json.dumps(row["settings"], sort_keys=True): row for row in sorted(rows, key=_loss)}
    chosen = [row["settings"] for row in distinct.values() if row["settings"]][: arguments.best]
    last = [bench.measured(steps, one, arguments.many, arguments.seed + 1) for one in ({}, *chosen)]
    return [last[0], *sorted(last[1:], key=_loss)]


def varied(settings: Settings, random: np.random.Generator) -> Settings:
    """The settings with another value of one number, a neighbour of its own in `SPACE`."""
    name = str(random.choice(list(SPACE)))
    values = SPACE[name]
    default = float(getattr(SampleOptions(), name))
    own = settings.get(name, default)
    place = int(np.argmin([abs(value - own) for value in values]))
    step = 1 if place == 0 else -1 if place == len(values) - 1 else int(random.choice([-1, 1]))
    return {**settings, name: values[place + step]}


def main() -> None:
    """Search and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", help="a weights file or the name of shipped weights")
    parser.add_argument("--known", type=Path, help="what to compare with; by default the weights' own reference")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[8, 10, 15, 20])
    parser.add_argument("--log", type=Path, default=Path("respace.jsonl"))
    parser.add_argument("--few", type=int, default=64, help="molecules of a setting in the search")
    parser.add_argument("--many", type=int, default=200, help="molecules of the best settings")
    parser.add_argument("--random", type=int, default=20, help="random settings")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of variations of the best")
    parser.add_argument("--best", type=int, default=4, help="settings that are varied and measured again")
    parser.add_argument("--start", nargs="*", default=[], metavar="JSON", help="settings to begin with")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=json.loads, metavar="JSON", help="settings to write into the weights")
    parser.add_argument("--out", type=Path, help="file of the weights with these settings")
    arguments = parser.parse_args()
    if (arguments.keep is None) != (arguments.out is None):
        parser.error("--keep and --out go together")
    if arguments.keep is not None:
        kept(arguments.weights, arguments.keep, arguments.out)
        return
    torch.set_num_threads(1)
    keep_large_buffers()
    bench = Bench(arguments.weights, arguments.known or Path(arguments.weights), arguments.log)
    for steps in arguments.evaluations:
        print(
            f"\n{arguments.weights}, {steps} evaluations, {arguments.many} molecules, no restarts\n\n| settings | "
            "valid_strict | PB-valid, of all | reasonable | unknown ring | unique | over the noise floor | loss | ms |"
        )
        print("| --- " * 9 + "|")
        for row in search(bench, steps, arguments):
            print(line(row), flush=True)


def kept(weights: str, settings: dict[str, Any], out: Path) -> None:
    """Write weights that are sampled by these settings.

    Raises:
        ValueError: a setting is none of `SETTINGS`.
    """
    if others := set(settings) - set(SETTINGS):
        raise ValueError(f"{', '.join(sorted(others))}: weights have no say in it; there are {', '.join(SETTINGS)}")
    model = load_model(weights_path(weights))
    model = replace(model, history={**model.history, "sampling": settings})
    Plan.of(SampleOptions(), model.history)  # refuses values that are out of range
    save_model(model, out)


def line(row: dict[str, Any]) -> str:
    """A row as Markdown; milliseconds are processor time a molecule."""
    names = ("valid_strict", "pb_valid_of_all", "reasonable", "new_ring_system", "uniqueness")
    cells = [f"{100 * row[name]:.1f}" for name in names]
    settings = " ".join(f"{name}={value:g}" for name, value in row["settings"].items()) or "defaults"
    factor, milliseconds = math.exp(row["away"]), 1e3 * row["seconds"] / row["n"]
    return f"| {settings} | {' | '.join(cells)} | {factor:.1f} | {row['loss']:.3f} | {milliseconds:.0f} |"


def _loss(row: dict[str, Any]) -> float:
    return float(row["loss"])


def _key(row: dict[str, Any]) -> str:
    return json.dumps([row[name] for name in ("weights", "steps", "settings", "n", "seed")], sort_keys=True)


if __name__ == "__main__":
    main()
