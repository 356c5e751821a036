"""The plan of a sampling: the way through the noise levels and what it costs, and which molecules are made together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from moldiff.config.options import parse
from moldiff.config.sample import SampleOptions
from moldiff.diffusion import schedules
from moldiff.diffusion.solvers import Numbers, Solver, euler, heun
from moldiff.errors import UserError
from moldiff.models.abilities import own_settings
from moldiff.models.checkpoint import Statistics
from moldiff.sampling.targets import draw_properties, draw_sizes, parse_targets
from moldiff.seeds import Stream, stream_seed

FAR_BEYOND = 2
"""Times the largest number of atoms known that may be asked for."""
LARGEST_BATCH = 128
"""Molecules of a batch at most: what is lost when a run is killed, and the grain of its progress bar."""


@dataclass(frozen=True)
class PlannedBatch:
    """Molecules of one size that are made together, from one seed.

    Attributes:
        number: of the batch.
        indices: numbers of its molecules.
        atoms: of each of them.
        properties: [molecule, property] what is asked of each, NaN for nothing.
    """

    number: int
    indices: tuple[int, ...]
    atoms: int
    properties: np.ndarray = field(compare=False)


@dataclass(frozen=True)
class Plan:
    """What the options of a sampling come to.

    Attributes:
        options: themselves.
        grid: noise levels, Å, from the prior to 0.
        restart_grid: noise levels of a restart, Å, to 0.
        solver: of each step.
        numbers: of the steps.
    """

    options: SampleOptions
    grid: schedules.Grid
    restart_grid: schedules.Grid
    solver: Solver
    numbers: Numbers

    @classmethod
    def of(cls, options: SampleOptions, history: Mapping[str, Any] | None = None) -> "Plan":
        """The plan of these options.

        Args:
            options: of the sampling.
            history: of the weights; where they have settings of their own, as a student has, these count for options
                that are not given.

        Raises:
            UserError: such weights are asked for a preset, which is made for others.
        """
        if own := own_settings(history or {}):
            given = {name: getattr(options, name) for name in options.model_fields_set}
            if given.pop("preset", "default") != "default":
                raise UserError(
                    f"preset {options.preset}: these weights have settings of their own "
                    f"({', '.join(f'{name} {value}' for name, value in own.items())}); leave preset out, or set "
                    "steps and the other options themselves"
                )
            options = parse(SampleOptions, {**own, **given}, "options of sample, with those of the weights")
        grid = _grid(options)
        injected = Numbers(options.noise, options.step_scale, high=options.noise_below, temperature=options.temperature)
        match options.solver:
            case "euler":
                solver, numbers = euler, injected
            case "heun":
                solver, numbers = heun, injected
            case "ddpm":
                solver, numbers = euler, Numbers(eta=1.0, temperature=options.temperature)
            case "ddim":
                solver, numbers = euler, Numbers(eta=0.0, temperature=options.temperature)
        # the first level of a grid may be sigma_max and a rounding more, so levels are not compared with it
        whole = options.restart_level >= options.sigma_max
        return cls(options, grid, grid if whole else tail(grid, options.restart_level), solver, numbers)

    @property
    def begins_again(self) -> bool:
        """Whether a restart goes through the whole grid, so that nothing of the last try is left."""
        return len(self.restart_grid) == len(self.grid)

    @property
    def evaluations(self) -> int:
        """Network evaluations that each molecule costs without a restart."""
        return self._evaluations(self.grid)

    @property
    def restart_evaluations(self) -> int:
        """Network evaluations that each restart of a molecule costs."""
        return self._evaluations(self.restart_grid)

    def _evaluations(self, grid: schedules.Grid) -> int:
        steps = len(grid) - 1
        return 2 * steps - 1 if self.solver is heun else steps

    def batches(
        self, statistics: Statistics, shard: tuple[int, int] | None = None, *, kept: int = 0
    ) -> list[PlannedBatch]:
        """The sizes and targets of all molecules, drawn with the seed, cut into batches of one size each.

        Args:
            statistics: of the weights: sizes of the training set, properties that can be asked for.
            shard: (k, N) for the batches of the k-th of N parts.
            kept: atoms of a part that every molecule has.

        Raises:
            UserError: the histogram of sizes is empty, the size asked for is far beyond it, or a target cannot be asked
                for.
        """
        options, known = self.options, statistics.sizes
        asked = max(options.atom_range) if options.atom_range else 0
        if known and asked > FAR_BEYOND * max(known) and not options.any_size:
            raise UserError(
                f"atoms {options.atoms}: {known_sizes(known)}; ask for {FAR_BEYOND * max(known)} at most, "
                "or set any_size (--any-size)"
            )
        random = np.random.default_rng(stream_seed(options.seed, Stream.SIZES))
        targets = parse_targets(options.target, statistics.properties)
        chance = np.random.default_rng(stream_seed(options.seed, Stream.TARGETS))
        properties = draw_properties(targets, statistics.properties, options.n, chance)
        atoms = draw_sizes(options, statistics, properties, random, kept)
        batches: list[PlannedBatch] = []
        for size in np.unique(atoms):
            indices = np.flatnonzero(atoms == size)
            most = int(np.clip(options.batch_pairs // size**2, 1, LARGEST_BATCH))
            for start in range(0, len(indices), most):
                chosen = indices[start : start + most]
                batches.append(PlannedBatch(len(batches), tuple(chosen.tolist()), int(size), properties[chosen]))
        number, shards = shard or (0, 1)
        return batches[number::shards]


def known_sizes(sizes: Mapping[int, int]) -> str:
    """The range of a histogram of sizes, in words."""
    return f"the weights know molecules of {min(sizes)} to {max(sizes)} atoms"


def tail(grid: schedules.Grid, start: float) -> schedules.Grid:
    """The levels of a grid from ``start``, Å, on; ``start`` and 0 if no level lies between them."""
    levels = grid[grid <= start]
    return levels if len(levels) > 1 else torch.tensor([start, 0.0], dtype=grid.dtype)


def _grid(options: SampleOptions) -> schedules.Grid:
    match options.schedule:
        case "karras":
            return schedules.karras(options.steps, options.sigma_max, options.sigma_min, options.rho)
        case "linear":
            return schedules.linear(options.steps, options.sigma_max, options.sigma_min)
        case "cosine":
            return schedules.cosine(options.steps, options.sigma_max, options.sigma_min)
