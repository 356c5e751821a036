"""The variants of the recipe that benchmarks/ablations.py compares, and what they need beside options."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Generator, Tensor
from torch.nn import functional

from moldiff.dataset.loader import MoleculeLoader
from moldiff.dataset.storage import FeaturizedDataset
from moldiff.diffusion.process import LossWeights, Process
from moldiff.molecules.batch import MoleculeBatch, Prediction, Vocabulary, centred
from moldiff.network.denoiser import DenoisingNetwork
from moldiff.training import loop as training

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
        trainer: the loop.
        info: the dataset's description in place of the true one.
        loader: of the molecules.
        change: of the untrained network, in place.
    """

    options: dict[str, Any] = field(default_factory=dict)
    process: Callable[[Process], Process] = lambda process: process
    trainer: type[training.Trainer] = training.Trainer
    info: Callable[[dict[str, Any]], dict[str, Any]] = lambda info: info
    loader: type[MoleculeLoader] = MoleculeLoader
    change: Callable[[DenoisingNetwork], None] = lambda network: None


@dataclass(frozen=True)
class DistanceWeights(LossWeights):
    """Weights with one for the distances of near atoms."""

    distance: float = 1.0


@dataclass(frozen=True)
class DistanceProcess(Process):
    """A loss on distances between atoms that are nearer than 3 Å, in units of c_out as positions are."""

    def loss(self, predicted: Prediction, clean: MoleculeBatch, sigma: Tensor) -> dict[str, Tensor]:
        """The usual losses and that of distances."""
        true, made = (_distances(pos) for pos in (clean.pos, predicted.pos))
        near = clean.pair_mask & (true < 3)
        c_out = sigma * self.pos.sigma_data / (sigma**2 + self.pos.sigma_data**2).sqrt()
        error = ((made - true) ** 2 * near).sum((1, 2)) / near.sum((1, 2)).clamp_min(1) / c_out**2
        return {**super().loss(predicted, clean, sigma), "distance": error}


@dataclass(frozen=True)
class DistortedProcess(Process):
    """Half of the molecules get positions a little noisier than σ says, as a sampler's own errors make them."""

    share: float = 0.2

    def corrupt(self, clean: MoleculeBatch, sigma: Tensor, generator: Generator) -> MoleculeBatch:
        """As usual, then the distortion."""
        noisy = super().corrupt(clean, sigma, generator)
        chosen = torch.rand(sigma.shape, generator=generator) < 0.5
        return noisy.replace(pos=self.pos.corrupt(noisy.pos, noisy.mask, sigma * self.share * chosen, generator))


class MuonTrainer(training.Trainer):
    """Muon (Jordan et al. 2024) of torch for the layers' matrices, AdamW for all else."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        decay = self.options.weight_decay
        matrices = {one for layer in self.network.layers for one in layer.parameters() if one.dim() == 2}
        others = [one for one in self.network.parameters() if one not in matrices]
        self.optimizer = cast(
            Any,
            _Both(
                torch.optim.Muon(list(matrices), weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
                torch.optim.AdamW(others, betas=(0.9, 0.99), weight_decay=decay, fused=True),
            ),
        )


class _Both:
    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        self.optimizers = optimizers
        self.param_groups = [group for one in optimizers for group in one.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        for one in self.optimizers:
            one.zero_grad(set_to_none)

    def step(self) -> None:
        for one in self.optimizers:
            one.step()

    def state_dict(self) -> dict[str, Any]:
        return {}


class ConstantRateTrainer(training.Trainer):
    """The learning rate stays where the warm-up ends; only the average of the weights settles."""

    def _learning_rate(self) -> float:
        return self.options.learning_rate * min(1.0, (self.progress.step + 1) / self.options.warmup_steps)


class LinearRateTrainer(training.Trainer):
    """The learning rate falls linearly to zero."""

    def _learning_rate(self) -> float:
        warm = min(1.0, (self.progress.step + 1) / self.options.warmup_steps)
        return self.options.learning_rate * warm * (1 - self._fraction)


def masked_atoms(info: dict[str, Any]) -> dict[str, Any]:
    """Elements and charges have one class more, and noise turns each of them into that one."""
    vocabulary = {
        **info["vocabulary"],
        "elements": [*info["vocabulary"]["elements"], EXTRA_ELEMENT],
        "charges": [*info["vocabulary"]["charges"], EXTRA_CHARGE],
    }
    marginals = {name: [0.0] * len(info["marginals"][name]) + [1.0] for name in ("element", "charge")}
    return {**info, "vocabulary": vocabulary, "marginals": {**info["marginals"], **marginals}}


@dataclass(frozen=True)
class PlaceholderLoader(MoleculeLoader):
    """Up to two atoms more a molecule that are none, each near an atom: the model decides, within bounds, how many.

    Attributes:
        extra: indices of their element and charge.
    """

    extra: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, dataset: FeaturizedDataset, split: str, vocabulary: Vocabulary) -> "PlaceholderLoader":
        """The molecules of a split."""
        extra = vocabulary.elements.index(EXTRA_ELEMENT), vocabulary.charges.index(0)
        return cls(**vars(MoleculeLoader.of(dataset, split, vocabulary)), extra=extra)

    def gather(self, molecules: Tensor) -> MoleculeBatch:
        """The molecules with their placeholders, which stand behind the atoms and have no bonds."""
        plain = super().gather(molecules)
        random = Generator().manual_seed(int(molecules.sum()))
        sizes = plain.sizes[:, None]
        total = sizes + torch.randint(PLACEHOLDERS + 1, sizes.shape, generator=random)
        longer = int(total.max()) - plain.mask.shape[1]
        place = torch.arange(int(total.max()))
        added = (place >= sizes) & (place < total)
        pos = functional.pad(plain.pos, (0, 0, 0, longer))
        anchor = (torch.rand(added.shape, generator=random) * sizes).long()
        near = pos.gather(1, anchor[:, :, None].expand(-1, -1, 3))
        near = near + torch.randn(near.shape, generator=random)
        return MoleculeBatch(
            pos=centred(torch.where(added[:, :, None], near, pos), place < total),
            element=functional.pad(plain.element, (0, longer)).masked_fill(added, self.extra[0]),
            charge=functional.pad(plain.charge, (0, longer)).masked_fill(added, self.extra[1]),
            bond=functional.pad(plain.bond, (0, longer, 0, longer)),
            mask=place < total,
        )


def with_placeholders(info: dict[str, Any]) -> dict[str, Any]:
    """One element more, and molecules larger by as many atoms as `PlaceholderLoader` adds."""
    sizes, atoms = dict[str, int](), 0.0
    for size, count in info["sizes"].items():
        atoms += int(size) * count / sum(info["sizes"].values())
        for more in range(PLACEHOLDERS + 1):
            sizes[str(int(size) + more)] = sizes.get(str(int(size) + more), 0) + count
    share = PLACEHOLDERS / 2 / (PLACEHOLDERS / 2 + atoms)
    elements = [*((1 - share) * value for value in info["marginals"]["element"]), share]
    vocabulary = {**info["vocabulary"], "elements": [*info["vocabulary"]["elements"], EXTRA_ELEMENT]}
    return {**info, "vocabulary": vocabulary, "sizes": sizes, "marginals": {**info["marginals"], "element": elements}}


def without_sums(network: DenoisingNetwork) -> None:
    """Leaves out the sums over an atom's pairs: the columns that take them are zero and stay so."""
    for layer in network.layers:
        weight, kept = layer.update[0].weight, torch.ones(layer.update[0].in_features)
        kept[-network.options.hidden :] = 0
        weight.data *= kept
        weight.register_hook(lambda gradient, kept=kept: gradient * kept)


