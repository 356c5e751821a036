"""Oracles lead every solver home: one that knows the molecule, and the exact posterior over a few molecules."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from moldiff.diffusion import schedules
from moldiff.diffusion.modality import Move
from moldiff.diffusion.process import Process
from moldiff.diffusion.solvers import Numbers, Solver, euler, generate, heun
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.denoiser import Denoiser
from moldiff.molecules.levels import Given, Levels
from tests import tiny

SOLVERS: dict[str, tuple[Solver, Numbers]] = {
    "euler": (euler, Numbers()),
    "euler with noise": (euler, Numbers(0.4, high=3.0)),
    "heun": (heun, Numbers()),
    "heun with noise": (heun, Numbers(0.4, high=3.0)),
    "euler with noise and longer steps": (euler, Numbers(0.8, 1.5, high=3.0)),
    "heun with longer steps": (heun, Numbers(0.4, 1.2, high=3.0)),
    "ddpm": (euler, Numbers(eta=1.0)),
    "ddim": (euler, Numbers(eta=0.0)),
}
EVERY_SOLVER = pytest.mark.parametrize("solver", SOLVERS)
EVERY_SCHEDULE = pytest.mark.parametrize("schedule", ["karras", "linear", "cosine"])


def logits(classes: Tensor, channels: int) -> Tensor:
    return (functional.one_hot(classes, channels).double() + 1e-300).log()


def knowing(molecule: MoleculeBatch) -> Denoiser:
    """Answers with the clean molecules, whatever it is shown."""
    element, charge, bond = logits(molecule.element, 4), logits(molecule.charge, 3), logits(molecule.bond, 4)

    def denoiser(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        return Prediction(molecule.pos, element, charge, bond)

    return denoiser


def posterior_over(known: MoleculeBatch, process: Process) -> Denoiser:
    """The exact mean of the clean molecule given a noisy one, if it is one of those known, each as likely."""
    categories = (("element", 4), ("charge", 3), ("bond", 4))

    def likelihood(noisy: MoleculeBatch, sigma: Tensor) -> Tensor:
        between = (noisy.pos[:, None] - known.pos).square().sum((2, 3))
        log = -between / (2 * sigma[:, None] ** 2)
        for name, _ in categories:
            diffusion = process.modalities[name]
            shown, clean = getattr(noisy, name), getattr(known, name)
            alpha = diffusion.alpha(sigma)[:, None, None]
            same = (shown[:, None] == clean).double()
            log = log + (alpha * same + (1 - alpha) * diffusion.marginal[shown][:, None]).log().sum(2)
        return log

    def denoiser(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        share = likelihood(noisy, levels.highest).softmax(1)
        probable = (
            torch.einsum("bm,m...->b...", share, functional.one_hot(getattr(known, name), channels).double())
            for name, channels in categories
        )
        pos = torch.einsum("bm,mai->bai", share, known.pos)
        return Prediction(pos, *((each + 1e-300).log() for each in probable))

    return denoiser


def led(
    solver: str,
    schedule: str,
    denoiser: Denoiser,
    mask: Tensor,
    steps: int = 30,
    *,
    start: MoleculeBatch | None = None,
    given: Given | None = None,
) -> list[MoleculeBatch]:
    grid = getattr(schedules, schedule)(steps, 10.0, 0.03)
    start = MoleculeBatch.blank(mask, torch.float64) if start is None else start
    step, numbers = SOLVERS[solver]
    levels = Levels.along(start, given)
    return list(generate(tiny.process(), denoiser, step, grid, start, tiny.seeded(), levels, numbers))


def test_molecules_to_begin_with_are_raised_to_the_first_level() -> None:
    clean, process, seen = tiny.batch_of(*[6] * 400), tiny.process(), []
    grid = schedules.karras(30, 10.0, 0.03)
    grid = grid[grid <= 1.2]

    def oracle(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        seen.append((noisy, float(levels.highest[0])))
        return knowing(clean)(noisy, levels, previous)

    *_, last = generate(process, oracle, euler, grid, clean, tiny.seeded(), Levels.along(clean), from_clean=True)
    first, level = seen[0]
    assert level == pytest.approx(float(grid[0]))
    # of the centred noise of n atoms a share of 1 - 1/n is left
    assert float((first.pos - clean.pos).std()) == pytest.approx(level * (5 / 6) ** 0.5, rel=0.05)
    kept = float((first.bond == clean.bond)[clean.pair_mask].double().mean())
    alpha = float(process.modalities["bond"].alpha(tiny.levels(level))[0])
    same = sum(share**2 for share in tiny.MARGINALS["bond"])
    assert kept == pytest.approx(alpha + (1 - alpha) * same, abs=0.03)
    torch.testing.assert_close(last.pos, clean.pos, rtol=0, atol=1e-6)


@EVERY_SOLVER
@EVERY_SCHEDULE
def test_oracle_leads_back_to_its_molecule(solver: str, schedule: str) -> None:
    clean = tiny.batch_of(6, 4, 1)
    states = led(solver, schedule, knowing(clean), clean.mask)
    assert len(states) == 30
    torch.testing.assert_close(states[-1].pos, clean.pos, rtol=0, atol=1e-6)
    for name in ("element", "charge", "bond", "mask"):
        assert torch.equal(getattr(states[-1], name), getattr(clean, name)), name
    # and the way there is that of the process: the level before the last is 0.03 Å, and less where steps are longer
    left = float((states[-2].pos - clean.pos)[0].std())
    assert left < 0.06
    assert left > 0.005 or "longer" in solver


@EVERY_SOLVER
@EVERY_SCHEDULE
def test_exact_posterior_over_a_few_molecules_leads_to_one_of_them(solver: str, schedule: str) -> None:
    known = tiny.batch_of(5, 5, 5, 5, seed=3)
    mask = tiny.mask_of(*[5] * 24)
    made = led(solver, schedule, posterior_over(known, tiny.process()), mask, steps=40)[-1]
    distance = (made.pos[:, None] - known.pos).abs().amax((2, 3))
    assert distance.amin(1).max() < 1e-6
    nearest = distance.argmin(1)
    for name in ("element", "charge", "bond"):
        assert torch.equal(getattr(made, name), getattr(known, name)[nearest]), name
    assert len(nearest.unique()) >= 3, "the noise decides which"


def test_solver_without_injected_noise_is_deterministic_in_positions() -> None:
    clean = tiny.batch_of(6, 4)
    euler, ddim = (led(name, "karras", knowing(clean), clean.mask) for name in ("euler", "ddim"))
    for one, other in zip(euler, ddim, strict=True):
        torch.testing.assert_close(one.pos, other.pos)


def test_heun_is_of_second_order() -> None:
    # normal data: the mean of the clean positions is c_skip x, and the flow ends at x σ_d/√(σ² + σ_d²)
    def denoiser(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        skip = tiny.SIGMA_DATA**2 / (levels.pos**2 + tiny.SIGMA_DATA**2)
        exact = knowing(noisy)(noisy, levels, previous)
        return Prediction(skip[:, :, None] * noisy.pos, exact.element, exact.charge, exact.bond)

    mask = tiny.mask_of(6)
    blank = MoleculeBatch.blank(mask, torch.float64)
    start = tiny.process().prior(blank, tiny.at(blank, 10.0), tiny.seeded()).pos
    expected = start * tiny.SIGMA_DATA / (10.0**2 + tiny.SIGMA_DATA**2) ** 0.5

    def error(solver: str, steps: int) -> float:
        return float((led(solver, "karras", denoiser, mask, steps)[-1].pos - expected).abs().max())

    assert error("heun", 40) < 0.2 * error("euler", 40)
    assert error("euler", 80) == pytest.approx(error("euler", 40) / 2, rel=0.3)
    assert error("heun", 80) < error("heun", 40) / 3


@pytest.mark.parametrize("scale", [1.0, 1.3, 2.0])
def test_step_scale_lengthens_the_way_to_the_prediction_and_never_passes_it(scale: float) -> None:
    clean, process = tiny.batch_of(5, 3), tiny.process()
    noisy = process.corrupt(clean, tiny.at(clean, 1.0), tiny.seeded())
    assert Numbers(0.8, scale, high=0.5).length(0.51) == 1, "above the window steps are plain"
    for lower in (0.9, 0.6, 0.2, 0.0):
        move = Move(tiny.at(clean, 1.0), tiny.at(clean, lower), scale=scale)
        made, predicted = euler(process, knowing(clean), noisy, move, None, tiny.seeded())
        left = max(0.0, 1 - scale * (1 - lower))
        torch.testing.assert_close(made.pos - predicted.pos, left * (noisy.pos - predicted.pos))


def test_noise_is_injected_between_its_bounds_only() -> None:
    churn = Numbers(churn=0.4, low=0.03, high=3.0)
    assert [churn.raised(sigma) for sigma in (0.02, 0.5, 4.0)] == [0.02, pytest.approx(0.7), 4.0]
    seen: list[float] = []
    clean = tiny.batch_of(4)

    def denoiser(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        seen.append(float(levels.highest[0]))
        return knowing(clean)(noisy, levels, previous)

    led("euler with noise", "karras", denoiser, clean.mask, 10)
    grid = schedules.karras(10, 10.0, 0.03)[:-1].tolist()
    assert seen == pytest.approx([churn.raised(sigma) for sigma in grid])


@EVERY_SOLVER
def test_previous_prediction_is_handed_on(solver: str) -> None:
    clean = tiny.batch_of(4)
    seen: list[Prediction | None] = []
    made: list[Prediction] = []

    def denoiser(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        seen.append(previous)
        made.append(knowing(clean)(noisy, levels, previous))
        return made[-1]

    led(solver, "karras", denoiser, clean.mask, 4)
    assert len(made) == (7 if solver.startswith("heun") else 4)
    assert seen[0] is None
    assert all(one is other for one, other in zip(seen[1:], made, strict=False))


def framed(sizes: tuple[int, ...], seed: int) -> tuple[MoleculeBatch, Given]:
    """Molecules in the frame of what is given of them."""
    clean = tiny.batch_of(*sizes, seed=seed)
    pattern = tiny.pattern(clean, seed)
    return pattern.framed(clean), pattern


def blanked(clean: MoleculeBatch, pattern: Given) -> MoleculeBatch:
    """Nothing but what is given."""
    return pattern.kept(clean, MoleculeBatch.blank(clean.mask, torch.float64))


def assert_kept(state: MoleculeBatch, clean: MoleculeBatch, pattern: Given) -> None:
    for name in ("pos", "element", "charge", "bond"):
        mask = getattr(pattern, name)
        assert torch.equal(getattr(state, name)[mask], getattr(clean, name)[mask]), name


@EVERY_SOLVER
@EVERY_SCHEDULE
def test_oracle_completes_what_is_half_given_and_keeps_it_to_the_last_bit(solver: str, schedule: str) -> None:
    clean, pattern = framed((6, 4, 1, 5), seed=5)
    start = blanked(clean, pattern)
    states = led(solver, schedule, knowing(clean), clean.mask, 12, start=start, given=pattern)
    for state in states:
        assert_kept(state, clean, pattern)
    torch.testing.assert_close(states[-1].pos, clean.pos, rtol=0, atol=1e-6)
    for name in ("element", "charge", "bond"):
        assert torch.equal(getattr(states[-1], name), getattr(clean, name)), name


@EVERY_SOLVER
def test_what_is_given_is_kept_whatever_a_denoiser_says(solver: str) -> None:
    clean, pattern = framed((6, 4, 2), seed=7)
    other = tiny.batch_of(6, 4, 2, seed=1)
    states = led(solver, "karras", knowing(other), clean.mask, 6, start=blanked(clean, pattern), given=pattern)
    for state in states:
        assert_kept(state, clean, pattern)
    assert not torch.equal(states[-1].pos, clean.pos)


@EVERY_SOLVER
def test_conformers_of_a_given_graph(solver: str) -> None:
    clean = tiny.batch_of(6, 4)
    graph = Given.of(clean, element=True, charge=True, bond=True)
    seen: list[Levels] = []

    def oracle(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        seen.append(levels)
        assert torch.equal(noisy.bond, clean.bond)
        return knowing(clean)(noisy, levels, previous)

    made = led(solver, "karras", oracle, clean.mask, 8, start=blanked(clean, graph), given=graph)[-1]
    assert not any(levels.element.any() or levels.bond.any() for levels in seen)
    torch.testing.assert_close(made.pos, clean.pos, rtol=0, atol=1e-6)


def test_bonds_on_a_clock_of_their_own_end_with_the_others() -> None:
    clean, seen = tiny.batch_of(5, 3), []

    def oracle(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        seen.append((float(levels.pos[0, 0]), float(levels.bond[0, 0])))
        return knowing(clean)(noisy, levels, previous)

    levels = Levels.along(clean, clocks={"bond": lambda sigma: sigma**2})
    grid = schedules.karras(6, 5.0, 0.03)
    blank = MoleculeBatch.blank(clean.mask, torch.float64)
    *_, made = generate(tiny.process(), oracle, heun, grid, blank, tiny.seeded(), levels)
    assert all(bond == pytest.approx(pos**2) for pos, bond in seen)
    assert torch.equal(made.bond, clean.bond)
    torch.testing.assert_close(made.pos, clean.pos, rtol=0, atol=1e-6)


def test_single_atoms_are_generated() -> None:
    clean = tiny.batch_of(1, 1)
    assert torch.equal(led("euler with noise", "karras", knowing(clean), clean.mask, 5)[-1].element, clean.element)
