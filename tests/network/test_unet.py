"""The graph U-Net: a body like the other in all that a body owes, and linear in what it looks at."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moldiff.molecules.batch import Prediction
from moldiff.network.body import Atoms, Body
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.network.embeddings import CONDITION
from moldiff.network.graph import CompleteGraph
from tests import tiny
from tests.network.learning import assert_learns
from tests.symmetry import assert_close, assert_equivariant


def unet(*, randomised: bool = True, **options: Any) -> DenoisingNetwork:
    chosen = {"kind": "unet", "layers": 1, "pooling": 2, "neighbours": 3, "outer_pairs": 6, **options}
    return tiny.network(randomised=randomised, **chosen)


@pytest.mark.parametrize("irreps", ["16x0e + 4x1o", "16x0e + 4x1o + 4x2e", "16x0e + 4x0o + 4x1o + 4x1e"])
@pytest.mark.parametrize("levels", [1, 3])
def test_unet_is_equivariant(irreps: str, levels: int) -> None:
    network, batch = unet(irreps=irreps, levels=levels), tiny.batch_of(11, 4, 1)
    with torch.no_grad():
        assert_equivariant(network, batch, tiny.at(batch, 0.05, 0.7, 8.0))


@settings(deadline=None, max_examples=6)
@given(
    seed=st.integers(0, 9999), levels=st.integers(1, 4), neighbours=st.sampled_from([1, 4, 24]), before=st.booleans()
)
def test_unet_is_equivariant_whatever_is_given(seed: int, levels: int, neighbours: int, before: bool) -> None:
    network = unet(levels=levels, neighbours=neighbours)
    batch = tiny.batch_of(12, 7, 1, 3, 5, seed=seed)
    noise = tiny.at(batch, 0.05, 0.7, 8.0, 2.0, 0.3, given=tiny.pattern(batch, seed))
    with torch.no_grad():
        previous = network(batch, noise) if before else None
        assert_equivariant(network, batch, noise, previous)


def test_unet_is_a_body() -> None:
    body = unet().body
    assert isinstance(body, Body)
    assert (body.atom_channels, body.pair_channels) == (16, 6)


def test_unet_learns() -> None:
    assert_learns(unet(randomised=False, levels=2).train(), tiny.batch_of(8, 4, 5))


@pytest.mark.parametrize("sizes", [(7, 4), (1, 1)])
def test_every_parameter_gets_a_finite_gradient_also_for_atoms_at_one_place(sizes: tuple[int, ...]) -> None:
    network, batch = unet(levels=3), tiny.batch_of(*sizes)
    for pos in (batch.pos, batch.pos * 0):
        network.zero_grad()
        levels = tiny.at(batch, 0.3, 2.0)
        losses = tiny.process().loss(network(batch.replace(pos=pos), levels), tiny.batch_of(*sizes, seed=1), levels)
        tiny.process().total(losses).backward()
        for name, parameter in network.named_parameters():
            assert not parameter.requires_grad or parameter.grad is not None, name
            assert parameter.grad is None or parameter.grad.isfinite().all(), name


def body_of(network: DenoisingNetwork, pos: torch.Tensor, bonded: torch.Tensor | None = None) -> tuple[Atoms, Any]:
    """What the body makes of equal atoms at these positions; as a second value how its pairs changed."""
    atoms = pos.shape[1]
    given = None if bonded is None else lambda: bonded
    graph = CompleteGraph.of(torch.ones(1, atoms, dtype=torch.bool), pos.dtype, given)
    pairs = torch.ones(1, len(graph.index.row), 6, dtype=pos.dtype)
    scalars = torch.ones(1, atoms, 16, dtype=pos.dtype)
    made, changed = network.body(Atoms(scalars, pos), pairs, torch.ones(1, CONDITION, dtype=pos.dtype), graph)
    return made, (changed - pairs).abs().amax(-1)


def line(atoms: int) -> torch.Tensor:
    """A curved row of atoms, so that no two are alike."""
    at = torch.arange(atoms, dtype=torch.float64)
    return torch.stack([1.5 * at, 0.01 * at**2, at.sin()], -1)[None]


@torch.no_grad()
def test_pairs_that_are_no_edges_leave_as_they_came() -> None:
    pos, graph = line(10), CompleteGraph.of(torch.ones(1, 10, dtype=torch.bool), torch.float64)
    _, changed = body_of(unet(levels=1, neighbours=2), pos)
    far = graph.distance(pos) > 8
    assert far.any()
    assert not changed[far].any()
    assert (changed[graph.distance(pos) < 1.9] > 1e-3).all()
    bonded = torch.zeros(1, 45, dtype=torch.float64)
    bonded[0, -9] = 0.5  # the first and the last atom
    _, changed = body_of(unet(levels=1, neighbours=2), pos, bonded)
    assert changed[0, -9] > 1e-3


@torch.no_grad()
def test_only_pooled_nodes_see_far() -> None:
    pos = line(24)
    moved = pos.clone()
    moved[0, 23] += 0.3
    for levels, reached in ((1, False), (3, True)):
        network = unet(levels=levels, neighbours=2)
        first, second = body_of(network, pos)[0].scalars, body_of(network, moved)[0].scalars
        assert ((first - second)[0, 0].abs().max() > 1e-6) == reached, levels


@torch.no_grad()
def test_a_predicted_bond_becomes_an_edge() -> None:
    batch, network = tiny.batch_of(9), unet(levels=1, neighbours=1)
    batch = batch.replace(bond=torch.zeros_like(batch.bond))
    levels = tiny.at(batch, 0.3)
    none = network(batch, levels)
    bond = torch.zeros_like(none.bond)
    bond[..., 0] = 9.0
    before = Prediction(none.pos, none.element, none.charge, bond)
    network.embeddings.pair[0].weight[:, 28:32] = 0  # the embedding itself does not see predicted bonds
    expected = network(batch, levels, before)
    graph = CompleteGraph.of(batch.mask, torch.float64)
    far, near = graph.distance(batch.pos)[0].argmax(), graph.distance(batch.pos)[0].argmin()

    def changed(pair: torch.Tensor) -> torch.Tensor:
        certain = bond.clone()
        certain[0, pair, 1] = 12.0
        return network(batch, levels, Prediction(none.pos, none.element, none.charge, certain)).bond[0, pair]

    assert_close("an edge already", changed(near), expected.bond[0, near])
    assert not torch.allclose(changed(far), expected.bond[0, far])


@torch.no_grad()
@pytest.mark.parametrize("levels", [1, 3])
def test_unet_works_in_bfloat16(levels: int) -> None:
    network, batch = unet(levels=levels).float(), tiny.batch_of(9, 4).to("cpu", torch.float32)
    noise = tiny.at(batch, 0.3, 1.0).to("cpu", torch.float32)
    exact = network(batch, noise)
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(batch, noise)
    assert (rough.pos.float() - exact.pos).abs().max() < 0.2 * (exact.pos - batch.pos).abs().max() + 0.05


@torch.no_grad()
def test_untrained_unet_predicts_the_scaled_input() -> None:
    batch = tiny.batch_of(6, 4, 1)
    levels = tiny.at(batch, 0.5)
    expected = batch.pos * (tiny.SIGMA_DATA**2 / (0.25 + tiny.SIGMA_DATA**2))
    assert_close("c_skip x", unet(randomised=False)(batch, levels).pos, expected)
