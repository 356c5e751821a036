"""Distillation: targets that follow from an oracle, jumps that land where it lands, what a random input adds."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from moldiff.config.distill import DistillOptions
from moldiff.config.options import ConfigError, parse
from moldiff.config.sample import SampleOptions
from moldiff.config.train import TaskShares, TrainOptions
from moldiff.diffusion.modality import Move
from moldiff.diffusion.solvers import Numbers
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, Statistics, load_model, save_model
from moldiff.models.growth import with_latents
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.denoiser import Denoiser
from moldiff.molecules.levels import Levels
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.stages.objectives import taught
from moldiff.stages.train import train
from moldiff.training.distillation import DistillationObjective, Teacher, jumped, refined, student_grid
from moldiff.training.objective import Objective
from tests import tiny
from tests.diffusion.test_process import exact_prediction
from tests.killing import killed
from tests.symmetry import assert_close
from tests.training.oracle import Oracle
from tests.training.tiny_session import random_pattern

GRID = student_grid(DistillOptions(evaluations=4, sigma_max=3.0, sigma_min=0.1, rho=3.0))
PLAIN = Numbers()


def teacher_of(network: Denoiser, substeps: int = 3, numbers: Numbers = PLAIN) -> Teacher:
    return Teacher(lambda random: network, tiny.process(), numbers, substeps)


def test_the_finer_grid_holds_the_student_s_levels() -> None:
    fine = refined(GRID, 3)
    assert torch.equal(fine[::3], GRID)
    assert len(fine) == 3 * 4 + 1
    assert (fine.diff() < 0).all()
    assert torch.equal(refined(GRID, 1), GRID)


def test_an_oracle_s_molecule_is_the_target_whatever_the_noise() -> None:
    clean, known = tiny.batch_of(5, 3), tiny.batch_of(5, 3, seed=7)
    levels = Levels.along(clean)
    noisy = tiny.process().corrupt(clean, levels(float(GRID[1])), tiny.seeded())
    landed, made = teacher_of(Oracle(known)).made(noisy, GRID[1:], levels, tiny.seeded(1))
    target = jumped(clean, noisy, landed, made, float(GRID[2] / GRID[1]))
    for name in ("pos", "element", "charge", "bond"):
        assert_close(name, getattr(target, name).double(), getattr(known, name).double())


def test_a_student_that_knows_the_target_has_no_loss_and_another_has() -> None:
    clean, known = tiny.batch_of(5, 3), tiny.batch_of(5, 3, seed=7)
    teacher = teacher_of(Oracle(known))
    for seed in range(4):
        right, wrong = (
            tiny.losses(DistillationObjective(network, teacher, GRID), clean, tiny.seeded(seed), slice(None))
            for network in (Oracle(known), Oracle(clean))
        )
        assert all(float(loss.detach().abs().max()) < 1e-9 for loss in right.values())
        assert all(float(loss.detach().min()) > 0.01 for name, loss in wrong.items() if name == "pos")


@pytest.mark.parametrize("numbers", [PLAIN, Numbers(churn=0.8, scale=1.75)], ids=["plain", "noise"])
def test_a_plain_step_to_the_target_lands_where_the_teacher_landed(numbers: Numbers) -> None:
    clean, process = tiny.batch_of(5, 3, 4), tiny.process()
    for pattern in (None, tiny.pattern(clean, 2)):
        start = clean if pattern is None else pattern.framed(clean)
        levels = Levels.along(start, pattern)
        for jump in range(len(GRID) - 1):
            high, low = levels(float(GRID[jump])), levels(float(GRID[jump + 1]))
            noisy = process.corrupt(start, high, tiny.seeded(jump))
            teacher = teacher_of(tiny.network(), 2, numbers)
            landed, made = teacher.made(noisy, GRID[jump:], levels, tiny.seeded(3))
            target = jumped(start, noisy, landed, made, float(GRID[jump + 1] / GRID[jump]))
            stepped = process.step(noisy, exact_prediction(target), Move(high, low), tiny.seeded())
            assert_close("positions", stepped.pos, landed.pos)


def test_what_the_teacher_lost_is_learned_from_the_clean_molecule() -> None:
    clean = tiny.batch_of(4, 4)

    def loses_the_first(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        exact = exact_prediction(tiny.batch_of(4, 4, seed=3))
        exact.pos[0] = torch.nan
        return exact

    levels = Levels.along(clean)
    noisy = tiny.process().corrupt(clean, levels(float(GRID[0])), tiny.seeded())
    landed, made = teacher_of(loses_the_first).made(noisy, GRID, levels, tiny.seeded())
    target = jumped(clean, noisy, landed, made, float(GRID[1] / GRID[0]))
    assert torch.equal(target.pos[0], clean.pos[0])
    assert torch.equal(target.bond[0], clean.bond[0])
    assert not torch.equal(target.bond[1], clean.bond[1])


def student(latents: int) -> Model:
    teacher = Model.of(tiny.network(), Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {5: 1}, "implicit"))
    return with_latents(teacher, latents)


@pytest.mark.parametrize("on_policy", [0.0, 1.0], ids=["noised molecules", "own molecules"])
@pytest.mark.parametrize("pattern", [None, random_pattern], ids=["nothing given", "patterns"])
def test_losses_of_parts_are_those_of_the_whole(pattern: Any, on_policy: float) -> None:
    batch, network = tiny.batch_of(5, 4, 3, 2), student(4).network.double().eval()
    made = DistillationObjective(network, teacher_of(tiny.network(), 2), GRID, 4, 2, 0.5, pattern, on_policy)
    assert isinstance(made, Objective)
    whole = tiny.losses(made, batch, tiny.seeded(3), slice(None))
    for rank in range(3):
        part = slice(rank, None, 3)
        for name, loss in tiny.losses(made, batch, tiny.seeded(3), part).items():
            assert_close(name, loss, whole[name][part])


@pytest.mark.parametrize("on_policy", [0.0, 1.0], ids=["noised molecules", "own molecules"])
def test_the_teacher_goes_on_from_the_student_s_own_molecules(on_policy: float) -> None:
    """A student that always makes one molecule is near it at low levels, whatever the dataset's molecule is."""
    clean, own = tiny.batch_of(5, 4), tiny.batch_of(5, 4, seed=7)
    seen: list[tuple[float, MoleculeBatch]] = []

    def recording(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        seen.append((float(levels.highest.max()), noisy))
        return exact_prediction(own)

    shown: list[Prediction | None] = []
    student = Oracle(own)
    student.register_forward_hook(lambda module, arguments, made: shown.append(arguments[2]))
    made = DistillationObjective(student, teacher_of(recording, 1), GRID, on_policy=on_policy)
    started = set()
    for seed in range(12):
        seen.clear(), shown.clear()
        tiny.losses(made, clean, tiny.seeded(seed), slice(None))
        level, noisy = seen[0]
        jump = GRID.tolist().index(pytest.approx(level, rel=1e-6))
        started.add(jump)
        if jump == len(GRID) - 2:
            near, far = (own, clean) if on_policy else (clean, own)
            assert float((noisy.pos - near.pos).abs().max()) < 5 * level < float((noisy.pos - far.pos).abs().max())
        assert len(shown) == (jump + 1 if on_policy else 1)
        assert (shown[-1] is not None) == (on_policy > 0 and jump > 0)
    assert started == set(range(len(GRID) - 1))


def test_a_student_begins_near_its_teacher_and_its_draws_differ() -> None:
    grown, batch = student(4), tiny.batch_of(5, 3)
    network, levels = grown.network.double().eval(), tiny.at(batch, 0.5)
    before = tiny.network()(batch, levels)
    assert_close("without a draw", network(batch, levels).bond, before.bond)
    one, other = (network(batch, levels, None, torch.full((2,), value)) for value in (0, 1))
    assert not torch.allclose(one.bond, other.bond)
    assert with_latents(grown, 4) is grown


class TwoBonds(nn.Module):
    """Logits of the three bonds of a molecule of three atoms, a set for each value of the random input."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.logits = nn.Parameter(0.1 * torch.randn(max(1, latents), 3, 4, dtype=torch.float64))

    def forward(
        self, noisy: MoleculeBatch, levels: Levels, previous: Any = None, latent: Tensor | None = None
    ) -> Prediction:
        chosen = self.logits[torch.zeros(len(noisy), dtype=torch.long) if latent is None else latent]
        exact = exact_prediction(noisy)
        return Prediction(noisy.pos, exact.element, exact.charge, chosen)


def one_or_the_other(random: Generator) -> Denoiser:
    """A teacher that ends with the first or with the second bond of each molecule, never with both or neither."""

    def denoise(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        nonlocal first
        if previous is None:
            first = torch.rand(len(noisy), generator=random) < 0.5
        bond = torch.stack([first, ~first, torch.zeros_like(first)], 1).long()
        return exact_prediction(noisy.replace(bond=bond))

    first = torch.zeros(0, dtype=torch.bool)
    return denoise


@pytest.mark.parametrize(("latents", "low", "high"), [(0, 0.4, 0.6), (2, 0.8, 1.0)])
def test_bonds_that_exclude_each_other_need_the_random_input(latents: int, low: float, high: float) -> None:
    """Drawn each by itself, one bond of two stands in half of the molecules; with a random input in most of them."""
    clean = tiny.batch_of(*[3] * 32)
    made = TwoBonds(latents)
    grid = torch.tensor([3.0, 0.0], dtype=torch.float64)
    objective = DistillationObjective(made, Teacher(one_or_the_other, tiny.process()), grid, latents, 2)
    optimizer = torch.optim.Adam(made.parameters(), 0.1)
    for step in range(150):
        optimizer.zero_grad()
        tiny.losses(objective, clean, tiny.seeded(step), slice(None))["bond"].mean().backward()
        optimizer.step()
    drawn = torch.randint(max(1, latents), (4000,), generator=tiny.seeded())
    chance = made.logits.detach().softmax(-1)[drawn]
    bonds = torch.multinomial(chance.flatten(0, 1), 1, generator=tiny.seeded()).reshape(4000, 3)
    agree = (bonds[:, :2] == 1).sum(1) == 1
    assert low < float(agree.double().mean()) <= high


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"objective": "distill"}, "teacher"),
        ({"teacher": "drugs"}, "objective: distill"),
        ({"distill": {"evaluations": 4}}, "objective: distill"),
        ({"objective": "distill", "teacher": "drugs", "start_from": "leads"}, "start_from"),
        ({"objective": "distill", "teacher": "drugs", "placeholders": 0.1}, "placeholders"),
        ({"objective": "distill", "teacher": "drugs", "log_sigma_mean": -2}, "log_sigma_mean"),
        ({"objective": "distill", "teacher": "drugs", "distill": {"sigma_min": 9}}, "sigma_min"),
        ({"objective": "distill", "teacher": "drugs", "distill": {"latents": 2, "compared": 3}}, "compared"),
    ],
)
def test_options_that_contradict_each_other_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse(TrainOptions, values)


@pytest.fixture(scope="module")
def teacher_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    statistics = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {5: 1}, "implicit")
    save_model(Model.of(tiny.network(randomised=False).float(), statistics), path)
    return path


def options_of(teacher: Path, **more: Any) -> TrainOptions:
    distill = {"evaluations": 3, "substeps": 2, "latents": 3, "compared": 2}
    return tiny.train_options(objective="distill", teacher=str(teacher), distill=distill, **more)


def test_a_student_is_trained_saved_sampled_and_a_teacher_in_turn(teacher_file: Path, tmp_path: Path) -> None:
    dataset = tiny.dataset(tmp_path / "dataset", tiny.random_molecules(24), valid=4).folder
    trained = train(options_of(teacher_file, sample_every=8, sample_count=2), dataset, tmp_path / "student")
    model, start = load_model(trained), load_model(teacher_file)
    assert model.statistics.latents == 3
    assert not torch.equal(model.network.heads.atom.weight, start.network.heads.atom.weight)
    sampler = Sampler.load(trained)
    assert torch.equal(Plan.of(SampleOptions(), model.history).grid, student_grid(options_of(trained).distill))
    one, same, other = (sampler.sample(4, seed=seed, threads=1, restarts=0) for seed in (0, 0, 1))
    written = [["\n".join(map(str, mol.GetConformer().GetPositions())) for mol in made] for made in (one, same, other)]
    assert written[0] == written[1] != written[2]
    again = options_of(trained, steps=2)
    assert load_model(train(again, dataset, tmp_path / "second")).statistics.latents == 3


def test_a_student_learns_the_tasks_that_its_teacher_knows(tmp_path: Path) -> None:
    statistics = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {5: 1}, "implicit")
    history = {"options": {"tasks": {"new": 0.5, "fragment": 0.5, "conformer": 0.0}}}
    teacher = Model.of(tiny.network(), statistics, history)
    assert taught(TaskShares(), teacher) == TaskShares(fragments=0, conformer=0, bonds=0, hydrogens=0)
    with pytest.raises(UserError, match="know none of them; they know fragment, new"):
        taught(TaskShares(new=0, fragment=0), teacher)


def test_a_killed_distillation_ends_as_one_that_was_not(teacher_file: Path, tmp_path: Path) -> None:
    dataset = tiny.dataset(tmp_path / "dataset", tiny.random_molecules(24), valid=4).folder
    whole = train(options_of(teacher_file), dataset, tmp_path / "whole")
    steps = killed(options_of(teacher_file), dataset, tmp_path / "killed")
    resumed = train(options_of(teacher_file), dataset, tmp_path / "killed")
    assert steps == list(range(7))
    assert resumed.read_bytes() == whole.read_bytes()
