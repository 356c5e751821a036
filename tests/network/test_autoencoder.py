"""Molecules to latents and back, and the denoiser between: symmetry, scale, what can be told apart, what is learned."""

import pytest
import torch
from torch.nn import functional

from moldiff.molecules.batch import MoleculeBatch, Prediction, centred
from moldiff.molecules.latents import LatentBatch, LatentLevels, LatentPrediction
from moldiff.molecules.levels import Levels
from moldiff.molecules.space import LatentSpace, MoleculeSpace, Space
from tests import tiny
from tests.network.overfitting import overfit
from tests.symmetry import assert_close, assert_equivariant

IRREPS = ["16x0e + 4x1o", "16x0e + 4x0o + 4x1o + 4x1e"]


@pytest.mark.parametrize("irreps", IRREPS)
def test_encoding_and_decoding_is_equivariant(irreps: str) -> None:
    network, batch = tiny.autoencoder(irreps=irreps), tiny.batch_of(6, 4, 1)
    sigma = tiny.levels(0.02, 0.05, 0.1)

    def again(molecules: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        return network.decode(network.encode(molecules), levels.highest)

    with torch.no_grad():
        assert_equivariant(again, batch, Levels.of(sigma, batch))
        assert_equivariant(lambda molecules, levels, previous: network(molecules), batch, Levels.of(sigma, batch))


@pytest.mark.parametrize("irreps", IRREPS)
@pytest.mark.parametrize("conditioned", [False, True], ids=["alone", "self-conditioned"])
def test_denoising_latents_is_equivariant(irreps: str, conditioned: bool) -> None:
    """Latents that go with a molecule are denoised to latents that go with it."""
    network, batch = tiny.latent_network(irreps=irreps), tiny.batch_of(6, 4, 1)

    def latents_of(molecules: MoleculeBatch) -> LatentBatch:
        feature = functional.pad(functional.one_hot(molecules.element, 4).double(), (0, 1)) - 0.3
        return LatentBatch(molecules.pos, feature * molecules.mask[:, :, None], molecules.mask)

    def denoised(molecules: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        noisy = latents_of(molecules)
        at = LatentLevels.of(levels.highest, noisy)
        before = LatentPrediction(noisy.pos * 0.7, noisy.feature.flip(2)) if conditioned else None
        made = network(noisy, at, before)
        bond = (made.feature @ made.feature.transpose(1, 2))[:, molecules.pairs.row, molecules.pairs.column]
        return Prediction(made.pos, made.feature[..., :4], made.feature[..., 2:5], bond[..., None].expand(-1, -1, 4))

    with torch.no_grad():
        assert_equivariant(denoised, batch, tiny.at(batch, 0.05, 0.7, 8.0))


def test_the_previous_prediction_and_the_level_matter() -> None:
    network = tiny.latent_network()
    state = network.space.enter(tiny.batch_of(6, 3))
    levels = LatentLevels.of(tiny.levels(0.5, 0.5), state)
    alone = network(state, levels)
    for other in (network(state, levels, alone), network(state, levels.map(lambda level: 2 * level))):
        assert not torch.allclose(alone.pos, other.pos)
        assert not torch.allclose(alone.feature, other.feature)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_the_scale_of_latents_is_fixed(scale: float) -> None:
    """An encoder that could make them large would drown any noise."""
    network, batch = tiny.autoencoder(), tiny.batch_of(6, 4, 1)
    with torch.no_grad():
        network.feature.weight.mul_(scale)
        for layer in network.encoder.layers:
            layer.to_position.weight.mul_(scale)
        latents = network.encode(batch)
    vectors, framed = (each.square().sum((1, 2)).sqrt() for each in (latents.pos, centred(batch.pos, batch.mask)))
    torch.testing.assert_close(vectors, framed, rtol=1e-5, atol=1e-5)
    squares = latents.feature.square().mean(2)
    assert squares[batch.mask].max() < 1 + 1e-6
    if scale >= 1:
        assert squares[batch.mask].min() > 0.9
    assert not latents.pos[~batch.mask].any()
    assert not latents.feature[~batch.mask].any()


def test_an_untrained_autoencoder_leaves_positions_as_they_are() -> None:
    network, batch = tiny.autoencoder(randomised=False), tiny.batch_of(6, 4)
    with torch.no_grad():
        assert_close("vectors", network.encode(batch).pos, batch.pos)
        assert_close("positions", network(batch).pos, batch.pos)


def test_an_untrained_denoiser_predicts_what_preconditioning_keeps() -> None:
    network = tiny.latent_network(randomised=False)
    state = network.space.enter(tiny.batch_of(6, 4))
    sigma = tiny.levels(0.4, 3.0)
    made = network(state, LatentLevels.of(sigma, state))
    kept = tiny.SIGMA_DATA**2 / (sigma**2 + tiny.SIGMA_DATA**2)
    assert_close("vectors", made.pos, state.pos * kept[:, None, None])
    assert_close("numbers", made.feature, state.feature / (sigma**2 + 1)[:, None, None])


def test_spaces_are_asked_alike() -> None:
    molecules, latents = MoleculeSpace(), tiny.latent_network().space
    batch = tiny.batch_of(5, 3)
    assert isinstance(molecules, Space)
    assert isinstance(latents, LatentSpace)
    assert isinstance(latents, Space)
    assert molecules.leave(molecules.enter(batch)) is molecules.blank(batch) is batch
    state, made = latents.enter(batch), latents.leave(latents.enter(batch))
    assert (state.pos.dtype, state.feature.shape) == (torch.float64, (2, 5, latents.channels))
    assert torch.equal(made.mask, batch.mask)
    assert not made.bond[~made.pair_mask].any()
    assert not latents.blank(batch).feature.any()


def test_latents_hold_nothing_to_learn_from() -> None:
    network = tiny.latent_network()
    assert not network.space.enter(tiny.batch_of(4)).feature.requires_grad
    assert not any(parameter.requires_grad for parameter in network.autoencoder.parameters())
    assert network.feature.weight.requires_grad
    assert network.body.layers[0].from_node.weight.requires_grad


def hexagon() -> MoleculeBatch:
    """Benzene's carbons, all equal by symmetry, with one of its two Kekulé structures."""
    angle = torch.arange(6, dtype=torch.float64) * torch.pi / 3
    pos = 1.39 * torch.stack([angle.cos(), angle.sin(), torch.zeros(6, dtype=torch.float64)], 1)[None]
    blank = MoleculeBatch.blank(torch.ones(1, 6, dtype=torch.bool), torch.float64)
    bond = blank.bond.clone()
    for number, (row, column) in enumerate(zip(blank.pairs.row.tolist(), blank.pairs.column.tolist(), strict=True)):
        if column - row in (1, 5):
            bond[0, number] = 2 if (row, column) in ((0, 1), (2, 3), (4, 5)) else 1
    return blank.replace(pos=pos, bond=bond)


def test_the_vectors_say_where_the_double_bonds_of_a_ring_are() -> None:
    """The invariant numbers cannot: all six atoms have the same ones."""
    network, ring = tiny.autoencoder(), hexagon()
    pairs = ring.pairs
    with torch.no_grad():
        latents = network.encode(ring)
    assert_close("numbers", latents.feature, latents.feature[:, :1].expand_as(latents.feature))
    length = (latents.pos[:, pairs.row] - latents.pos[:, pairs.column]).norm(dim=2)
    assert not torch.isclose(length[ring.bond == 1].mean(), length[ring.bond == 2].mean(), atol=1e-3)


def test_an_overfitted_autoencoder_gives_its_molecules_back() -> None:
    network, clean = tiny.autoencoder(randomised=False, channels=8, noise=0.02), tiny.batch_of(4, 4, spread=1.0)
    losses = overfit(network, clean, 60)
    assert losses[-1] < 0.1 * losses[0]
    back = network.latent_space.leave(network.latent_space.enter(clean))
    for name in ("element", "charge", "bond"):
        assert torch.equal(getattr(back, name), getattr(clean, name)), name
    assert (back.pos - clean.pos).norm(dim=2).max() < 0.05
