"""Autoencoders and denoisers in their latent space: trained, saved, continued, sampled; and what they cannot do."""

from pathlib import Path
from typing import Any

import pytest
import torch

from moldiff.config.options import ConfigError, parse
from moldiff.config.train import TrainOptions
from moldiff.diffusion.process import Process
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, Statistics, load_model, save_model
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.levels import Given
from moldiff.network.autoencoder import Autoencoder
from moldiff.network.latent import LatentNetwork
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.stages.train import train
from moldiff.training.autoencoding import ACCURACY, AutoencodingObjective, stretched
from moldiff.training.objective import DenoisingObjective, Objective
from tests import tiny
from tests.killing import killed
from tests.symmetry import assert_close

STATISTICS = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {5: 1, 9: 3}, "implicit")
NOTHING = dict.fromkeys(("fragment", "fragments", "conformer", "bonds", "hydrogens"), 0.0)
BATCH = tiny.batch_of(5, 4, 3, 2)


def objectives() -> list[torch.nn.Module]:
    latent, noise = tiny.latent_network(), NoiseDistribution()
    process = Process.of_latents(tiny.SIGMA_DATA, latent.space.channels)
    return [
        AutoencodingObjective(tiny.autoencoder(), tiny.process(), 10.0),
        DenoisingObjective(latent, process, noise, 0.5, space=latent.space),
    ]


@pytest.mark.parametrize("number", [0, 1], ids=["autoencoder", "denoiser"])
def test_losses_of_parts_are_those_of_the_whole(number: int) -> None:
    made = objectives()[number]
    assert isinstance(made, Objective)
    whole = tiny.losses(made, BATCH, tiny.seeded(3), slice(None))
    assert set(whole) == set(made.weights)
    for rank in range(3):
        part = slice(rank, None, 3)
        for name, loss in tiny.losses(made, BATCH, tiny.seeded(3), part).items():
            assert_close(name, loss, whole[name][part])


def test_the_losses_are_the_errors() -> None:
    """Of an autoencoder that leaves positions as they are, and of bonds that are all longer by a known share."""
    network = tiny.autoencoder(randomised=False, noise=1e-6)
    losses = tiny.losses(AutoencodingObjective(network, tiny.process(), 10.0), BATCH, tiny.seeded(), slice(None))
    assert losses["pos"].max() < 1e-9
    assert losses["distance"].max() < 1e-9
    assert all(losses[name].min() > 0 for name in ("element", "charge", "bond"))
    lengths = (BATCH.pos[:, BATCH.pairs.row] - BATCH.pos[:, BATCH.pairs.column]).square().sum(2) * (BATCH.bond > 0)
    expected = 0.01 * lengths.sum(1) / BATCH.sizes
    torch.testing.assert_close(stretched(1.1 * BATCH.pos, BATCH), expected, rtol=1e-3, atol=1e-6)
    assert ACCURACY > 0


