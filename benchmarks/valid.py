"""Which of its own molecules weights should prefer, to make more that are valid: any that are, not those that are not.

    moldiff sample --weights W -n 10000 --restarts 0 --out own.sdf
    moldiff sample --weights W -n 4000 --restarts 0 --steps 22 --out few.sdf
    moldiff check own.sdf --out own; moldiff check few.sdf --out few
    python -m benchmarks.valid round own.sdf=own --hasty few.sdf=few
    moldiff featurize round_kept.sdf --for W --duplicates keep --out kept
    moldiff featurize round_refused.sdf --for W --duplicates keep --fragments keep --out refused
    moldiff train kept --objective prefer --start-from W --refused refused --out taught ...

Preferred are N own molecules that are valid_strict and PB-valid, drawn with even chances, so that nothing but validity
is taught. Refused are those that are not valid (``--invalid`` times) and those that are valid and not PB-valid. Good
weights make few of them; a hasty sampling with fewer evaluations makes many more, and of its molecules those that are
not valid are refused too.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.preferred import read_checked


def main(arguments: Sequence[str] | None = None) -> None:
    """Write both sets; arguments are those of the command line by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="beginning of the names of what is written")
    parser.add_argument("checked", nargs="+", help="own molecules and their check: own.sdf=own")
    parser.add_argument("--hasty", nargs="*", default=[], help="the same, made with fewer evaluations")
    parser.add_argument("-n", type=int, default=2500, help="preferred molecules at most")
    parser.add_argument("--invalid", type=int, default=3, help="how often those that are not valid count")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    random = np.random.default_rng(given.seed)
    own = read_checked(given.checked)
    valid, fine = (own[name].eq(True).to_numpy() for name in ("valid_strict", "pb_valid"))
    chosen = np.sort(random.permutation(np.flatnonzero(valid & fine))[: given.n])
    kept = own["block"].iloc[chosen].tolist()
    refused = [*given.invalid * own["block"][~valid].tolist(), *own["block"][valid & ~fine]]
    if given.hasty:
        hasty = read_checked(given.hasty)
        refused += hasty["block"][~hasty["valid_strict"].eq(True)].tolist()
    Path(f"{given.out}_kept.sdf").write_text("".join(kept))
    Path(f"{given.out}_refused.sdf").write_text("".join(refused))
    print(f"{len(own)} own, {(~valid).sum()} of them not valid; kept {len(kept)}, refused {len(refused)}")


if __name__ == "__main__":
    main()
