"""Diffusion of categories (element, charge, bond), tied to the positions' noise level σ.

A category is kept with probability α(σ) = 1/(1 + σ/scale), else redrawn from the training marginals m:
q(z_σ | z₀) = α δ(z_σ = z₀) + (1 − α) m(z_σ). This is D3PM with a marginal transition (Austin et al. 2021,
arXiv:2107.03006; Vignac et al. 2023, arXiv:2209.14734), with σ in the place of the step.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor
from torch.nn import functional

Sigma = Float[Tensor, " molecule"]
Classes = Int[Tensor, "molecule *place"]
Probabilities = Float[Tensor, "molecule *place channel"]


@dataclass(frozen=True)
class CategoryDiffusion:
    """The four verbs of one category: prior, corrupt, loss, step.

    Attributes:
        marginal: [channel] share of each class in the training set.
        scale: σ, Å, at which half of the categories are kept.
    """

    marginal: Float[Tensor, " channel"]
    scale: float = 1.0

    def alpha(self, sigma: Sigma) -> Sigma:
        """Probability that a category is still the clean one's copy."""
        return 1 / (1 + sigma / self.scale)

    def prior(self, mask: Bool[Tensor, "molecule *place"], generator: Generator) -> Classes:
        """Classes drawn from the marginals; 0 on padding."""
        marginal = self.marginal.to(generator.device, torch.float32)
        # one at least: torch draws no empty sample, and an atom alone has no pairs
        drawn = torch.multinomial(marginal, max(1, mask.numel()), replacement=True, generator=generator)
        return drawn[: mask.numel()].reshape(mask.shape).to(mask.device) * mask

    def corrupt(
        self, clean: Classes, mask: Bool[Tensor, "molecule *place"], sigma: Sigma, generator: Generator
    ) -> Classes:
        """z_σ given z₀."""
        return self.redraw(clean, mask, self.alpha(sigma), generator)

    def raise_noise(
        self,
        classes: Classes,
        mask: Bool[Tensor, "molecule *place"],
        sigma: Sigma,
        higher: Sigma,
        generator: Generator,
    ) -> Classes:
        """From σ to a higher level: kept with α(higher)/α(σ), so that the marginals over z₀ stay exact."""
        return self.redraw(classes, mask, self.alpha(higher) / self.alpha(sigma), generator)

    def redraw(
        self, classes: Classes, mask: Bool[Tensor, "molecule *place"], keep: Sigma, generator: Generator
    ) -> Classes:
        """Each class kept with the probability of its molecule, else redrawn from the marginals."""
        uniform = torch.rand(mask.shape, generator=generator, device=generator.device).to(mask.device)
        return torch.where(uniform < _spread(keep, mask.dim()), classes, self.prior(mask, generator))

    def loss(
        self, logits: Probabilities, clean: Classes, mask: Bool[Tensor, "molecule *place"]
    ) -> Float[Tensor, " molecule"]:
        """Cross entropy, nats, mean over the places of each molecule; 0 for a molecule without a place."""
        entropy = functional.cross_entropy(logits.flatten(0, -2), clean.flatten(), reduction="none")
        entropy = entropy.reshape(mask.shape).masked_fill(~mask, 0)
        return entropy.flatten(1).sum(1) / mask.flatten(1).sum(1).clamp_min(1)

    def step(
        self,
        noisy: Classes,
        logits: Probabilities,
        mask: Bool[Tensor, "molecule *place"],
        sigma: Sigma,
        lower: Sigma,
        generator: Generator,
        temperature: float = 1.0,
    ) -> Classes:
        """From σ to a lower level by the exact posterior; the likeliest class where the level is 0.

        ``temperature`` divides the logits: 1 draws what was predicted, less trusts the likelier classes more.
        Where the logits are not finite, which `Process.step` tells, a class is drawn from the marginals.
        """
        posterior = self.posterior(noisy, (logits / temperature).softmax(-1), sigma, lower)
        posterior = torch.where(posterior.isfinite(), posterior, self.marginal.to(posterior))
        flat = posterior.flatten(0, -2).to(generator.device)
        drawn = torch.multinomial(flat, 1, generator=generator).reshape(noisy.shape).to(noisy.device)
        final = _spread(lower == 0, noisy.dim())
        return torch.where(final, logits.argmax(-1), drawn) * mask

    def posterior(self, noisy: Classes, clean: Probabilities, sigma: Sigma, lower: Sigma) -> Probabilities:
        """q(z_s | z_t, x̂₀) = Σ_{z₀} x̂₀(z₀) q(z_t | z_s) q(z_s | z₀) / q(z_t | z₀) (Austin et al. 2021, eq. 3 and 4).

        Both kernels are a multiple of the identity plus one row, so the sum over z₀ has a closed form:
        it is a sum of K terms, not of K².
        """
        marginal = self.marginal.to(clean)
        dims = clean.dim()
        at, to = _spread(self.alpha(sigma), dims), _spread(self.alpha(lower), dims)
        ratio = at / to  # α(t | s)
        here = functional.one_hot(noisy, len(marginal)).to(clean)
        m_here = marginal[noisy][..., None]
        # a class that never occurs in training, once drawn, has no other origin than itself: its q(z_t | z₀) is 0
        likelihood = (at * here + (1 - at) * m_here).clamp_min(1e-30)
        weight = clean / likelihood  # x̂₀(z₀) / q(z_t | z₀)
        forward = ratio * here + (1 - ratio) * m_here  # q(z_t | z_s), over z_s
        result = forward * (to * weight + (1 - to) * marginal * weight.sum(-1, keepdim=True))
        return result / result.sum(-1, keepdim=True)


def _spread(values: Tensor, dims: int) -> Tensor:
    return values.reshape(-1, *[1] * (dims - 1))
