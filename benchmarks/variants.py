"""The variants of the recipe that benchmarks/ablations.py compares, and what they need beside options."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from moldiff.config.train import TrainOptions
from moldiff.dataset.validation import DatasetInfo
from moldiff.diffusion.positions import PositionDiffusion
from moldiff.diffusion.process import Process
from moldiff.molecules.batch import MoleculeBatch, Vocabulary, centred
from moldiff.molecules.pairs import pair_count
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.network.transformer import Transformer
from moldiff.training.learner import Learner
from moldiff.training.objective import Drawn
from moldiff.training.optimizer import Optimizers, Rate, adamw, warm_up, warmed_cosine

EXTRA_ELEMENT, EXTRA_CHARGE = 118, 9
"""Classes that no molecule has: they stand for "masked", or for an atom that is none."""
PLACEHOLDERS = 2
"""Most placeholder atoms of a molecule."""


@dataclass(frozen=True)
class Variant:
    """One change of the recipe.

    Attributes:
        options: of the training, that differ.
        process: the diffusion process in place of the usual one.
        optimizers: of the network.
        rate: the learning rate.
        info: the dataset's description in place of the true one.
        molecules: what is made of a batch before it is learned from.
        change: of the untrained network, in place.
    """

    options: dict[str, Any] = field(default_factory=dict)
    process: Callable[[Process], Process] = lambda process: process
    optimizers: Optimizers = adamw
    rate: Rate = warmed_cosine
    info: Callable[[DatasetInfo], DatasetInfo] = lambda info: info
    molecules: Callable[[MoleculeBatch, Vocabulary], MoleculeBatch] = lambda batch, vocabulary: batch
    change: Callable[[DenoisingNetwork], None] = lambda network: None


@dataclass(frozen=True)
class NearDistances:
    """Positions with a loss on distances between atoms nearer than 3 Å beside their own, in units of c_out as theirs.

    Attributes:
        positions: the modality as it is.
    """

    positions: PositionDiffusion

    def __getattr__(self, name: str) -> Any:
        return getattr(self.positions, name)

    def loss(self, predicted: Tensor, clean: Tensor, places: Tensor, level: Tensor) -> Tensor:
        """The sum of both."""
        true, made = (_distances(pos) for pos in (clean, predicted))
        near = places[:, :, None] & places[:, None] & (true < 3) & ~torch.eye(places.shape[1], dtype=torch.bool)
        sigma, data = level.amax(1), self.positions.sigma_data
        c_out = sigma * data / (sigma**2 + data**2).sqrt()
        error = ((made - true) ** 2 * near).sum((1, 2)) / near.sum((1, 2)).clamp_min(1) / c_out**2
        return self.positions.loss(predicted, clean, places, level) + error


@dataclass(frozen=True)
class Distorted:
    """Half of the molecules get positions a little noisier than σ says, as a sampler's own errors make them.

    Attributes:
        positions: the modality as it is.
        share: of σ that is added.
    """

    positions: PositionDiffusion
    share: float = 0.2

    def __getattr__(self, name: str) -> Any:
        return getattr(self.positions, name)

    def corrupt(self, clean: Tensor, places: Tensor, level: Tensor, random: Generator) -> Tensor:
        """As usual, then the distortion."""
        noisy = self.positions.corrupt(clean, places, level, random)
        chosen = torch.rand(len(level), 1, generator=random) < 0.5
        return self.positions.corrupt(noisy, places, level * self.share * chosen, random)


class Steps(Protocol):
    """A training before its first step."""

    @property
    def learner(self) -> Learner:
        """What takes the steps."""

    @property
    def batches(self) -> Iterator[Drawn]:
        """What is learned in each step."""


def cost_beside(one: Steps, other: Steps, rounds: int = 24) -> float:
    """Processor time of a step of one training in steps of another, both taken in turns."""
    spent = [0.0, 0.0]
    for number in range(rounds):
        for which, training in enumerate((one, other)):
            drawn, start = next(training.batches), time.process_time()
            training.learner.step(drawn, number, number / 1_000)
            if number >= rounds // 6:  # the first steps warm the caches up
                spent[which] += time.process_time() - start
    return spent[0] / spent[1]


def muon(network: nn.Module, options: TrainOptions) -> list[Optimizer]:
    """Muon (Jordan et al. 2024) of torch for the layers' matrices, AdamW for all else."""
    decay, layers = options.weight_decay, cast(Transformer, cast(DenoisingNetwork, network).body).layers
    matrices = {one for layer in layers for one in layer.parameters() if one.dim() == 2}
    others = [one for one in network.parameters() if one not in matrices]
    return [
        torch.optim.Muon(list(matrices), weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.99), weight_decay=decay, fused=True),
    ]


