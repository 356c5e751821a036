"""Learning from what was refused: own molecules that a chemist would not keep become less likely.

Two sets of molecules are compared, one preferred and one refused, by the bound that diffusion gives on their
likelihood: the network is to explain the preferred ones better than a frozen copy of itself does, and the refused ones
worse (direct preference optimisation of diffusion models: Wallace et al. 2024, arXiv:2311.12908, eq. 14). The bound of
a molecule is a sum over modalities, so one margin covers positions, elements, charges and bonds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Int
from torch import Generator, Tensor, nn
from torch.nn import functional

from moldiff.dataset.loader import MoleculeLoader
from moldiff.diffusion.process import Process
from moldiff.diffusion.schedules import NoiseDistribution
from moldiff.molecules.batch import MoleculeBatch
from moldiff.training.objective import Drawn, Noised, Pattern, weighted

Counterparts = Callable[[Int[Tensor, " molecule"], Generator], MoleculeBatch]
"""(numbers of atoms, random numbers) → one refused molecule for each, of about as many atoms."""
PREFERENCE = "preference"
"""Name of the loss of the margin, beside those of the modalities."""


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

    def draw(self, clean: MoleculeBatch, random: Generator, part: slice) -> Drawn:
        """Preferred and refused molecules of the part, noised alike; see `Objective`."""
        refused = self.refused(clean.sizes, random)
        sigma = self.noise.draw(len(clean), random)
        both = [Noised.of(batch, self.process, sigma, self.pattern, random) for batch in (clean, refused)]
        condition = bool(torch.rand((), generator=random) < self.self_conditioning)
        return Drawn(len(clean), ([noised.part(part) for noised in both], sigma[part], condition))

    def forward(self, drawn: Drawn) -> dict[str, Tensor]:
        """The loss of the preference, and of each modality of the preferred molecules; see `Objective`."""
        both, sigma, condition = drawn.content
        margins, losses = [], dict[str, Tensor]()
        for noised in both:
            one = noised.to(next(self.network.parameters()))
            own = one.losses(self.network, self.process, twice=condition)
            with torch.no_grad():
                before = weighted(self.process.weights, one.losses(self.reference, self.process, twice=condition))
            margins.append(before - weighted(self.process.weights, own))
            losses = losses or own
        counted = self.strength * (sigma > self.above).to(margins[0])
        return {PREFERENCE: functional.softplus(counted * (margins[1] - margins[0])), **losses}


@dataclass(frozen=True)
class LikeSized:
    """Refused molecules of about as many atoms: of the same number, one more or one less, or the nearest there are.

    Attributes:
        loader: the refused molecules, one at least.
    """

    loader: MoleculeLoader

    def __call__(self, sizes: Int[Tensor, " molecule"], random: Generator) -> MoleculeBatch:
        """One refused molecule for each number of atoms; with even chances of those that come into question."""
        there = self.loader.sizes[self._order]
        nearest = there[(there[:, None] - sizes).abs().argmin(0)]
        low = torch.searchsorted(there, torch.minimum(sizes - 1, nearest))
        high = torch.searchsorted(there, torch.maximum(sizes + 1, nearest), right=True)
        drawn = low + (torch.rand(len(sizes), generator=random) * (high - low)).long()
        return self.loader.gather(self._order[torch.minimum(drawn, high - 1)])

    @cached_property
    def _order(self) -> Int[Tensor, " molecule"]:
        """The molecules by their number of atoms."""
        return self.loader.sizes.argsort(stable=True)
