"""Learning from what was refused: own molecules that a chemist would not keep become less likely.

Two sets of molecules are compared, one preferred and one refused, by the bound that diffusion gives on their
likelihood: the network is to explain the preferred ones better than a frozen copy of itself does, and the refused ones
worse (direct preference optimisation of diffusion models: Wallace et al. 2024, arXiv:2311.12908, eq. 14). The bound of
a molecule is a sum over modalities, so one margin covers positions, elements, charges and bonds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional

from moldiff.dataset.loader import MoleculeLoader
from moldiff.diffusion.process import Process
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.levels import Levels
from moldiff.training.objective import Fields, Pattern, patterned, predicted, weighted

Counterparts = Callable[[Int[Tensor, " molecule"], Generator], MoleculeBatch]
"""(numbers of atoms, random numbers) → one refused molecule for each, of about as many atoms."""
PREFERENCE = "preference"
"""Name of the loss of the margin, beside those of the modalities."""


@dataclass(frozen=True)
class Shown:
    """Molecules as a network sees them.

    Attributes:
        clean: what they are.
        noisy: what is shown of them.
        levels: noise level of each place.
    """

    clean: MoleculeBatch
    noisy: MoleculeBatch
    levels: Levels


class PreferenceObjective(nn.Module):
    """How much better preferred molecules are explained than refused ones; an `moldiff.training.objective.Objective`.

    With L the weighted denoising loss of a molecule, θ the network and ref its frozen copy, the loss of a pair is
    −log sigmoid(strength · [(L_ref − L_θ)(preferred) − (L_ref − L_θ)(refused)]), at one noise level and with the same
    noise for both networks. Only noise levels above a smallest one count: refused molecules have the geometry that the
    network itself makes, and a margin at low noise would teach it to avoid that.

    Args:
        network: what learns, a module.
        reference: the network that it started from, a module; it does not change.
        process: the diffusion process of both.
        noise: distribution of noise levels.
        refused: gives each preferred molecule a refused one.
        strength: how sharply pairs are told apart (β).
        above: smallest noise level, Å, at which pairs are told apart.
        kept: weight of the denoising loss of the preferred molecules, which holds what is generated near them.
        self_conditioning: share of calls in which both networks also see their own first prediction.
        pattern: says what is given; by default nothing.
    """

    def __init__(
        self,
        network: nn.Module,
        reference: nn.Module,
        process: Process,
        noise: NoiseDistribution,
        refused: Counterparts,
        strength: float,
        above: float,
        kept: float,
        self_conditioning: float = 0.0,
        pattern: Pattern | None = None,
    ) -> None:
        super().__init__()
        self.network, self.reference = network, reference.eval().requires_grad_(False)
        self.process, self.noise, self.refused = process, noise, refused
        self.strength, self.above, self.kept = strength, above, kept
        self.self_conditioning, self.pattern = self_conditioning, pattern

    @property
    def weights(self) -> dict[str, float]:
        """Of the preference, and of each modality's loss of the preferred molecules."""
        return {PREFERENCE: 1.0, **{name: self.kept * weight for name, weight in self.process.weights.items()}}

    def forward(self, clean: Fields, random: Generator, part: slice) -> dict[str, Tensor]:
        """The loss of the preference, and of each modality of the preferred molecules; see `Objective`."""
        preferred = MoleculeBatch(*clean)
        refused = self.refused(preferred.sizes, random)
        sigma = self.noise.draw(len(preferred), random)
        shown = [self._shown(batch, sigma, random, part) for batch in (preferred, refused)]
        condition = bool(torch.rand((), generator=random) < self.self_conditioning)
        margins, losses = [], dict[str, Tensor]()
        for one in shown:
            own = self._losses(self.network, one, condition)
            with torch.no_grad():
                before = weighted(self.process.weights, self._losses(self.reference, one, condition))
            margins.append(before - weighted(self.process.weights, own))
            losses = losses or own
        counted = self.strength * (sigma[part] > self.above).to(margins[0])
        return {PREFERENCE: functional.softplus(counted * (margins[1] - margins[0])), **losses}

    def _shown(self, batch: MoleculeBatch, sigma: Float[Tensor, " molecule"], random: Generator, part: slice) -> Shown:
        batch, given = patterned(batch, self.pattern, random)
        levels = Levels.of(sigma, batch, given)
        noisy = self.process.corrupt(batch, levels, random)
        like = next(self.network.parameters())
        clean, noisy = (each.map(lambda tensor: tensor[part]).to(like.device, like.dtype) for each in (batch, noisy))
        return Shown(clean, noisy, levels.map(lambda tensor: tensor[part]).to(like.device, like.dtype))

    def _losses(self, network: nn.Module, shown: Shown, condition: bool) -> dict[str, Tensor]:
        made = predicted(network, shown.noisy, shown.levels, twice=condition)
        return self.process.loss(made, shown.clean, shown.levels)


@dataclass(frozen=True)
class LikeSized:
    """Refused molecules of about as many atoms: of the same number, one more or one less, or the nearest there are.

    Attributes:
        loader: the refused molecules, one at least.
    """

    loader: MoleculeLoader

    def __call__(self, sizes: Int[Tensor, " molecule"], random: Generator) -> MoleculeBatch:
        """One refused molecule for each number of atoms; with even chances of those that come into question."""
        order = self.loader.sizes.argsort(stable=True)
        there = self.loader.sizes[order]
        nearest = there[(there[:, None] - sizes).abs().argmin(0)]
        low = torch.searchsorted(there, torch.minimum(sizes - 1, nearest))
        high = torch.searchsorted(there, torch.maximum(sizes + 1, nearest), right=True)
        drawn = low + (torch.rand(len(sizes), generator=random) * (high - low)).long()
        return self.loader.gather(order[torch.minimum(drawn, high - 1)])
