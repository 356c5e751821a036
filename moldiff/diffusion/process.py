"""The joint process: positions and categories share one noise level σ, so one number says how noisy a molecule is."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from moldiff.diffusion.categories import CategoryDiffusion
from moldiff.diffusion.positions import PositionDiffusion
from moldiff.molecules.batch import MoleculeBatch, Prediction

Sigma = Float[Tensor, " molecule"]


@dataclass(frozen=True)
class LossWeights:
    """How much each part of the loss weighs."""

    pos: float = 1.0
    element: float = 0.4
    charge: float = 0.4
    bond: float = 0.5


@dataclass(frozen=True)
class NoiseDistribution:
    """Log-normal distribution of σ in training, Å."""

    mean: float = -1.0
    std: float = 1.4

    def draw(self, molecules: int, generator: Generator) -> Sigma:
        """σ of each molecule."""
        return (torch.randn(molecules, generator=generator, device=generator.device) * self.std + self.mean).exp()


@dataclass(frozen=True)
class Process:
    """All modalities of a molecule, asked the same four things.

    Attributes:
        pos, element, charge, bond: the diffusion of each modality.
        weights: of the loss.
    """

    pos: PositionDiffusion
    element: CategoryDiffusion
    charge: CategoryDiffusion
    bond: CategoryDiffusion
    weights: LossWeights = LossWeights()

    @classmethod
    def from_statistics(cls, sigma_data: float, marginals: dict[str, list[float]]) -> "Process":
        """The process of a training set with these statistics."""
        element, charge, bond = (
            CategoryDiffusion(torch.tensor(marginals[name], dtype=torch.float64))
            for name in ("element", "charge", "bond")
        )
        return cls(PositionDiffusion(sigma_data), element, charge, bond)

    def prior(self, mask: Bool[Tensor, "molecule atom"], sigma: Sigma, generator: Generator) -> MoleculeBatch:
        """Molecules of which nothing is left but their size."""
        pairs, _ = unordered_pairs(mask)
        return MoleculeBatch(
            pos=self.pos.prior(mask, sigma, generator),
            element=self.element.prior(mask, generator),
            charge=self.charge.prior(mask, generator),
            bond=mirrored(self.bond.prior(pairs, generator), mask.shape[1]),
            mask=mask,
        )

    def corrupt(self, clean: MoleculeBatch, sigma: Sigma, generator: Generator) -> MoleculeBatch:
        """The molecules at noise level σ."""
        mask = clean.mask
        pairs, (row, column) = unordered_pairs(mask)
        return clean.replace(
            pos=self.pos.corrupt(clean.pos, mask, sigma, generator),
            element=self.element.corrupt(clean.element, mask, sigma, generator),
            charge=self.charge.corrupt(clean.charge, mask, sigma, generator),
            bond=mirrored(self.bond.corrupt(clean.bond[:, row, column], pairs, sigma, generator), mask.shape[1]),
        )

    def raise_noise(self, noisy: MoleculeBatch, sigma: Sigma, higher: Sigma, generator: Generator) -> MoleculeBatch:
        """From σ up to a higher level, by fresh noise: the marginals over clean molecules stay exact."""
        mask = noisy.mask
        pairs, (row, column) = unordered_pairs(mask)
        extra = (higher**2 - sigma**2).clamp_min(0).sqrt()
        bond = self.bond.raise_noise(noisy.bond[:, row, column], pairs, sigma, higher, generator)
        return noisy.replace(
            pos=self.pos.corrupt(noisy.pos, mask, extra, generator),
            element=self.element.raise_noise(noisy.element, mask, sigma, higher, generator),
            charge=self.charge.raise_noise(noisy.charge, mask, sigma, higher, generator),
            bond=mirrored(bond, mask.shape[1]),
        )

    def loss(self, predicted: Prediction, clean: MoleculeBatch, sigma: Sigma) -> dict[str, Float[Tensor, " molecule"]]:
        """The loss of each modality and atom, unweighted; bonds count once for each unordered pair.

        All are means over the atoms, bonds too: a mean over the pairs would make a bond of a large molecule weigh less.
        """
        pairs, (row, column) = unordered_pairs(clean.mask)
        pairs_an_atom = pairs.sum(1) / clean.mask.sum(1)
        bond = self.bond.loss(predicted.bond[:, row, column], clean.bond[:, row, column], pairs)
        return {
            "pos": self.pos.loss(predicted.pos, clean.pos, clean.mask, sigma),
            "element": self.element.loss(predicted.element, clean.element, clean.mask),
            "charge": self.charge.loss(predicted.charge, clean.charge, clean.mask),
            "bond": bond * pairs_an_atom,
        }

    def total(self, losses: dict[str, Float[Tensor, " molecule"]]) -> Float[Tensor, ""]:
        """The weighted sum, mean over molecules: what training lowers."""
        return sum((getattr(self.weights, name) * loss.mean() for name, loss in losses.items()), torch.zeros(()))

    def step(
        self,
        noisy: MoleculeBatch,
        predicted: Prediction,
        sigma: Sigma,
        lower: Sigma,
        generator: Generator,
        eta: float = 0.0,
        temperature: float = 1.0,
        step_scale: float = 1.0,
    ) -> MoleculeBatch:
        """From σ to a lower level; see `PositionDiffusion.step` and `CategoryDiffusion.step`.

        A molecule whose predicted logits are not finite gets positions that are not, so that it is counted as lost.
        """
        mask = noisy.mask
        pairs, (row, column) = unordered_pairs(mask)
        bond = self.bond.step(
            noisy.bond[:, row, column], predicted.bond[:, row, column], pairs, sigma, lower, generator, temperature
        )
        pos = self.pos.step(noisy.pos, predicted.pos, mask, sigma, lower, eta, generator, step_scale)
        return noisy.replace(
            pos=pos.masked_fill(~_finite(predicted)[:, None, None], torch.nan),
            element=self.element.step(noisy.element, predicted.element, mask, sigma, lower, generator, temperature),
            charge=self.charge.step(noisy.charge, predicted.charge, mask, sigma, lower, generator, temperature),
            bond=mirrored(bond, mask.shape[1]),
        )


def _finite(predicted: Prediction) -> Bool[Tensor, " molecule"]:
    """Whether all logits of a molecule are numbers; a sum is one only if its terms are."""
    logits = (predicted.element, predicted.charge, predicted.bond)
    return torch.stack([values.flatten(1).sum(1) for values in logits]).isfinite().all(0)


def unordered_pairs(
    mask: Bool[Tensor, "molecule atom"],
) -> tuple[Bool[Tensor, "molecule pair"], Int[Tensor, "2 pair"]]:
    """Which unordered pairs of two atoms are real, and the atoms (row < column) of each."""
    atoms = mask.shape[1]
    index = torch.triu_indices(atoms, atoms, offset=1, device=mask.device)
    return mask[:, index[0]] & mask[:, index[1]], index


def mirrored(pairs: Int[Tensor, "molecule pair"], atoms: int) -> Int[Tensor, "molecule atom atom"]:
    """The symmetric matrix of a value for each unordered pair, 0 on the diagonal."""
    row, column = torch.triu_indices(atoms, atoms, offset=1, device=pairs.device)
    matrix = pairs.new_zeros(len(pairs), atoms, atoms)
    matrix[:, row, column] = pairs
    matrix[:, column, row] = pairs
    return matrix
