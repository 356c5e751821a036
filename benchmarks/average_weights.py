"""The mean of two weights of one training path: `python -m benchmarks.average_weights BEFORE AFTER --out MEAN`.

What fine-tuning starts from and what it ends at often meet half way better than at either end (Wortsman et al. 2022,
arXiv:2203.05482). `--share` is the part that AFTER has. The statistics that sampling needs (sizes of molecules) are
those of BEFORE.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, load_model, save_model
from moldiff.models.shipped import weights_path


def main() -> None:
    """Read both, average and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", help="a weights file or the name of shipped weights")
    parser.add_argument("after", help="the same; trained from the first")
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--since", help="the same; what AFTER was trained from, where BEFORE is another")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    before, after = (load_model(weights_path(path)) for path in (arguments.before, arguments.after))
    origin = None if arguments.since is None else load_model(weights_path(arguments.since))
    save_model(averaged(before, after, arguments.share, origin), arguments.out)
    print(f"{arguments.out}: {load_model(arguments.out).checksum}")


def averaged(before: Model, after: Model, share: float, origin: Model | None = None) -> Model:
    """The first model with weights ``before + share (after - origin)``; without an origin it is ``before``.

    Raises:
        UserError: the networks or the noise they were trained on are not the same.
    """
    old, new, start = (one.network.state_dict() for one in (before, after, origin or before))
    for one in (after, origin or before):
        shapes = {name: value.shape for name, value in one.network.state_dict().items()}
        if {name: value.shape for name, value in old.items()} != shapes:
            raise UserError("the weights belong to different networks")
        marginals = before.statistics.marginals == one.statistics.marginals
        if not marginals or before.statistics.sigma_data != one.statistics.sigma_data:
            raise UserError("the networks were trained on different noise; each must start from another of them")
    with torch.no_grad():
        for name, value in old.items():
            value.add_(new[name] - start[name], alpha=share)
    steps = [*before.history.get("parts", [before.history]), after.history]
    return replace(before, history={"parts": steps, "averaged": {"last part": share}})


if __name__ == "__main__":
    main()
