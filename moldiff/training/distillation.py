"""A student that needs few evaluations: in one jump it makes what its teacher makes in several steps.

A molecule of the training set is noised to a level σ of the student's grid. The teacher goes from there along a finer
grid to the end, and what it makes is the target of the student's jump from σ to the next level s: where the teacher's
positions are at s (progressive distillation, Salimans and Ho 2022, arXiv:2202.00512), and the elements, charges and
bonds of the molecule that it comes to. These are one sample each, not probabilities; a random input lets the student
say that they go together (`moldiff.diffusion.mixture`).

A student that jumps far comes to molecules that no noise makes of real ones, and would not know what to do with them.
So in a share of the calls the molecules at σ are those that the student itself makes on its way there from the prior,
and the teacher says how it would go on (learning on the learner's own states: Ross et al. 2011, arXiv:1011.0686; of
language models Agarwal et al. 2024, arXiv:2306.13649).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from moldiff.config.distill import DistillOptions
from moldiff.diffusion.mixture import mixed, responsibilities
from moldiff.diffusion.process import Process, column
from moldiff.diffusion.schedules import Grid, karras
from moldiff.diffusion.solvers import LevelsAt, Numbers, euler, follow
from moldiff.molecules.batch import MoleculeBatch, Prediction
from moldiff.molecules.denoiser import Denoiser
from moldiff.molecules.levels import Levels
from moldiff.training.objective import Drawn, Pattern, patterned

SHARED = 0.2
"""Of what is learned from a molecule, what all tried values of the random input learn alike."""


@dataclass(frozen=True)
class Teacher:
    """What is distilled; its weights do not change.

    Attributes:
        denoiser: the teacher, for a generator of random numbers that it may need.
        process: the noise that it was trained on.
        numbers: of its steps.
        substeps: its steps within each jump.
        to: moves it to where a tensor is, in its precision.
    """

    denoiser: Callable[[Generator], Denoiser]
    process: Process
    numbers: Numbers = field(default_factory=Numbers)
    substeps: int = 1
    to: Callable[[Tensor], object] = lambda like: None

    @classmethod
    def of(cls, network: nn.Module, process: Process, latents: int, options: DistillOptions) -> "Teacher":
        """A trained network as a teacher.

        Args:
            network: of the teacher, itself a student perhaps.
            process: the noise that it was trained on.
            latents: values of its random input; 0 if it has none.
            options: of the distillation.
        """
        network = network.eval().requires_grad_(False)
        numbers = Numbers(options.noise, options.step_scale, high=options.noise_below, temperature=options.temperature)

        def denoiser(random: Generator) -> Denoiser:
            return mixed(network, latents, random, lambda inner: inner) if latents else network

        return cls(denoiser, process, numbers, options.substeps, network.to)

    @torch.no_grad()
    def made(
        self, noisy: MoleculeBatch, grid: Grid, levels: LevelsAt, random: Generator
    ) -> tuple[MoleculeBatch, MoleculeBatch]:
        """The molecules at the second level of the student's grid, and at its end.

        The teacher first looks at the molecules once, so that its first step sees a previous prediction as later ones
        do.

        Args:
            noisy: molecules at the first level.
            grid: the rest of the student's grid; ends in 0.
            levels: the level of each place while the grid stands at σ.
            random: of all random numbers.
        """
        denoiser, fine = self.denoiser(random), refined(grid, self.substeps)
        previous = denoiser(noisy, levels(float(grid[0])), None)
        states = follow(self.process, denoiser, euler, fine, noisy, random, levels, self.numbers, previous)
        made = [state for state, _ in states]
        return made[self.substeps - 1], made[-1]


class DistillationObjective(nn.Module):
    """The error of a student's jumps; an `moldiff.training.objective.Objective`.

    Each call takes one jump of the grid. The teacher goes with the whole batch, whatever the part: several processes
    do the work of one, and share the student's part of it.

    Args:
        network: the student, a module.
        teacher: what it learns from.
        grid: the student's levels, Å, descending to 0.
        latents: values of the student's random input; 0 for a student without.
        compared: values that are tried on each molecule.
        self_conditioning: share of calls in which the student also sees its own first prediction; where it made the
            molecules itself it always sees that of the jump before, as in sampling.
        pattern: says what is given; by default nothing.
        on_policy: share of calls in which the molecules at the level are the student's own.
        temperature: of the elements, charges and bonds of these.
    """

    def __init__(
        self,
        network: nn.Module,
        teacher: Teacher,
        grid: Grid,
        latents: int = 0,
        compared: int = 1,
        self_conditioning: float = 0.0,
        pattern: Pattern | None = None,
        on_policy: float = 0.0,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.on_policy, self.numbers = on_policy, Numbers(temperature=temperature)
        self.network, self.teacher, self.grid, self.latents = network, teacher, grid, latents
        self.compared, self.self_conditioning, self.pattern = compared if latents else 1, self_conditioning, pattern

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each modality's loss."""
        return self.teacher.process.weights

    def draw(self, clean: MoleculeBatch, random: Generator, part: slice) -> Drawn:
        """All as it is: what is random goes on while the teacher works; see `Objective`."""
        return Drawn(len(clean), (clean, random, part))

    def forward(self, drawn: Drawn) -> dict[str, Tensor]:
        """The loss of each modality and molecule of the part, of one jump; see `Objective`."""
        clean, random, part = drawn.content
        process = self.teacher.process
        jump = int(torch.randint(len(self.grid) - 1, (), generator=random))
        batch, given = patterned(clean, self.pattern, random)
        like = next(self.network.parameters())
        self.teacher.to(like)
        batch = batch.to(like.device, like.dtype)
        if given is not None:
            given = given.map(lambda mask: mask.to(like.device))
        level = Levels.along(batch, given)
        sigma, lower = self.grid[jump].item(), self.grid[jump + 1].item()
        previous: Prediction | None = None
        own = bool(torch.rand((), generator=random) < self.on_policy)
        if own:
            noisy, previous = self._reached(batch, level, jump, random)
        else:
            noisy = process.corrupt(batch, level(sigma), random)
        landed, made = self.teacher.made(noisy, self.grid[jump:], level, random)
        target = jumped(batch, noisy, landed, made, lower / sigma)
        draws = self._draws(len(batch), random)
        self_condition = not own and bool(torch.rand((), generator=random) < self.self_conditioning)

        noisy, target = (each.map(lambda tensor: tensor[part]) for each in (noisy, target))
        levels = level(sigma).map(lambda tensor: tensor[part])
        shown = [None if draw is None else draw[part].to(like.device) for draw in draws]
        if previous is not None:
            previous = previous.map(lambda tensor: tensor[part])
        if self_condition:
            with torch.no_grad():
                previous = self._predicted(noisy, levels, None, shown[-1]).detach()
            torch.clear_autocast_cache()  # as in `DenoisingObjective`
        losses = [process.loss(self._predicted(noisy, levels, previous, one), target, levels) for one in shown[:-1]]
        if len(losses) == 1:
            return losses[0]
        shares = responsibilities(losses, noisy.sizes.to(like.dtype), SHARED)
        stacked = {name: torch.stack([own[name] for own in losses]) for name in losses[0]}
        return {name: (shares * loss).sum(0) for name, loss in stacked.items()}

    @torch.no_grad()
    def _reached(
        self, batch: MoleculeBatch, level: LevelsAt, jump: int, random: Generator
    ) -> tuple[MoleculeBatch, Prediction | None]:
        """What the student makes of the prior by its first jumps, and its last prediction; None before the first."""
        process, grid = self.teacher.process, self.grid[: jump + 1]
        begin: tuple[MoleculeBatch, Prediction | None] = process.prior(batch, level(float(grid[0])), random), None
        denoiser = mixed(self.network, self.latents, random, lambda inner: inner) if self.latents else self.network
        *_, state = begin, *follow(process, denoiser, euler, grid, begin[0], random, level, self.numbers)
        torch.clear_autocast_cache()  # as in `DenoisingObjective`
        made, previous = state
        return made.replace(pos=made.pos.nan_to_num(0, 0, 0)), previous  # of a lost molecule the target is a clean one

    def _draws(self, molecules: int, random: Generator) -> list[Tensor | None]:
        """Distinct values to be tried on each molecule, and one more for the prediction before."""
        if not self.latents:
            return [None, None]
        ranked = torch.rand(molecules, self.latents, generator=random).argsort(1)
        before = torch.randint(self.latents, (molecules,), generator=random)
        return [*ranked[:, : self.compared].unbind(1), before]

    def _predicted(
        self, noisy: MoleculeBatch, levels: Levels, previous: Prediction | None, latent: Tensor | None
    ) -> Prediction:
        result: Any = self.network(noisy, levels, previous) if latent is None else self.network(
            noisy, levels, previous, latent
        )  # fmt: skip
        return result


