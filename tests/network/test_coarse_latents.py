"""A latent space of several atoms a node: symmetry, what the slots hold, what is learned."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from moldiff.diffusion.modality import Move
from moldiff.diffusion.process import Process
from moldiff.molecules.batch import MoleculeBatch, Prediction, centred
from moldiff.molecules.grouping import grouped
from moldiff.molecules.latents import LatentBatch, LatentLevels, LatentPrediction
from moldiff.molecules.levels import Levels
from moldiff.molecules.pairs import pair_number
from moldiff.network.autoencoder import Autoencoder
from moldiff.network.body import Atoms
from moldiff.network.latent import Slots
from tests import tiny
from tests.network.overfitting import overfit
from tests.symmetry import assert_close, assert_equivariant

IRREPS = ["16x0e + 4x1o", "16x0e + 4x0o + 4x1o + 4x1e"]
KINDS = [{"irreps": irreps} for irreps in IRREPS] + [{"kind": "unet", "levels": 2, "outer_pairs": 8, "neighbours": 3}]


def slots_of(network: Autoencoder, molecules: MoleculeBatch) -> Tensor:
    return grouped(molecules, network.options.group)


def of_atoms(made: Prediction, slot: Tensor, molecules: MoleculeBatch) -> Prediction:
    """What is predicted of the slots of a molecule's atoms, in the order of the atoms."""
    place, pairs = slot.clamp_min(0), molecules.pairs
    number = pair_number(place[:, pairs.row], place[:, pairs.column]) * molecules.pair_mask
    pos, element, charge = (
        values.gather(1, place[:, :, None].expand(-1, -1, values.shape[2]))
        for values in (made.pos, made.element, made.charge)
    )
    bond = functional.pad(made.bond, (0, 0, 0, 1)).gather(1, number[:, :, None].expand(-1, -1, 4))
    return Prediction(pos * molecules.mask[:, :, None], element, charge, bond)


