"""The bound against closed forms: normal positions, independent categories, what is given, its standard error."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from moldiff.diffusion.bound import Bounded, BoundGrid, bound, standard_error
from moldiff.diffusion.process import Process
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.levels import Given, Levels
from tests import tiny
from tests.diffusion.test_process import exact_prediction
from tests.symmetry import assert_close

GRID = BoundGrid(8.0, 0.05, intervals=1024, drawn=16)
COPIES = 400


def only(name: str) -> Process:
    return Process({name: tiny.process().modalities[name]})


def copies_of(atoms: int, seed: int = 0) -> MoleculeBatch:
    one = tiny.batch_of(atoms, seed=seed, spread=0.5)
    return one.select(torch.zeros(COPIES, dtype=torch.long))


def at(clean: MoleculeBatch, given: Given | None = None) -> Callable[[Tensor], Levels]:
    return lambda sigma: Levels.of(sigma, clean, given)


def normal_oracle(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    """The mean of x₀ given x_σ, where coordinates of molecules are normal with the standard deviation σ_d."""
    exact = exact_prediction(noisy)
    keep = tiny.SIGMA_DATA**2 / (tiny.SIGMA_DATA**2 + levels.pos**2)
    return Prediction(keep[:, :, None] * noisy.pos, exact.element, exact.charge, exact.bond)


def independent_oracle(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
    """The posterior of z₀ given z_σ, where each place has a class of the marginals by itself (Bayes)."""
    logits = {}
    for name in ("element", "charge", "bond"):
        modality, classes = tiny.process().modalities[name], getattr(noisy, name)
        marginal = modality.marginal
        keep = modality.alpha(getattr(levels, name))[..., None]
        here = torch.nn.functional.one_hot(classes, len(marginal)).double()
        logits[name] = (marginal * (keep * here + (1 - keep) * marginal[classes][..., None])).log()
    return Prediction(noisy.pos, **logits)


def expected(parts: Tensor) -> tuple[float, float]:
    """Mean over all estimates and its standard error."""
    flat = parts.flatten()
    return float(flat.mean()), float(flat.std() / math.sqrt(len(flat)))


@pytest.mark.parametrize("atoms", [2, 5])
def test_normal_positions_have_the_likelihood_of_their_normal_density(atoms: int) -> None:
    """−E log N(z; 0, σ_d² + σ_0²) over z = x₀ + σ_0 ε, in the 3 (atoms − 1) directions of centred molecules."""
    clean, directions = copies_of(atoms), 3 * (atoms - 1)
    estimates = bound(only("pos"), normal_oracle, clean, at(clean), GRID, tiny.seeded(), 3)["pos"]
    assert estimates.shape == (3, COPIES)
    variance = tiny.SIGMA_DATA**2 + GRID.sigma_min**2
    squared = float((clean.pos[0] ** 2).sum()) + directions * GRID.sigma_min**2
    true = directions / 2 * math.log(2 * math.pi * variance) + squared / (2 * variance)
    mean, error = expected(estimates)
    # each of 1,024 steps takes the smaller of two variances of ratio 1 + e, e < 1 − (σ_s/σ_t)²: e²/4 nats
    worse = 1024 * (1 - (GRID.sigma_min / GRID.sigma_max) ** (2 / 1024)) ** 2 / 4
    assert worse < 0.03
    assert -4 * error < mean - true < 4 * error + worse * directions
    assert error < 0.2


def test_a_worse_prediction_has_a_higher_bound_by_its_squared_error() -> None:
    """A constant error d of a place adds ½ (1/σ_0² − 1/σ_T²) d²: the sum over the chain telescopes."""
    clean = copies_of(3)
    away = torch.tensor([[0.02, 0.0, 0.0], [-0.02, 0.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)

    def biased(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        exact = exact_prediction(clean)
        return Prediction(clean.pos + away, exact.element, exact.charge, exact.bond)

    grid = BoundGrid(8.0, 0.05, intervals=64, drawn=64)  # every term, so that nothing is left to chance

    def exact(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        return exact_prediction(clean)

    worse, best = (
        bound(only("pos"), denoiser, clean, at(clean), grid, tiny.seeded(), 1)["pos"] for denoiser in (biased, exact)
    )
    assert_close("difference", worse - best, torch.full_like(best, (0.05**-2 - 8.0**-2) / 2 * 2 * 0.02**2))


@pytest.mark.parametrize("name", ["element", "charge", "bond"])
def test_independent_categories_have_the_likelihood_of_the_marginals(name: str) -> None:
    clean = copies_of(4, seed=5)
    estimates = bound(only(name), independent_oracle, clean, at(clean), GRID, tiny.seeded(), 3)[name]
    marginal = tiny.process().modalities[name].marginal
    true = -float(marginal[getattr(clean, name)[0]].log().sum())
    mean, error = expected(estimates)
    assert abs(mean - true) < 4 * error + 1e-6
    assert error < 0.1


def test_it_is_a_bound_for_any_model() -> None:
    """A network that knows nothing has a higher bound than the exact posterior, for each category."""
    clean, network = copies_of(4, seed=5), tiny.network()
    for name in ("element", "charge", "bond"):
        own, best = (
            bound(only(name), denoiser, clean, at(clean), GRID, tiny.seeded(), 1)[name].mean()
            for denoiser in (network, independent_oracle)
        )
        assert own > best, name


def test_what_is_given_costs_nothing() -> None:
    clean = tiny.batch_of(5, 3)
    everything = at(clean, Given.of(clean, pos=True, element=True, charge=True, bond=True))
    for estimates in bound(tiny.process(), tiny.network(), clean, everything, GRID, tiny.seeded(), 2).values():
        assert not estimates.any()
    graph = at(clean, Given.of(clean, element=True, charge=True, bond=True))
    parts = bound(tiny.process(), tiny.network(), clean, graph, GRID, tiny.seeded(), 2)
    assert not parts["bond"].any()
    assert parts["pos"].all()


def test_padding_and_company_do_not_change_the_expectation() -> None:
    """With every term of the chain and an oracle of the molecule itself nothing is random."""
    grid = BoundGrid(8.0, 0.05, intervals=8, drawn=8)
    both, alone = tiny.batch_of(5, 3), tiny.batch_of(5, 3).select(torch.tensor([1]))
    for clean, place in ((both, 1), (alone, 0)):
        exact = exact_prediction(clean)
        parts = bound(tiny.process(), lambda *_, e=exact: e, clean, at(clean), grid, tiny.seeded(), 1)
        total = torch.stack([value[0, place] for value in parts.values()])
        if clean is both:
            first = total
    assert_close("parts", total, first)


def test_the_standard_error_is_the_spread_of_repeated_estimates() -> None:
    clean, process = copies_of(4, seed=5), only("bond")
    many = bound(process, tiny.network(), clean, at(clean), GRID, tiny.seeded(), 4)["bond"]
    said = (standard_error(many) ** 2).mean().sqrt()
    true = many.mean(0).std()
    assert float(said / true) == pytest.approx(1, abs=0.15)
    assert standard_error(many[:1]).isnan().all()


def test_modalities_are_bounded_and_terms_lie_in_their_parts() -> None:
    assert all(isinstance(one, Bounded) for one in tiny.process().modalities.values())
    terms = list(GRID.terms(50, tiny.seeded()))
    assert len(terms) == 16
    for number, (sigma, lower) in enumerate(terms):
        ends = GRID.level(torch.tensor([number, number + 1]) * 64)
        assert (lower < sigma).all()
        assert (ends[0] * 0.999 < lower).all()
        assert (sigma < ends[1] * 1.001).all()
        assert len(set(sigma.tolist())) > 10
    assert GRID.level(torch.tensor([0, 1024])).tolist() == pytest.approx([0.05, 8.0])
    with pytest.raises(ValueError, match="divide"):
        BoundGrid(8.0, 0.05, intervals=10, drawn=3)
