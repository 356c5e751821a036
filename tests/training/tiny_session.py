"""A tiny training, and what can be asked of one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator

from moldiff.dataset.loader import MoleculeLoader
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.levels import Given
from moldiff.training.learner import Learner
from moldiff.training.log import MetricsLog
from moldiff.training.objective import DenoisingObjective, Drawn, Pattern
from moldiff.training.session import Followers, Session
from moldiff.training.validation import validation_loss
from tests import tiny


def session(
    folder: Path,
    *,
    irreps: str = tiny.NETWORK["irreps"],
    sampled: Callable[[], dict[str, float]] | None = None,
    pattern: Pattern | None = None,
    every: int = 4,
    **options: Any,
) -> Session:
    """A tiny training of its own folder on 60 random molecules."""
    made = tiny.dataset(folder / "dataset", tiny.random_molecules(60), valid=10)
    learning, held_out = (MoleculeLoader.of(made, split, tiny.VOCABULARY) for split in ("train", "valid"))
    network, chosen, process = tiny.network(irreps=irreps).float(), tiny.train_options(**options), tiny.process()
    noise = NoiseDistribution(chosen.log_sigma_mean, chosen.log_sigma_deviation)
    learner = Learner(chosen, network, DenoisingObjective(network, process, noise, chosen.self_conditioning, pattern))
    followed = DenoisingObjective(learner.average.module, process, noise)
    validation = lambda: validation_loss(followed, held_out, chosen.batch_size, chosen.seed)  # noqa: E731
    log = MetricsLog(folder / "metrics.csv", learner.weights, every=every)
    return Session(learner, learning, folder / "state", log, Followers(validation, sampled))


def random_pattern(batch: MoleculeBatch, random: Generator) -> tuple[MoleculeBatch, Given]:
    """Of each molecule another share is given."""
    return batch, tiny.pattern(batch, int(torch.randint(1_000_000, (), generator=random)))


def weights(trained: Session) -> dict[str, torch.Tensor]:
    """What was learned: the averaged and the last weights."""
    both = {"average": trained.learner.average.module, "last": trained.learner.network}
    return {
        f"{kind}.{name}": each.detach().clone() for kind, net in both.items() for name, each in net.named_parameters()
    }


def assert_same_weights(one: Session, other: Session) -> None:
    expected, actual = weights(one), weights(other)
    assert all(torch.equal(actual[name], value) for name, value in expected.items())


def before_step(trained: Session, number: int, act: Callable[[], None]) -> None:
    """Do something where this step begins."""
    real = trained.learner.step

    def step(drawn: Drawn, at: int, fraction: float) -> dict[str, float]:
        if at == number:
            act()
        return real(drawn, at, fraction)

    trained.learner.step = step


def stopped_before(broken: Session, number: int) -> None:
    """Run, and die without warning where this step would begin, as by SIGKILL."""

    def die() -> None:
        raise SystemExit(137)

    before_step(broken, number, die)
    with pytest.raises(SystemExit):
        broken.run()