@pytest.mark.parametrize(("irreps", "group"), zip(IRREPS, (3, 2), strict=True))
def test_encoding_and_decoding_is_equivariant(irreps: str, group: int) -> None:
    network, batch = tiny.autoencoder(irreps=irreps, group=group), tiny.batch_of(7, 4, 1)

    def again(molecules: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        made = network.decode(network.encode(network.arranged(molecules)), levels.highest)
        return of_atoms(made, slots_of(network, molecules), molecules)

    with torch.no_grad():
        assert_equivariant(again, batch, Levels.of(tiny.levels(0.02, 0.05, 0.1), batch))


@pytest.mark.parametrize("conditioned", [False, True], ids=["alone", "self-conditioned"])
@pytest.mark.parametrize("options", KINDS, ids=["transformer", "odd", "unet"])
def test_denoising_latents_is_equivariant(options: dict[str, Any], conditioned: bool) -> None:
    """Latents that go with a molecule, two vectors of each atom, are denoised to latents that go with it."""
    network, batch = tiny.latent_network(group=2, **options), tiny.batch_of(6, 4, 1)

    def latents_of(molecules: MoleculeBatch) -> LatentBatch:
        feature = functional.pad(functional.one_hot(molecules.element, 4).double(), (0, 1)) - 0.3
        weight = (molecules.element + 1.0) * molecules.mask
        towards = (weight[:, :, None] * molecules.pos).sum(1, keepdim=True) / weight.sum(1)[:, None, None]
        inner = (0.4 * molecules.pos + 0.6 * towards) * molecules.mask[:, :, None]
        slots = torch.stack([molecules.pos, inner], 2).flatten(1, 2)
        return LatentBatch(slots, feature * molecules.mask[:, :, None], molecules.mask)

    def denoised(molecules: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        noisy = latents_of(molecules)
        before = LatentPrediction(noisy.pos * 0.7, noisy.feature.flip(2)) if conditioned else None
        made = network(noisy, LatentLevels.of(levels.highest, noisy), before)
        apart = (made.pos[:, 0::2, None] - made.pos[:, None, 1::2]).norm(dim=3)
        bond = (apart + apart.transpose(1, 2))[:, molecules.pairs.row, molecules.pairs.column]
        first = made.pos[:, 0::2]
        return Prediction(first, made.feature[..., :4], made.feature[..., 2:5], bond[..., None].expand(-1, -1, 4))

    def centred_first(molecules: MoleculeBatch, levels: Levels, previous: Prediction | None) -> Prediction:
        made = denoised(molecules, levels, previous)
        return replace(made, pos=centred(made.pos, molecules.mask))

    with torch.no_grad():
        assert_equivariant(centred_first, batch, tiny.at(batch, 0.05, 0.7, 8.0))


def test_the_slots_of_a_node_move_each_its_own_way() -> None:
    network = tiny.latent_network(group=3)
    state = network.space.enter(tiny.batch_of(7, 5))
    levels = LatentLevels.of(tiny.levels(0.5, 0.5), state)
    made = network(state, levels)
    kept = tiny.SIGMA_DATA**2 / (0.25 + tiny.SIGMA_DATA**2)
    moves = (made.pos - kept * state.pos).unflatten(1, (-1, 3))[state.mask]
    assert (moves - moves.mean(1, keepdim=True)).norm(dim=2).min() > 1e-4
    for other in (network(state, levels, made), network(state, levels.map(lambda level: 2 * level))):
        assert not torch.allclose(made.pos, other.pos)


def test_an_untrained_denoiser_predicts_what_preconditioning_keeps() -> None:
    network = tiny.latent_network(randomised=False, group=3)
    state = network.space.enter(tiny.batch_of(6, 4))
    sigma = tiny.levels(0.4, 3.0)
    made = network(state, LatentLevels.of(sigma, state))
    kept = tiny.SIGMA_DATA**2 / (sigma**2 + tiny.SIGMA_DATA**2)
    assert_close("vectors", made.pos, state.pos * kept[:, None, None])
    assert_close("numbers", made.feature, state.feature / (sigma**2 + 1)[:, None, None])


def test_an_untrained_encoder_leaves_positions_as_they_are() -> None:
    network, batch = tiny.autoencoder(randomised=False, group=3), tiny.batch_of(6, 4)
    with torch.no_grad():
        assert_close("vectors", network.encode(network.arranged(batch)).pos, network.arranged(batch).pos)


@pytest.mark.parametrize("group", [1, 2, 4])
def test_the_latents_are_a_state_of_the_process(group: int) -> None:
    """Of nodes and slots alike, padding stays zero and vectors stay centred through every verb."""
    network = tiny.autoencoder(group=group)
    process, random = Process.of_latents(tiny.SIGMA_DATA, network.options.channels), tiny.seeded()
    clean = network.latent_space.enter(tiny.batch_of(7, 4, 1))
    levels, space = tiny.levels(0.5, 1.0, 2.0), network.latent_space
    low, high = space.levels(levels, clean), space.levels(2 * levels, clean)
    assert clean.pos.shape[1] == group * clean.feature.shape[1]
    noisy = process.corrupt(clean, low, random)
    raised = process.renoise(noisy, low, high, random)
    stepped = process.step(raised, LatentPrediction(clean.pos, clean.feature), Move(high, low, 1.0), random)
    begun = process.prior(space.blank(MoleculeBatch.blank(clean.mask, torch.float64)), high, random)
    for state in (clean, noisy, raised, stepped, begun):
        assert (state.group, state.pos.shape) == (group, clean.pos.shape)
        assert not state.pos[~state.slots].any()
        assert not state.feature[~state.mask].any()
        assert state.pos.sum(1).abs().max() < 1e-9
    assert torch.equal(low.highest, levels)
    losses = process.loss(LatentPrediction(clean.pos, clean.feature), clean, low)
    assert all(not loss.any() for loss in losses.values())


def test_a_body_without_vectors_is_refused() -> None:
    slots = Slots(2, 4)
    nodes = slots.enter(torch.zeros(1, 3, 5), torch.zeros(1, 6, 3))
    with pytest.raises(ValueError, match="needs a body whose vectors leave it"):
        slots.moves(nodes, Atoms(nodes.scalars, nodes.pos))


def test_an_overfitted_autoencoder_gives_its_molecules_back() -> None:
    network = tiny.autoencoder(randomised=False, channels=12, noise=0.02, group=3)
    clean = tiny.batch_of(5, 4, spread=1.0)
    losses = overfit(network, clean, 50)
    assert losses[-1] < 0.1 * losses[0]
    arranged = network.arranged(clean)
    back = network.latent_space.leave(network.latent_space.enter(clean))
    for name in ("element", "charge", "bond"):
        assert torch.equal(getattr(back, name), getattr(arranged, name)), name
    assert (back.pos - arranged.pos).norm(dim=2).max() < 0.1
    assert torch.equal(back.mask, arranged.mask)
