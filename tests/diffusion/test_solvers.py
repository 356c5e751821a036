"""Oracles lead every solver home: one that knows the molecule, and the exact posterior over a few molecules."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from moldiff.diffusion import schedules
from moldiff.diffusion.process import Process, unordered_pairs
from moldiff.diffusion.solvers import Ancestral, Churn, Euler, Heun, generate
from moldiff.molecules.batch import Denoiser, MoleculeBatch, Prediction
from tests import tiny

SOLVERS: dict[str, Callable[[Process], object]] = {
    "euler": Euler,
    "euler with noise": lambda process: Euler(process, Churn(0.4, high=3.0)),
    "heun": Heun,
    "heun with noise": lambda process: Heun(process, Churn(0.4, high=3.0)),
    "euler with noise and longer steps": lambda process: Euler(process, Churn(0.8, high=3.0, step_scale=1.5)),
    "heun with longer steps": lambda process: Heun(process, Churn(0.4, high=3.0, step_scale=1.2)),
    "ddpm": lambda process: Ancestral(process, eta=1.0),
    "ddim": lambda process: Ancestral(process, eta=0.0),
}
EVERY_SOLVER = pytest.mark.parametrize("solver", SOLVERS)
EVERY_SCHEDULE = pytest.mark.parametrize("schedule", ["karras", "linear", "cosine"])


def logits(classes: Tensor, channels: int) -> Tensor:
    return (functional.one_hot(classes, channels).double() + 1e-300).log()


def knowing(molecule: MoleculeBatch) -> Denoiser:
    """Answers with the clean molecules, whatever it is shown."""
    element, charge, bond = logits(molecule.element, 4), logits(molecule.charge, 3), logits(molecule.bond, 4)

    def denoiser(noisy: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
        return Prediction(molecule.pos, element, charge, bond)

    return denoiser


def posterior_over(known: MoleculeBatch, process: Process) -> Denoiser:
    """The exact mean of the clean molecule given a noisy one, if it is one of those known, each as likely."""
    _, (row, column) = unordered_pairs(known.mask[:1])
    categories = (("element", 4), ("charge", 3), ("bond", 4))

    def likelihood(noisy: MoleculeBatch, sigma: Tensor) -> Tensor:
        between = (noisy.pos[:, None] - known.pos).square().sum((2, 3))
        log = -between / (2 * sigma[:, None] ** 2)
        for name, _ in categories:
            diffusion = getattr(process, name)
            shown, clean = getattr(noisy, name), getattr(known, name)
            if name == "bond":
                shown, clean = shown[:, row, column], clean[:, row, column]
            alpha = diffusion.alpha(sigma)[:, None, None]
            same = (shown[:, None] == clean).double()
            log = log + (alpha * same + (1 - alpha) * diffusion.marginal[shown][:, None]).log().sum(2)
        return log

    def denoiser(noisy: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
        share = likelihood(noisy, sigma).softmax(1)
        probable = (
            torch.einsum("bm,m...->b...", share, functional.one_hot(getattr(known, name), channels).double())
            for name, channels in categories
        )
        pos = torch.einsum("bm,mai->bai", share, known.pos)
        return Prediction(pos, *((each + 1e-300).log() for each in probable))

    return denoiser


def led(solver: str, schedule: str, denoiser: Denoiser, mask: Tensor, steps: int = 30) -> list[MoleculeBatch]:
    process = tiny.process()
    grid = getattr(schedules, schedule)(steps, 10.0, 0.03)
    return list(generate(process, denoiser, SOLVERS[solver](process), grid, mask, tiny.seeded(), torch.float64))


def test_molecules_to_begin_with_are_raised_to_the_first_level() -> None:
    clean, process, seen = tiny.batch_of(*[6] * 400), tiny.process(), []
    grid = schedules.karras(30, 10.0, 0.03)
    grid = grid[grid <= 1.2]

    def oracle(noisy: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
        seen.append((noisy, float(sigma[0])))
        return knowing(clean)(noisy, sigma, previous)

    step = Euler(process)
    *_, last = generate(process, oracle, step, grid, clean.mask, tiny.seeded(), torch.float64, begin=clean)
    first, level = seen[0]
    assert level == pytest.approx(float(grid[0]))
    # of the centred noise of n atoms a share of 1 - 1/n is left
    assert float((first.pos - clean.pos).std()) == pytest.approx(level * (5 / 6) ** 0.5, rel=0.05)
    kept = float((first.bond == clean.bond)[clean.pair_mask].double().mean())
    alpha = float(process.bond.alpha(tiny.levels(level))[0])
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
    def denoiser(noisy: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
        skip = tiny.SIGMA_DATA**2 / (sigma**2 + tiny.SIGMA_DATA**2)
        exact = knowing(noisy)(noisy, sigma, previous)
        return Prediction(skip[:, None, None] * noisy.pos, exact.element, exact.charge, exact.bond)

    mask = tiny.mask_of(6)
    start = tiny.process().pos.prior(mask, tiny.levels(10.0), tiny.seeded())
    expected = start * tiny.SIGMA_DATA / (10.0**2 + tiny.SIGMA_DATA**2) ** 0.5

    def error(solver: str, steps: int) -> float:
        return float((led(solver, "karras", denoiser, mask, steps)[-1].pos - expected).abs().max())

    assert error("heun", 40) < 0.2 * error("euler", 40)
    assert error("euler", 80) == pytest.approx(error("euler", 40) / 2, rel=0.3)
    assert error("heun", 80) < error("heun", 40) / 3


@pytest.mark.parametrize("scale", [1.0, 1.3, 2.0])
def test_step_scale_lengthens_the_way_to_the_prediction_and_never_passes_it(scale: float) -> None:
    clean, process = tiny.batch_of(5, 3), tiny.process()
    noisy = process.corrupt(clean, tiny.levels(1.0, 1.0), tiny.seeded())
    assert Churn(0.8, high=0.5, step_scale=scale).length(0.51) == 1, "above the window steps are plain"
    for lower in (0.9, 0.6, 0.2, 0.0):
        step = Euler(process, Churn(high=2.0, step_scale=scale))
        made, predicted = step(
            knowing(clean), noisy, tiny.levels(1.0, 1.0), tiny.levels(lower, lower), None, tiny.seeded()
        )
        left = max(0.0, 1 - scale * (1 - lower))
        torch.testing.assert_close(made.pos - predicted.pos, left * (noisy.pos - predicted.pos))


def test_noise_is_injected_between_its_bounds_only() -> None:
    churn = Churn(gamma=0.4, low=0.03, high=3.0)
    assert [churn.raised(sigma) for sigma in (0.02, 0.5, 4.0)] == [0.02, pytest.approx(0.7), 4.0]
    seen: list[float] = []
    clean = tiny.batch_of(4)

    def denoiser(noisy: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
        seen.append(float(sigma[0]))
        return knowing(clean)(noisy, sigma, previous)

    led("euler with noise", "karras", denoiser, clean.mask, 10)
    grid = schedules.karras(10, 10.0, 0.03)[:-1].tolist()
    assert seen == pytest.approx([churn.raised(sigma) for sigma in grid])


@EVERY_SOLVER
def test_previous_prediction_is_handed_on(solver: str) -> None:
    clean = tiny.batch_of(4)
    seen: list[Prediction | None] = []
    made: list[Prediction] = []

    def denoiser(noisy: MoleculeBatch, sigma: Tensor, previous: Prediction | None) -> Prediction:
        seen.append(previous)
        made.append(knowing(clean)(noisy, sigma, previous))
        return made[-1]

    led(solver, "karras", denoiser, clean.mask, 4)
    assert len(made) == (7 if solver.startswith("heun") else 4)
    assert seen[0] is None
    assert all(one is other for one, other in zip(seen[1:], made, strict=False))


def test_single_atoms_are_generated() -> None:
    clean = tiny.batch_of(1, 1)
    assert torch.equal(led("euler with noise", "karras", knowing(clean), clean.mask, 5)[-1].element, clean.element)
