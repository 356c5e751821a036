"""The handedness that is asked of atoms: what symmetry is left with it, where it matters, and that it is learned."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.handedness import directions, normals, signed_volume
from moldiff.molecules.levels import Given
from moldiff.network.denoiser import DenoisingNetwork
from tests import tiny
from tests.symmetry import assert_close, assert_equivariant, rotation, turned_over

KINDS: dict[str, dict[str, int]] = {"transformer": {}, "unet": {"levels": 2, "neighbours": 3, "layers": 1}}
SIGMAS = (0.05, 0.7, 8.0)


def network(kind: str = "transformer", *, randomised: bool = True, chirality: bool = True) -> DenoisingNetwork:
    return tiny.network(kind=kind, chirality=chirality, randomised=randomised, **KINDS[kind])


def asked(*sizes: int, seed: int = 0) -> MoleculeBatch:
    """Random molecules; of the first atom of those that have enough a hand is asked, of the second a side."""
    batch = tiny.batch_of(*sizes, seed=seed)
    hands = torch.zeros(*batch.mask.shape, 4, dtype=torch.long)
    signs = torch.randint(0, 2, batch.mask.shape, generator=tiny.seeded(seed)) * 2 - 1
    for number, size in enumerate(sizes):
        if size > 3:
            hands[number, 0] = torch.tensor([int(signs[number, 0]), 1, 2, 3])
            hands[number, 1] = torch.tensor([int(signs[number, 1]), 3, 0, 1])
    return batch.replace(handedness=hands)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("conditioned", [False, True], ids=["alone", "self-conditioned"])
@torch.no_grad()
def test_all_symmetry_is_kept_if_a_mirror_turns_the_hands_over(kind: str, conditioned: bool) -> None:
    denoiser, batch = network(kind), asked(6, 4, 1)
    for seed in (None, 1):
        levels = tiny.at(batch, *SIGMAS, given=None if seed is None else tiny.pattern(batch, seed))
        previous = denoiser(batch, levels).detach() if conditioned else None
        assert_equivariant(denoiser, batch, levels, previous)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_hands_that_stay_hold_for_rotations_and_for_no_reflection(kind: str) -> None:
    denoiser, batch = network(kind), asked(6, 5)
    levels, turn = tiny.at(batch, 0.7, 3.0), rotation(3)
    plain = denoiser(batch, levels)
    turned = denoiser(batch.replace(pos=batch.pos @ turn.T), levels)
    assert_close("rotation", turned.pos, plain.pos @ turn.T)
    assert_close("rotation of elements", turned.element, plain.element)
    mirrored = denoiser(batch.replace(pos=-batch.pos), levels)
    assert ((mirrored.pos + plain.pos).abs().amax((1, 2)) > 1e-3).all()
    assert ((mirrored.element - plain.element).abs().amax((1, 2)) > 1e-3).all()


@torch.no_grad()
def test_neighbours_change_places_with_the_sign_alone() -> None:
    denoiser, batch = network(), asked(6, 4)
    levels = tiny.at(batch, 0.7)
    plain = denoiser(batch, levels)
    again = denoiser(batch, levels, plain)
    swapped = batch.replace(handedness=turned_over(batch.handedness)[..., [0, 2, 1, 3]])
    assert_close("positions", denoiser(swapped, levels).pos, plain.pos)
    assert_close("positions again", denoiser(swapped, levels, plain).pos, again.pos)
    wrong = batch.replace(handedness=batch.handedness[..., [0, 2, 1, 3]])
    assert (denoiser(wrong, levels).pos - plain.pos).abs().amax((1, 2)).min() > 1e-3


@torch.no_grad()
def test_only_what_is_asked_has_an_effect() -> None:
    denoiser, batch = network(), asked(6, 6)
    levels = tiny.at(batch, 0.7)
    plain = batch.replace(handedness=torch.zeros(2, 0, 4, dtype=torch.long))
    nothing = batch.replace(handedness=batch.handedness * torch.tensor([0, 1])[:, None, None])
    without, made = denoiser(plain, levels).pos, denoiser(nothing, levels).pos
    assert torch.equal(made[0], without[0])
    assert (made[1] - without[1]).abs().max() > 1e-3
    assert torch.equal(network(chirality=False)(batch, levels).pos, network(chirality=False)(plain, levels).pos)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_the_input_has_no_effect_at_first(kind: str) -> None:
    denoiser, batch = network(kind, randomised=False), asked(6, 4)
    levels = tiny.at(batch, 0.7)
    plain = batch.replace(handedness=batch.handedness[:, :0])
    before = denoiser(plain, levels)
    assert torch.equal(denoiser(batch, levels, before).pos, denoiser(plain, levels, before).pos)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_all_parameters_and_are_finite_for_atoms_at_one_place(kind: str) -> None:
    denoiser, batch = network(kind), asked(5, 4)
    batch = batch.replace(pos=batch.pos * 0)
    levels = tiny.at(batch, 0.05, 0.7)
    predicted = denoiser(batch, levels, denoiser(batch, levels).detach())
    tiny.process().total(tiny.process().loss(predicted, tiny.batch_of(5, 4, seed=1), levels)).backward()
    for name, parameter in denoiser.named_parameters():
        assert not parameter.requires_grad or (parameter.grad is not None and parameter.grad.isfinite().all()), name


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 9999))
def test_a_signed_volume_is_one_of_directions_and_its_gradient_the_normals(seed: int) -> None:
    batch = asked(5, 4, seed=seed)
    along = directions(batch.pos, batch.handedness)
    away = batch.pos[:, 1:4] - batch.pos[:, :1]
    exact = away / (away.square().sum(-1, keepdim=True) + 0.01).sqrt()
    assert_close("volume", signed_volume(along)[:, 0], torch.linalg.det(exact))
    assert (signed_volume(along).abs() <= 1).all()
    assert_close("side", along[:, 1, 2], torch.zeros(2, 3).double())
    along.requires_grad_()
    (gradient,) = torch.autograd.grad(signed_volume(along).sum(), along)
    assert_close("gradient", gradient, normals(along.detach()))


def test_a_network_learns_to_make_the_hand_that_is_asked() -> None:
    """A centre with three neighbours, both hands alike often: the noisy molecule hardly says which it is."""
    torch.manual_seed(0)
    denoiser = network(randomised=False)
    pos = torch.tensor([[0.0, 0.0, 0.4], [1.2, 0.0, 0.0], [-0.6, 1.04, 0.0], [-0.6, -1.04, 0.0]]).double()
    sign = torch.tensor([1, -1]).repeat(8)
    pos = torch.stack([pos, pos * torch.tensor([1.0, 1.0, -1.0])]).repeat(8, 1, 1)
    hands = torch.tensor([[0, 1, 2, 3]] + [[0] * 4] * 3).repeat(16, 1, 1)
    hands[:, 0, 0] = -sign  # the centre is above its neighbours first
    clean = MoleculeBatch.blank(tiny.mask_of(*[4] * 16), torch.float64).replace(
        pos=pos - pos.mean(1, keepdim=True), element=torch.arange(4).repeat(16, 1), handedness=hands
    )
    assert torch.equal(signed_volume(directions(clean.pos, hands))[:, 0].sign().long(), hands[:, 0, 0])
    levels = tiny.at(clean, 1.2, given=Given.of(clean, element=True, charge=True, bond=True))
    process, random = tiny.process(), tiny.seeded(1)
    optimizer = torch.optim.Adam(denoiser.parameters(), 5e-3)
    for _ in range(160):
        loss = process.loss(denoiser(process.corrupt(clean, levels, random), levels), clean, levels)["pos"].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def right(made: torch.Tensor) -> float:
        return float((signed_volume(directions(made, hands))[:, 0].sign() == hands[:, 0, 0]).double().mean())

    with torch.no_grad():
        noisy = [process.corrupt(clean, levels, tiny.seeded(100 + number)) for number in range(8)]
        blind = [one.replace(handedness=hands[:, :0]) for one in noisy]
        assert sum(right(denoiser(one, levels).pos) for one in noisy) / 8 > 0.85
        assert sum(right(denoiser(one, levels).pos) for one in blind) / 8 < 0.65
