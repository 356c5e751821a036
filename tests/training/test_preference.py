"""Preferences: margins of networks whose errors are known, counterparts of like size, a training that shifts odds."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from moldiff.config.options import ConfigError, parse
from moldiff.config.train import TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, Statistics, load_model, save_model
from moldiff.molecules.batch import MoleculeBatch
from moldiff.stages.train import train
from moldiff.training.objective import DenoisingObjective, Objective
from moldiff.training.preference import PREFERENCE, LikeSized, PreferenceObjective
from tests import tiny
from tests.diffusion.test_process import exact_prediction
from tests.symmetry import assert_close
from tests.training.oracle import Oracle
from tests.training.tiny_session import random_pattern

NOISE = NoiseDistribution(-1.0, 1.0)
PREFERRED, REFUSED = tiny.batch_of(5, 4, 3, 2), tiny.batch_of(5, 4, 3, 2, seed=9)


def refused(sizes: Tensor, random: Generator) -> MoleculeBatch:
    return REFUSED


def between(network: nn.Module, reference: nn.Module, strength: float = 1.0, **more: Any) -> PreferenceObjective:
    return PreferenceObjective(network, reference, tiny.process(), NOISE, refused, strength, 0.0, 0.5, **more)


def test_at_the_start_no_pair_is_told_apart() -> None:
    network = tiny.network()
    losses = tiny.losses(between(network, tiny.network(), 7.0), PREFERRED, tiny.seeded(), slice(None))
    assert_close("preference", losses[PREFERENCE], torch.full((4,), math.log(2), dtype=torch.float64))


@pytest.mark.parametrize(("strength", "above"), [(0.01, 0.0), (3.0, 0.6), (3.0, 0.8)])
def test_the_margin_is_what_both_errors_say(strength: float, above: float) -> None:
    """One network is right about the preferred molecules, its reference about the refused: all errors are known."""
    right, wrong = Oracle(PREFERRED), Oracle(REFUSED)
    fixed = NoiseDistribution(math.log(0.7), 1e-12)
    process, levels = tiny.process(), tiny.at(PREFERRED, float(fixed.draw(1, tiny.seeded())))
    cost = process.loss(exact_prediction(REFUSED), PREFERRED, levels)
    back = process.loss(exact_prediction(PREFERRED), REFUSED, levels)
    margin = sum(process.weights[name] * (cost[name] + back[name]) for name in cost)
    for network, reference, sign in ((right, wrong, 1), (wrong, right, -1)):
        objective = PreferenceObjective(network, reference, process, fixed, refused, strength, above, 0.5)
        losses = tiny.losses(objective, PREFERRED, tiny.seeded(), slice(None))
        counted = strength * sign * margin if above < 0.7 else torch.zeros_like(margin)
        expected = -torch.nn.functional.logsigmoid(counted)
        assert_close("preference", losses.pop(PREFERENCE), expected)
        for name, loss in losses.items():
            assert_close(name, loss, torch.zeros_like(loss) if sign == 1 else cost[name])


def test_what_is_kept_is_the_usual_loss_of_the_preferred() -> None:
    network = tiny.network()
    losses = tiny.losses(between(network, tiny.network(seed=1)), PREFERRED, tiny.seeded(), slice(None))
    objective = between(network, tiny.network(seed=1))
    weights = tiny.process().weights
    assert objective.weights == {PREFERENCE: 1.0, **{name: 0.5 * weight for name, weight in weights.items()}}
    usual = tiny.losses(DenoisingObjective(network, tiny.process(), NOISE), PREFERRED, tiny.seeded(), slice(None))
    assert set(losses) == {PREFERENCE, *usual}


@pytest.mark.parametrize("pattern", [None, random_pattern], ids=["nothing given", "patterns"])
def test_losses_of_parts_are_those_of_the_whole(pattern: Any) -> None:
    made = between(tiny.network(), tiny.network(seed=1), 2.0, self_conditioning=0.5, pattern=pattern)
    assert isinstance(made, Objective)
    whole = tiny.losses(made, PREFERRED, tiny.seeded(3), slice(None))
    for rank in range(3):
        part = slice(rank, None, 3)
        for name, loss in tiny.losses(made, PREFERRED, tiny.seeded(3), part).items():
            assert_close(name, loss, whole[name][part])


def test_the_reference_learns_nothing() -> None:
    network, reference = tiny.network(), tiny.network(seed=1)
    objective = between(network, reference)
    sum(loss.sum() for loss in tiny.losses(objective, PREFERRED, tiny.seeded(), slice(None)).values()).backward()
    assert all(parameter.grad is None for parameter in reference.parameters())
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_odds_move_to_the_preferred_molecules() -> None:
    """Of two molecules that both networks first take for equally likely, the preferred one becomes likelier."""
    network, reference = tiny.network(randomised=False), tiny.network(randomised=False)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    objective = between(network, reference, 20.0)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    first = last = 0.0
    for step in range(60):
        optimizer.zero_grad()
        loss = tiny.losses(objective, PREFERRED, tiny.seeded(step), slice(None))[PREFERENCE].mean()
        loss.backward()
        optimizer.step()
        last = float(loss.detach())
        first = first or last
    assert first == pytest.approx(math.log(2))
    assert last < 0.4


def test_counterparts_are_of_like_size(tmp_path: Path) -> None:
    molecules = [one for one in tiny.random_molecules(300) if len(one.atomic_numbers) not in (4, 5, 6)]
    loader = MoleculeLoader.of(tiny.dataset(tmp_path / "set", molecules), "train", tiny.VOCABULARY)
    like, random = LikeSized(loader), tiny.seeded()
    asked = torch.arange(1, 14).repeat(400)
    made = like(asked, random).sizes.reshape(400, 13)
    there = sorted({len(one.atomic_numbers) for one in molecules})
    for place, atoms in enumerate(range(1, 14)):
        near = [size for size in there if abs(size - atoms) <= 1]
        expected = set(near) or {min(there, key=lambda size: abs(size - atoms))}
        assert set(made[:, place].tolist()) == expected, f"for {atoms} atoms"
    assert len({str(pos.tolist()) for pos in like(torch.full((400,), 2), random).pos}) > 20, "not always the same ones"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"objective": "prefer", "start_from": "leads"}, "needs refused: a dataset"),
        ({"objective": "prefer", "refused": "folder"}, "needs start_from: the weights"),
        ({"refused": "folder"}, "refused needs objective: prefer"),
        ({"prefer": {"strength": 3}}, "prefer needs objective: prefer"),
        ({"objective": "prefer", "start_from": "leads", "refused": "folder", "teacher": "drugs"}, "teacher"),
        ({"objective": "prefer", "start_from": "leads", "refused": "folder", "placeholders": 0.1}, "placeholders"),
        ({"objective": "prefer", "start_from": "leads", "refused": "folder", "properties": ["logp"]}, "properties"),
        ({"objective": "prefer", "start_from": "leads", "refused": "folder", "prefer": {"strength": 0}}, "strength"),
    ],
)
def test_options_that_contradict_each_other_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse(TrainOptions, values)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("start") / "start.safetensors"
    statistics = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {5: 1, 20: 3}, "implicit")
    save_model(Model.of(tiny.network(randomised=False).float(), statistics), path)
    return path


def options_of(start: Path, refused: Path, **more: Any) -> TrainOptions:
    return tiny.train_options(objective="prefer", start_from=str(start), refused=str(refused), **more)


def test_a_preference_is_trained_and_saved(start: Path, tmp_path: Path) -> None:
    preferred = tiny.dataset(tmp_path / "preferred", tiny.random_molecules(24), valid=4).folder
    refused = tiny.dataset(tmp_path / "refused", tiny.random_molecules(12, seed=5)).folder
    trained = load_model(train(options_of(start, refused, sample_every=8, sample_count=2), preferred, tmp_path / "run"))
    assert not torch.equal(trained.network.heads.atom.weight, load_model(start).network.heads.atom.weight)
    assert trained.statistics.sizes == {5: 1, 20: 3}, "sizes stay: the preferred ones are a choice"
    header, *rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    assert f"loss_{PREFERENCE}" in header.split(",")
    assert rows
    train(options_of(start, refused), preferred, tmp_path / "again", state=tmp_path / "state")
    other = tiny.dataset(tmp_path / "other", tiny.random_molecules(9, seed=6)).folder
    shutil.rmtree(refused)
    other.rename(refused)
    with pytest.raises(UserError, match="saved by a training on another dataset"):
        train(options_of(start, refused), preferred, tmp_path / "again", state=tmp_path / "state")


def test_refused_molecules_that_cannot_be_used_are_named(start: Path, tmp_path: Path) -> None:
    preferred = tiny.dataset(tmp_path / "preferred", tiny.random_molecules(12), valid=2).folder
    explicit = tiny.dataset(tmp_path / "explicit", tiny.random_molecules(12), hydrogens="explicit").folder
    with pytest.raises(UserError, match=r"explicit: has explicit hydrogens, the weights know implicit"):
        train(options_of(start, explicit), preferred, tmp_path / "run")
    with pytest.raises(UserError, match="nowhere"):
        train(options_of(start, tmp_path / "nowhere"), preferred, tmp_path / "run")
