"""Diffusion of categories (element, charge, bond), tied to the positions' noise level σ.

A category is kept with probability α(σ) = 1/(1 + σ/scale), else drawn from the training marginals m:
q(z_σ | z₀) = α δ(z_σ = z₀) + (1 − α) m(z_σ). This is D3PM with a marginal transition (Austin et al. 2021,
arXiv:2107.03006; Vignac et al. 2023, arXiv:2209.14734), with σ in the place of the step.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor
from torch.nn import functional

from moldiff.diffusion.modality import Move

Places = Bool[Tensor, "molecule place"]
Level = Float[Tensor, "molecule place"]
Classes = Int[Tensor, "molecule place"]
Probabilities = Float[Tensor, "molecule place channel"]


@dataclass(frozen=True)
class CategoryDiffusion:
    """The modality of one category (`moldiff.diffusion.modality.Modality`).

    Attributes:
        marginal: [channel] share of each class in the training set.
        scale: σ, Å, at which half of the categories are kept.
        weight: of the loss.
        of_pairs: the places are the pairs of atoms, and their error is divided by the number of atoms: a mean over
            the pairs would make a bond of a large molecule weigh less.
    """

    marginal: Float[Tensor, " channel"]
    scale: float = 1.0
    weight: float = 1.0
    of_pairs: bool = False

    def alpha(self, level: Float[Tensor, "*place"]) -> Float[Tensor, "*place"]:
        """Probability that a category is still the clean one's copy; 1 at level 0."""
        return 1 / (1 + level / self.scale)

    def prior(self, places: Places, level: Level, random: Generator) -> Classes:
        """Classes drawn from the marginals; 0 on padding."""
        marginal = self.marginal.to(random.device, torch.float32)
        # one at least: torch draws no empty sample, and an atom alone has no pairs
        classes = torch.multinomial(marginal, max(1, places.numel()), replacement=True, generator=random)
        return classes[: places.numel()].reshape(places.shape).to(places.device) * places

    def corrupt(self, clean: Classes, places: Places, level: Level, random: Generator) -> Classes:
        """z_σ given z₀."""
        return self._mixed(clean, places, self.alpha(level), random)

    def renoise(self, noisy: Classes, places: Places, level: Level, higher: Level, random: Generator) -> Classes:
        """From σ to a higher level: kept with α(higher)/α(σ), so that the marginals over z₀ stay exact."""
        return self._mixed(noisy, places, self.alpha(higher) / self.alpha(level), random)

    def loss(
        self, predicted: Probabilities, clean: Classes, places: Places, level: Level
    ) -> Float[Tensor, " molecule"]:
        """Cross entropy of logits, nats: mean over the free places of each molecule, or see ``of_pairs``.

        0 for a molecule without a free place.
        """
        free = places & (level > 0)
        entropy = functional.cross_entropy(predicted.flatten(0, -2), clean.flatten(), reduction="none")
        entropy = entropy.reshape(places.shape).masked_fill(~free, 0)
        count = _atoms(places.sum(1), entropy.dtype) if self.of_pairs else free.sum(1).clamp_min(1)
        return entropy.sum(1) / count

    def step(self, noisy: Classes, predicted: Probabilities, places: Places, move: Move, random: Generator) -> Classes:
        """From σ to a lower level by the exact posterior; the likeliest class where the lower level is 0.

        ``move.temperature`` divides the logits: 1 draws what was predicted, less trusts the likelier classes more.
        Where the logits are not finite, which `Process.step` reports, a class is drawn from the marginals.
        """
        posterior = self.posterior(noisy, (predicted / move.temperature).softmax(-1), move.level, move.lower)
        posterior = torch.where(posterior.isfinite(), posterior, self.marginal.to(posterior))
        flat = posterior.flatten(0, -2).to(random.device)
        classes = torch.multinomial(flat, 1, generator=random).reshape(noisy.shape).to(noisy.device)
        return torch.where(move.lower == 0, predicted.argmax(-1), classes) * places

    def posterior(self, noisy: Classes, clean: Probabilities, level: Level, lower: Level) -> Probabilities:
        """q(z_s | z_t, x̂₀) = Σ_{z₀} x̂₀(z₀) q(z_t | z_s) q(z_s | z₀) / q(z_t | z₀) (Austin et al. 2021, eq. 3 and 4).

        Both kernels are a multiple of the identity plus one row, so the sum over z₀ has a closed form:
        it is a sum of K terms, not of K².
        """
        marginal = self.marginal.to(clean)
        at, to = self.alpha(level)[..., None], self.alpha(lower)[..., None]
        ratio = at / to  # α(t | s)
        here = functional.one_hot(noisy, len(marginal)).to(clean)
        m_here = marginal[noisy][..., None]
        # a class that never occurs in training, once drawn, has no other origin than itself: its q(z_t | z₀) is 0
        likelihood = (at * here + (1 - at) * m_here).clamp_min(1e-30)
        weight = clean / likelihood  # x̂₀(z₀) / q(z_t | z₀)
        forward = ratio * here + (1 - ratio) * m_here  # q(z_t | z_s), over z_s
        result = forward * (to * weight + (1 - to) * marginal * weight.sum(-1, keepdim=True))
        return result / result.sum(-1, keepdim=True)

    def prior_divergence(self, clean: Classes, places: Places, level: Level) -> Float[Tensor, " molecule"]:
        """KL(q(z_σ | z₀) ‖ m) in nats, over the free places; see `moldiff.diffusion.bound`."""
        marginal, keep = self.marginal.to(level), self.alpha(level)[..., None]
        here = functional.one_hot(clean, len(marginal)).to(level)
        return _divergence(keep * here + (1 - keep) * marginal, marginal, places & (level > 0))

    def step_divergence(
        self, noisy: Classes, predicted: Probabilities, clean: Classes, places: Places, move: Move
    ) -> Float[Tensor, " molecule"]:
        """KL(q(z_s | z_t, z₀) ‖ q(z_s | z_t, x̂₀)) in nats, computed in double precision: both are nearly the same."""
        known = functional.one_hot(clean, len(self.marginal)).double()
        levels = move.level.double(), move.lower.double()
        true, made = (self.posterior(noisy, each, *levels) for each in (known, predicted.double().softmax(-1)))
        return _divergence(true, made, places & (move.level > 0)).to(move.level)

    def remainder(
        self, predicted: Probabilities, clean: Classes, places: Places, level: Level
    ) -> Float[Tensor, " molecule"]:
        """−log x̂₀(z₀) in nats."""
        free = places & (level > 0)
        entropy = functional.cross_entropy(predicted.flatten(0, -2), clean.flatten(), reduction="none")
        return entropy.reshape(places.shape).masked_fill(~free, 0).sum(1)

    def _mixed(self, classes: Classes, places: Places, keep: Level, random: Generator) -> Classes:
        uniform = torch.rand(places.shape, generator=random, device=random.device).to(places.device)
        return torch.where(uniform < keep, classes, self.prior(places, keep, random))


def _divergence(one: Probabilities, other: Float[Tensor, "*place channel"], free: Places) -> Float[Tensor, " molecule"]:
    """KL(one ‖ other), summed over the free places; no class is as impossible as rounding says."""
    terms = torch.special.xlogy(one, one) - torch.special.xlogy(one, other.clamp_min(1e-30))
    return terms.sum(-1).masked_fill(~free, 0).sum(1)


def _atoms(pairs: Int[Tensor, " molecule"], dtype: torch.dtype) -> Float[Tensor, " molecule"]:
    """How many atoms have this many pairs."""
    return (1 + (1 + 8 * pairs.to(dtype)).sqrt()) / 2