def constant_rate(options: TrainOptions, step: int, fraction: float) -> float:
    """The learning rate stays where the warm-up ends; only the average of the weights settles."""
    return options.learning_rate * warm_up(options, step)


def linear_rate(options: TrainOptions, step: int, fraction: float) -> float:
    """The learning rate falls linearly to zero."""
    return options.learning_rate * warm_up(options, step) * (1 - fraction)


def masked_atoms(info: DatasetInfo) -> DatasetInfo:
    """Elements and charges have one class more, and noise turns each of them into that one."""
    words, shares = info.vocabulary, info.marginals
    assert words is not None
    assert shares is not None
    more = {"elements": [*words.elements, EXTRA_ELEMENT], "charges": [*words.charges, EXTRA_CHARGE]}
    masked = {name: [0.0] * len(getattr(shares, name)) + [1.0] for name in ("element", "charge")}
    return info.model_copy(
        update={"vocabulary": words.model_copy(update=more), "marginals": shares.model_copy(update=masked)}
    )


def add_placeholders(molecules: MoleculeBatch, vocabulary: Vocabulary) -> MoleculeBatch:
    """Up to two atoms more a molecule that are none, each near an atom: the model decides, within bounds, how many.

    They come after the atoms and have no bonds.
    """
    random = Generator().manual_seed(int(molecules.bond.sum()) + int(molecules.element.sum()))
    sizes = molecules.sizes[:, None]
    total = sizes + torch.randint(PLACEHOLDERS + 1, sizes.shape, generator=random)
    longer = int(total.max()) - molecules.mask.shape[1]
    pairs = pair_count(int(total.max())) - molecules.bond.shape[1]
    place = torch.arange(int(total.max()))
    added = (place >= sizes) & (place < total)
    pos = functional.pad(molecules.pos, (0, 0, 0, longer))
    anchor = (torch.rand(added.shape, generator=random) * sizes).long()
    near = pos.gather(1, anchor[:, :, None].expand(-1, -1, 3))
    near = near + torch.randn(near.shape, generator=random)
    extra = vocabulary.elements.index(EXTRA_ELEMENT), vocabulary.charges.index(0)
    return MoleculeBatch(
        pos=centred(torch.where(added[:, :, None], near, pos), place < total),
        element=functional.pad(molecules.element, (0, longer)).masked_fill(added, extra[0]),
        charge=functional.pad(molecules.charge, (0, longer)).masked_fill(added, extra[1]),
        bond=functional.pad(molecules.bond, (0, pairs)),
        mask=place < total,
    )


def with_placeholders(info: DatasetInfo) -> DatasetInfo:
    """One element more, and molecules larger by as many atoms as `add_placeholders` adds."""
    words, shares, known = info.vocabulary, info.marginals, info.sizes
    assert words is not None
    assert shares is not None
    assert known is not None
    sizes: Counter[int] = Counter()
    for size, count in known.items():
        for more in range(PLACEHOLDERS + 1):
            sizes[size + more] += count
    atoms = sum(size * count for size, count in known.items()) / sum(known.values())
    share = PLACEHOLDERS / 2 / (PLACEHOLDERS / 2 + atoms)
    elements = [*((1 - share) * value for value in shares.element), share]
    return info.model_copy(
        update={
            "vocabulary": words.model_copy(update={"elements": [*words.elements, EXTRA_ELEMENT]}),
            "marginals": shares.model_copy(update={"element": elements}),
            "sizes": dict(sizes),
        }
    )


def without_sums(network: DenoisingNetwork) -> None:
    """Leaves out the sums over an atom's pairs: the columns that take them are zero and stay so."""
    for layer in cast(Transformer, network.body).layers:
        weight, kept = layer.update[0].weight, torch.ones(layer.update[0].in_features)
        kept[-network.options.hidden :] = 0
        weight.data *= kept
        weight.register_hook(lambda gradient, kept=kept: gradient * kept)


def without_products(network: DenoisingNetwork) -> None:
    """Leaves out the tensor products that lead to features: only dot products, which are scalars, stay."""
    for layer in cast(Transformer, network.body).layers:
        layer.product.paths = layer.product.slices = []