def test_noise_on_the_latents_is_even_up_to_the_largest() -> None:
    many = tiny.batch_of(*[3] * 400)
    network = tiny.autoencoder(randomised=False, noise=0.5)
    loss = tiny.losses(AutoencodingObjective(network, tiny.process(), 10.0), many, tiny.seeded(), slice(None))["pos"]
    # ⟨σ²⟩ = 0.5²/3; of the noise of three atoms a third is their centre's
    assert float(loss.detach().mean()) == pytest.approx(0.5**2 / 3 * 2 / 3 / ACCURACY**2, rel=0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("latent")


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Path:
    return tiny.dataset(folder / "dataset", tiny.random_molecules(24), valid=4).folder


def asked_of(which: str, autoencoder: Path | None) -> TrainOptions:
    """The options of the training of an autoencoder, or of a denoiser in its latent space."""
    if which == "coder":
        return tiny.train_options(objective="autoencode", autoencode={"channels": 4})
    return tiny.train_options(autoencoder=str(autoencoder))


@pytest.fixture(scope="module")
def autoencoder(folder: Path, dataset: Path) -> Path:
    return train(asked_of("coder", None), dataset, folder / "coder")


@pytest.fixture(scope="module")
def latent(folder: Path, dataset: Path, autoencoder: Path) -> Path:
    return train(asked_of("latent", autoencoder), dataset, folder / "latent")


def test_one_file_holds_autoencoder_and_denoiser(autoencoder: Path, latent: Path) -> None:
    coder, made = load_model(autoencoder), load_model(latent)
    assert (coder.kind, made.kind) == ("autoencoder", "latent denoiser")
    assert isinstance(made.network, LatentNetwork)
    for name, value in coder.network.state_dict().items():
        assert torch.equal(made.network.autoencoder.state_dict()[name], value), name
    assert set(made.process.modalities) == {"pos", "feature"}
    assert made.space.channels == made.network.autoencoder.options.channels == 4
    assert made.statistics == coder.statistics
    assert made.network.feature.weight.any(), "the denoiser has learned"
    header = (latent.parent / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"loss_position", "loss_feature"} <= set(header)


def test_a_saved_network_is_loaded_as_it_was(tmp_path: Path) -> None:
    for network in (tiny.autoencoder().float(), tiny.latent_network().float()):
        model = Model.of(network, STATISTICS, {"steps": 3})
        save_model(model, tmp_path / "model.safetensors")
        loaded = load_model(tmp_path / "model.safetensors")
        assert (loaded.kind, loaded.statistics, loaded.history) == (model.kind, STATISTICS, {"steps": 3})
        assert loaded.network.parts == network.parts
        for name, value in network.state_dict().items():
            assert torch.equal(loaded.network.state_dict()[name], value), name


@pytest.mark.parametrize("which", ["coder", "latent"])
def test_a_killed_training_ends_as_one_that_was_not(
    which: str, folder: Path, dataset: Path, autoencoder: Path, latent: Path
) -> None:
    options = asked_of(which, autoencoder)
    killed(options, dataset, folder / f"killed {which}")
    whole = autoencoder if which == "coder" else latent
    assert train(options, dataset, folder / f"killed {which}").read_bytes() == whole.read_bytes()


def test_latents_can_be_trained_further(latent: Path, dataset: Path, tmp_path: Path) -> None:
    options = tiny.train_options(start_from=str(latent), steps=2, sample_every=2, sample_count=1)
    further = load_model(train(options, dataset, tmp_path / "further"))
    before = load_model(latent).network
    assert further.kind == "latent denoiser"
    assert not torch.equal(further.network.feature.weight, before.feature.weight)
    assert torch.equal(further.network.autoencoder.feature.weight, before.autoencoder.feature.weight)
    header, row = (
        (tmp_path / "further" / "metrics.csv").read_text().splitlines()[place].split(",") for place in (0, 1)
    )
    assert 0 <= float(row[header.index("sampled_valid")]) <= 1


def test_molecules_are_sampled_from_latents(latent: Path) -> None:
    sampler, options = Sampler.load(latent), {"steps": 3, "accelerator": "cpu", "threads": 1, "sanitize": False}
    once, again = (sampler.sample(4, seed=3, restarts=2, **options) for _ in range(2))
    assert len(once) == 4
    for one, other in zip(once, again, strict=True):
        assert one.GetConformer().GetPositions().tolist() == other.GetConformer().GetPositions().tolist()
    assert {mol.GetNumAtoms() for mol in sampler.sample(4, atoms="6", solver="heun", restarts=0, **options)} == {6}


def test_a_lost_molecule_is_made_again(latent: Path) -> None:
    """Latents that are no numbers are lost; a restart begins from zeros and makes a molecule of them."""
    sampler, plan = Sampler.load(latent), Plan.of(tiny.sample_options(restarts=1))
    state = sampler.model.space.blank(MoleculeBatch.blank(tiny.mask_of(4, 4)))
    lost = state.replace(pos=state.pos / 0, feature=state.feature / 0)
    assert not any(sampler.decoder.strict(one) for one in sampler.decoder.arrays(sampler.model.space.leave(lost)))
    real, calls = sampler.process.step, []

    def step(self: Process, noisy: Any, *rest: Any) -> Any:
        calls.append(len(noisy))
        made = real(noisy, *rest)
        return made.replace(pos=made.pos / 0, feature=made.feature / 0) if len(calls) == 1 else made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Process, "step", step)
        made, restarts = sampler.run(plan, MoleculeBatch.blank(tiny.mask_of(4, 4)), None, tiny.seeded())
    assert restarts.tolist() == [1, 1]
    assert made.pos.isfinite().all()


