"""Metropolis moves beside best-of-N: `python benchmarks/optimize.py WEIGHTS START.sdf [SCORE] [ROUNDS] [POPULATION]`.

`moldiff optimize` from the molecules of a file, then as many new molecules of the same weights as cost the same number
of network evaluations, scored alike. Markdown on standard output: the mean and the best of the best POPULATION of each.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from moldiff.config.optimize import OptimizeOptions
from moldiff.config.sample import SampleOptions
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.stages.optimize import Scorer, optimize


def main() -> None:
    weights, start = sys.argv[1], Path(sys.argv[2])
    score = sys.argv[3] if len(sys.argv) > 3 else "qed"
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 20
    population = int(sys.argv[5]) if len(sys.argv) > 5 else 16
    options = OptimizeOptions(score=score, rounds=rounds, population=population)
    with tempfile.TemporaryDirectory(prefix="moldiff-") as folder:
        output = Path(folder) / "out.sdf"
        record = optimize(options, start, weights, output)
        scores = [
            float(block.split(">  <moldiff_score>\n")[1].split("\n")[0])
            for block in output.read_text().split("$$$$\n")[:-1]
        ]
    sampler = Sampler.load(weights)
    plan = Plan.of(SampleOptions(restarts=0))
    n = round(record["network_evaluations"] / plan.evaluations)
    plan = Plan.of(SampleOptions(restarts=0, n=n))
    made = [one.arrays for batch in plan.batches(sampler.model.statistics) for one in sampler.batch(plan, batch)]
    members = {one.key: one.score for one in Scorer(sampler.decoder, score)(made) if one.score is not None}
    best = sorted(members.values(), reverse=True)[: len(scores)]
    print(f"{score}, {record['network_evaluations']} network evaluations each, start {record['start']}\n")
    print(f"| | scored | mean of the best {len(scores)} | best |\n|---|---|---|---|")
    print(f"| Metropolis moves | {record['evaluations']} | {np.mean(scores):.4f} | {max(scores):.4f} |")
    print(f"| best of {n} | {len(members)} | {np.mean(best):.4f} | {max(best):.4f} |")


if __name__ == "__main__":
    main()