def scaled(scale: float) -> Callable[[Process], Process]:
    """Half of the categories are kept at σ = scale."""
    return lambda process: process.changed(**{name: {"scale": scale} for name in ("element", "charge", "bond")})


def weighted(**weights: float) -> Callable[[Process], Process]:
    """Other weights of the loss."""
    return lambda process: process.changed(**{name: {"weight": weight} for name, weight in weights.items()})


def by_pairs(process: Process) -> Process:
    """The error of bonds as a mean over the pairs, not as a sum divided by the number of atoms."""
    return process.changed(bond={"of_pairs": False, "weight": 2.0})


def wrapped(wrapper: Callable[[Any], Any]) -> Callable[[Process], Process]:
    """Positions as another modality that holds them."""
    return lambda process: Process({**process.modalities, "pos": wrapper(process.modalities["pos"])})


def network(**options: int | str) -> dict[str, Any]:
    """Options of the network that differ."""
    return {"network": options}


VARIANTS: dict[str, Variant] = {
    "as it is": Variant(),
    "as it is, seed 1": Variant({"seed": 1}),
    "no sums over pairs": Variant(change=without_sums),
    "the first recipe: 6 layers, no sums, learning rate 1e-3": Variant(
        {"network": {"layers": 6}, "learning_rate": 1e-3}, change=without_sums
    ),
    "degree l ≤ 2": Variant(network(irreps="128x0e + 32x1o + 32x2e")),
    "degree l ≤ 2, no tensor products": Variant(network(irreps="128x0e + 32x1o + 32x2e"), change=without_products),
    "degree l ≤ 3": Variant(network(irreps="128x0e + 32x1o + 32x2e + 32x3o")),
    "pairs 24 wide": Variant(network(pairs=24, hidden=64)),
    "pairs 96 wide": Variant(network(pairs=96, hidden=160)),
    "3 layers": Variant(network(layers=3)),
    "6 layers": Variant(network(layers=6)),
    "160 scalars": Variant(network(irreps="160x0e + 32x1o")),
    "6 layers, 96 scalars": Variant(network(layers=6, irreps="96x0e + 32x1o")),
    "no self-conditioning": Variant({"self_conditioning": 0.0}),
    "self-conditioning always": Variant({"self_conditioning": 1.0}),
    "elements and charges masked": Variant(info=masked_atoms),
    "placeholder atoms, two at most": Variant(info=with_placeholders, molecules=add_placeholders),
    "categories half kept at σ = 0.5 Å": Variant(process=scaled(0.5)),
    "categories half kept at σ = 2 Å": Variant(process=scaled(2.0)),
    "ln σ of mean -1.5": Variant({"log_sigma_mean": -1.5}),
    "ln σ of mean -0.5": Variant({"log_sigma_mean": -0.5}),
    "ln σ of deviation 1.0": Variant({"log_sigma_deviation": 1.0}),
    "ln σ of deviation 1.8": Variant({"log_sigma_deviation": 1.8}),
    "bonds weigh 0.25": Variant(process=weighted(bond=0.25)),
    "bonds weigh 1": Variant(process=weighted(bond=1.0)),
    "bonds as a mean over pairs": Variant(
        process=lambda process: process.changed(bond={"of_pairs": False, "weight": 2.0})
    ),
    "positions weigh 3": Variant(process=weighted(pos=3.0)),
    "loss on near distances": Variant(process=wrapped(NearDistances)),
    "distorted positions": Variant(process=wrapped(Distorted)),
    "average over 100 steps": Variant({"ema": 0.99}),
    "average over 10,000 steps": Variant({"ema": 0.9999}),
    "Muon": Variant(optimizers=muon),
    "learning rate 1e-3": Variant({"learning_rate": 1e-3}),
    "learning rate 4e-3": Variant({"learning_rate": 4e-3}),
    "learning rate constant": Variant(rate=constant_rate),
    "learning rate falls linearly": Variant(rate=linear_rate),
    "batches of 12": Variant({"batch_size": 12}),
    "batches of 48": Variant({"batch_size": 48}),
    "no weight decay": Variant({"weight_decay": 0.0}),
}


def _distances(pos: Tensor) -> Tensor:
    between = pos[:, :, None] - pos[:, None]
    return ((between * between).sum(-1) + 1e-6).sqrt()