def jumped(
    clean: MoleculeBatch, noisy: MoleculeBatch, landed: MoleculeBatch, made: MoleculeBatch, ratio: float
) -> MoleculeBatch:
    """What the student has to predict, so that its plain step lands where the teacher landed.

    A plain step keeps a ``ratio`` of x − x̂ and goes to x̂ + ratio (x − x̂); so x̂ = (landed − ratio x)/(1 − ratio).
    Of a molecule that the teacher lost (its positions are no numbers) the clean one is learned.

    Args:
        clean: molecules of the training set.
        noisy: the same at the level before the jump.
        landed: what the teacher has made of them at the level after it.
        made: what it has come to in the end.
        ratio: of the levels after and before.
    """
    pos = (landed.pos - ratio * noisy.pos) / (1 - ratio)
    kept = pos.flatten(1).isfinite().all(1) & made.pos.flatten(1).isfinite().all(1)
    fields = {"pos": pos, **{name: getattr(made, name) for name in ("element", "charge", "bond")}}
    return clean.replace(
        **{
            name: torch.where(column(kept, value), value, getattr(clean, name).to(value.dtype))
            for name, value in fields.items()
        }
    )


def refined(grid: Grid, substeps: int) -> Float[Tensor, " finer"]:
    """The grid with each interval cut into ``substeps``: evenly in log σ, the last one, down to 0, evenly in σ."""
    pieces = []
    for high, low in pairwise(grid):
        share = torch.arange(substeps, dtype=grid.dtype) / substeps
        pieces.append(high * (low / high) ** share if low > 0 else high * (1 - share))
    return torch.cat([*pieces, grid[-1:]])


def student_grid(options: DistillOptions) -> Grid:
    """The levels of the student, Å."""
    return karras(options.evaluations, options.sigma_max, options.sigma_min, options.rho)
