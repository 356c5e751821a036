"""One optimiser step, on Lightning Fabric: one process or many, CPU or GPU, the same numbers.

A step is a function of (seed, step): its molecules, its noise and whether it conditions on itself follow from them
alone. So a resumed run continues exactly, and several processes see together the batch that one would see alone.
"""

import math
from typing import Any

import torch
from torch import Generator, nn
from torch.optim.swa_utils import AveragedModel

from moldiff.config.train import TrainOptions
from moldiff.errors import UserError
from moldiff.molecules.batch import MoleculeBatch
from moldiff.seeds import Stream, stream_seed
from moldiff.training.devices import new_fabric
from moldiff.training.objective import Drawn, Objective, weighted
from moldiff.training.optimizer import Optimizers, Rate, adamw, hold, warmed_cosine


class Learner:
    """What learns: a network with its objective, optimisers and running average.

    Args:
        options: of the training.
        network: the network, with the weights to start from; what was learned is in ``average``.
        objective: holds the network; what is lowered.
        optimizers: of the network's parameters.
        rate: the learning rate of each step.
    """

    def __init__(
        self,
        options: TrainOptions,
        network: nn.Module,
        objective: nn.Module,
        optimizers: Optimizers = adamw,
        rate: Rate = warmed_cosine,
    ) -> None:
        self.options, self.network, self.rate = options, network, rate
        hold(network, options)
        self.fabric = new_fabric(options)
        self.fabric.launch()
        self.rank, self.world = self.fabric.global_rank, self.fabric.world_size
        assert isinstance(objective, Objective)
        self.objective, self.weights = objective, objective.weights
        self.average: AveragedModel = AveragedModel(network, multi_avg_fn=self._lerp)
        self.module, *self.optimizers = self.fabric.setup(objective, *optimizers(network, options))
        self.average.to(self.fabric.device, next(network.parameters()).dtype)

    def draw(self, batch: MoleculeBatch, number: int) -> Drawn:
        """What this process learns from in a step.

        Args:
            batch: molecules, on the CPU; every process gets all of them and learns from its part.
            number: of the step.
        """
        # every process draws the noise of the whole batch and takes its own molecules: together they do one's work
        random = Generator().manual_seed(stream_seed(self.options.seed, Stream.NOISE, number))
        return self.objective.draw(batch, random, slice(self.rank, None, self.world))

    def step(self, drawn: Drawn, number: int, fraction: float) -> dict[str, float]:
        """One optimiser step: the mean of each loss over the molecules, unweighted.

        Args:
            drawn: what `draw` made for this step.
            number: of the step.
            fraction: share of the training that is done.

        Raises:
            UserError: the gradient is not finite.
        """
        options = self.options
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate(options, number, fraction)
            optimizer.zero_grad(set_to_none=True)
        losses = self.module(drawn)
        sums = {name: loss.sum() / drawn.molecules for name, loss in losses.items()}
        self.fabric.backward(weighted(self.weights, sums) * self.world)
        norm = self.fabric.clip_gradients(
            self.module, self.optimizers[0], max_norm=options.clip, error_if_nonfinite=False
        )
        if not math.isfinite(float(norm)):
            raise UserError(
                f"the loss is not finite at step {number}; lower train.learning_rate or use precision float32 "
                "(what was learned until the last saved state is kept)"
            )
        for optimizer in self.optimizers:
            optimizer.step()
        self.average.update_parameters(self.network)
        means = {name: value.detach() for name, value in sums.items()}
        if self.world > 1:
            means = self.fabric.all_reduce(means, reduce_op="sum")
        return {name: float(value) for name, value in means.items()}

    def agreed(self, fraction: float, asked: bool) -> tuple[float, bool]:
        """The fraction of the first process, and whether any was asked to stop.

        Clocks differ, and all processes must stop at the same step.
        """
        if self.world == 1:
            return fraction, asked
        mine = torch.tensor([fraction if self.rank == 0 else 0.0, float(asked)], dtype=torch.float64)
        fraction, number = self.fabric.all_reduce(mine.to(self.fabric.device), reduce_op="sum").tolist()
        return fraction, number > 0

    def state(self) -> dict[str, Any]:
        """All that a resumed training needs to know of this one."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from the state of a training with the same options."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        for optimizer, its in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(its)

    def _lerp(self, averages: Any, currents: Any, count: Any) -> None:
        # a shorter memory at the beginning, so that the first random weights do not stay in the average
        decay = min(self.options.ema, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averages, currents, 1 - decay)