def test_molecules_are_raised_and_made_again_in_latents(latent: Path) -> None:
    """A move of `moldiff optimize` on whole molecules: of little noise little changes."""
    sampler, plan = Sampler.load(latent), Plan.of(tiny.sample_options(restarts=0, noise=0.0, step_scale=1.0))
    known = BATCH.to("cpu", torch.float32)
    given = Given.of(known)
    made, _ = sampler.run(plan, known, given, tiny.seeded(), raised=0.04)
    far, _ = sampler.run(plan, known, given, tiny.seeded(), raised=3.0)
    assert (made.pos - known.pos).abs().mean() < 0.5 * (far.pos - known.pos).abs().mean()


def test_what_needs_a_given_part_is_refused(latent: Path) -> None:
    sampler, plan = Sampler.load(latent), Plan.of(tiny.sample_options())
    with pytest.raises(UserError, match="no part can be given; take weights that denoise molecules"):
        sampler.complete(plan, BATCH, Given.of(BATCH, element=True))
    with pytest.raises(UserError, match="not trained to complete a given part; of the shipped ones"):
        sampler.sample(2, scaffold_smiles="C[*]", steps=2)
    with pytest.raises(UserError, match="not trained to make conformers"):
        sampler.conformers([])
    with pytest.raises(UserError, match="a latent denoiser, but a bound in nats of a molecule needs a denoiser"):
        sampler.likelihood([])


@pytest.mark.parametrize(
    ("values", "weights", "words"),
    [
        ({"start_from": "coder"}, "coder", "an autoencoder, but fine-tuning needs a denoiser or a latent denoiser"),
        ({"autoencoder": "latent"}, "latent", "a latent space needs an autoencoder: train one with --objective auto"),
        ({"objective": "autoencode", "start_from": "latent"}, "latent", "objective autoencode needs an autoencoder"),
        ({"objective": "distill", "teacher": "latent"}, "latent", "a student needs a denoiser: the shipped ones"),
        ({"objective": "prefer", "start_from": "latent", "refused": ""}, "latent", "objective prefer needs a denoiser"),
        ({"start_from": "latent", "properties": ["logp"]}, "latent", "with tasks, placeholders or properties needs a"),
        ({"start_from": "latent", "tasks": {"new": 1}}, "latent", "with tasks, placeholders or properties needs a de"),
    ],
)
def test_weights_of_another_kind_are_refused(
    values: dict[str, Any], weights: str, words: str, autoencoder: Path, latent: Path, dataset: Path, tmp_path: Path
) -> None:
    files = {"coder": str(autoencoder), "latent": str(latent), "": str(dataset)}
    named = {key: files.get(value, value) if isinstance(value, str) else value for key, value in values.items()}
    with pytest.raises(UserError, match=words) as caught:
        train(tiny.train_options(**named), dataset, tmp_path / "run")
    assert files[weights] in str(caught.value)


def test_an_autoencoder_alone_samples_nothing(autoencoder: Path) -> None:
    with pytest.raises(UserError, match=r"an autoencoder, but sampling needs a denoiser or a latent denoiser"):
        Sampler.load(autoencoder)
    assert isinstance(load_model(autoencoder).network, Autoencoder)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"autoencode": {"channels": 4}}, "autoencode needs objective: autoencode"),
        ({"objective": "autoencode", "autoencoder": "file"}, "autoencoder needs objective: denoise"),
        ({"autoencoder": "file", "start_from": "file"}, "start_from and autoencoder contradict each other"),
        ({"autoencoder": "file", "placeholders": 0.1}, "placeholders cannot be set with autoencoder"),
        ({"autoencoder": "file", "properties": ["logp"]}, "properties cannot be set with autoencoder"),
        ({"autoencoder": "file", "tasks": {"new": 1, "fragment": 1}}, "tasks cannot be set with autoencoder"),
        ({"objective": "autoencode", "self_conditioning": 0.1}, "self_conditioning cannot be set with objective auto"),
        ({"objective": "autoencode", "sample_every": 5}, "an autoencoder makes no new molecules"),
        ({"objective": "autoencode", "autoencode": {"noise": 0}}, "noise"),
        ({"objective": "autoencode", "start_from": "file", "autoencode": {"noise": 0.2}}, "autoencode.noise cannot be"),
    ],
)
def test_options_that_contradict_each_other_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse(TrainOptions, values)


def test_what_was_trained_in_latents_says_that_nothing_is_given(latent: Path) -> None:
    assert load_model(latent).history["options"]["tasks"] == {"new": 1.0, **NOTHING}