def without_products(network: DenoisingNetwork) -> None:
    """Leaves out the tensor products that lead to features: only dot products, which are scalars, stay."""
    for layer in network.layers:
        layer.product.paths = layer.product.slices = []


def scaled(scale: float) -> Callable[[Process], Process]:
    """Half of the categories are kept at σ = scale."""
    return lambda process: replace(
        process,
        **{name: replace(getattr(process, name), scale=scale) for name in ("element", "charge", "bond")},
    )


@dataclass(frozen=True)
class PairMeanProcess(Process):
    """Bonds weigh as a mean over all pairs, not as a sum an atom."""

    def loss(self, predicted: Prediction, clean: MoleculeBatch, sigma: Tensor) -> dict[str, Tensor]:
        """The usual losses, that of bonds a mean over the pairs."""
        losses = super().loss(predicted, clean, sigma)
        return {**losses, "bond": losses["bond"] * 2 / (clean.sizes - 1).clamp_min(1)}


def weighted(**weights: float) -> Callable[[Process], Process]:
    """Other weights of the loss."""
    return lambda process: replace(process, weights=LossWeights(**weights))


def remade(process_type: type[Process], **fields: Any) -> Callable[[Process], Process]:
    """The same process as another class."""
    return lambda process: process_type(
        process.pos, process.element, process.charge, process.bond, **{"weights": process.weights, **fields}
    )


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
    "placeholder atoms, two at most": Variant(info=with_placeholders, loader=PlaceholderLoader),
    "categories half kept at σ = 0.5 Å": Variant(process=scaled(0.5)),
    "categories half kept at σ = 2 Å": Variant(process=scaled(2.0)),
    "ln σ of mean -1.5": Variant({"log_sigma_mean": -1.5}),
    "ln σ of mean -0.5": Variant({"log_sigma_mean": -0.5}),
    "ln σ of deviation 1.0": Variant({"log_sigma_deviation": 1.0}),
    "ln σ of deviation 1.8": Variant({"log_sigma_deviation": 1.8}),
    "bonds weigh 0.25": Variant(process=weighted(bond=0.25)),
    "bonds weigh 1": Variant(process=weighted(bond=1.0)),
    "bonds as a mean over pairs": Variant(process=remade(PairMeanProcess, weights=LossWeights(bond=2.0))),
    "positions weigh 3": Variant(process=weighted(pos=3.0)),
    "loss on near distances": Variant(process=remade(DistanceProcess, weights=DistanceWeights())),
    "distorted positions": Variant(process=remade(DistortedProcess)),
    "average over 100 steps": Variant({"ema": 0.99}),
    "average over 10,000 steps": Variant({"ema": 0.9999}),
    "Muon": Variant(trainer=MuonTrainer),
    "learning rate 1e-3": Variant({"learning_rate": 1e-3}),
    "learning rate 4e-3": Variant({"learning_rate": 4e-3}),
    "learning rate constant": Variant(trainer=ConstantRateTrainer),
    "learning rate falls linearly": Variant(trainer=LinearRateTrainer),
    "batches of 12": Variant({"batch_size": 12}),
    "batches of 48": Variant({"batch_size": 48}),
    "no weight decay": Variant({"weight_decay": 0.0}),
}


def _distances(pos: Tensor) -> Tensor:
    between = pos[:, :, None] - pos[:, None]
    return ((between * between).sum(-1) + 1e-6).sqrt()
