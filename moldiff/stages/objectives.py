"""What a training lowers, as its options say: the objective, and the models and molecules that it needs beside."""

from dataclasses import dataclass
from pathlib import Path

from moldiff.config.train import TaskShares, TrainOptions
from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import FeaturizedDataset
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.errors import UserError
from moldiff.models.abilities import tasks_of
from moldiff.models.checkpoint import Model, load_model
from moldiff.models.shipped import weights_path
from moldiff.network.autoencoder import Autoencoder
from moldiff.network.build import Network
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.network.latent import LatentNetwork
from moldiff.stages.properties import steered
from moldiff.training.autoencoding import AutoencodingObjective
from moldiff.training.distillation import DistillationObjective, Teacher, student_grid
from moldiff.training.objective import DenoisingObjective
from moldiff.training.preference import LikeSized, PreferenceObjective
from moldiff.training.tasks import TaskMixture

NOTHING_GIVEN = TaskShares(new=1, fragment=0, fragments=0, conformer=0, bonds=0, hydrogens=0)
"""The tasks of what is trained in a latent space, where no place can be given."""


@dataclass(frozen=True)
class Sources:
    """What is learned from, beside the molecules of the dataset.

    Attributes:
        before: the teacher, or the weights that preferences start from, as they were; None if there are none.
        refused: molecules that are not wanted; None if there are none.
    """

    before: Model | None = None
    refused: LikeSized | None = None

    @classmethod
    def of(cls, options: TrainOptions, model: Model, refused: FeaturizedDataset | None, state: Path) -> "Sources":
        """Those that the options name.

        Args:
            options: of the training.
            model: what the training starts from, with the properties that it is asked for.
            refused: the set of molecules that are not wanted; None if there is none.
            state: folder for properties that are computed.

        Raises:
            UserError: the weights or the refused molecules cannot be used.
        """
        if options.objective in ("denoise", "autoencode"):
            return cls()
        assert options.begins_with is not None
        before = load_model(weights_path(options.begins_with))
        if refused is None:
            return cls(before)
        folder, hydrogens = refused.folder, refused.info.hydrogens
        if hydrogens != model.statistics.hydrogens:
            raise UserError(
                f"{folder}: has {hydrogens} hydrogens, the weights know {model.statistics.hydrogens}; "
                f"featurize with --for {options.begins_with}"
            )
        _, properties = steered(options, model, refused, state)
        loader = MoleculeLoader.of(refused, "train", model.network.vocabulary, properties, known_only=True)
        if not len(loader):
            raise UserError(f"{folder}: no molecule to learn from; featurize with --for {options.begins_with}")
        return cls(before, LikeSized(loader))


def objective(
    options: TrainOptions, model: Model, network: Network, sources: Sources = Sources()
) -> DenoisingObjective | DistillationObjective | PreferenceObjective | AutoencodingObjective:
    """What the options say is to be lowered, for a network of the model's kind."""
    before = sources.before
    if isinstance(network, Autoencoder):
        return AutoencodingObjective(network, model.process, options.autoencode.bonded)
    if before is None:
        return denoising(options, model, network)
    tasks = _tasks(options, model, network)
    if sources.refused is None:
        distill, latents = options.distill, before.statistics.latents
        return DistillationObjective(
            network,
            Teacher.of(before.network, before.process, latents, distill),
            student_grid(distill),
            distill.latents,
            distill.compared,
            options.self_conditioning,
            tasks,
            distill.on_policy,
            distill.own_temperature,
        )
    return PreferenceObjective(
        network,
        before.network,
        model.process,
        noise_levels(options),
        sources.refused,
        options.prefer.strength,
        options.prefer.above,
        options.prefer.kept,
        options.self_conditioning,
        tasks,
    )


def noise_levels(options: TrainOptions) -> NoiseDistribution:
    """The distribution of noise levels that the options say."""
    return NoiseDistribution(options.log_sigma_mean, options.log_sigma_deviation)


def taught(shares: TaskShares, teacher: Model) -> TaskShares:
    """The tasks that a model knows, with their shares: what it teaches, is compared in, or goes on to know.

    Raises:
        UserError: there is none.
    """
    known = tasks_of(teacher.history, teacher.statistics.hydrogens)
    kept = {name: share if name in known else 0.0 for name, share in shares.model_dump().items()}
    if not sum(kept.values()):
        raise UserError(f"train.tasks: the weights know none of them; they know {', '.join(sorted(known))}")
    return TaskShares(**kept)


def denoising(options: TrainOptions, model: Model, network: DenoisingNetwork | LatentNetwork) -> DenoisingObjective:
    """The error of a denoiser, of molecules or in a latent space, where nothing is given."""
    tasks = _tasks(options, model, network) if isinstance(network, DenoisingNetwork) else None
    noise = noise_levels(options)
    return DenoisingObjective(network, model.process, noise, options.self_conditioning, tasks, network.space)


def _tasks(options: TrainOptions, model: Model, network: DenoisingNetwork | LatentNetwork) -> TaskMixture:
    placeholders, chirality = model.statistics.placeholders, network.options.chirality
    return TaskMixture(options.tasks, network.vocabulary, placeholders, chirality)
