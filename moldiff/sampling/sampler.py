"""Making molecules with a trained model: the plan of sizes and batches, and the batches themselves."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack, get_args

import numpy as np
import torch

from moldiff.chemistry.arrays import MoleculeArrays, to_rdkit
from moldiff.config.keywords import SampleKeywords
from moldiff.config.options import parse
from moldiff.config.sample import SampleOptions
from moldiff.diffusion import schedules, solvers
from moldiff.diffusion.process import Process
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, load_model
from moldiff.models.shipped import weights_path
from moldiff.molecules.batch import Denoiser, MoleculeBatch, Prediction, Vocabulary
from moldiff.sampling.finish import Hydrogens, finish, progress_bar
from moldiff.sampling.molecules import Molecules
from moldiff.scoring.molecule.validity import is_strict
from moldiff.seeds import hash_seed
from moldiff.training.devices import device_type

if TYPE_CHECKING:
    from rdkit import Chem

LARGEST_BATCH = 128
"""Molecules of a batch at most: what is lost when a run is killed, and the grain of its progress bar."""


@dataclass(frozen=True)
class PlannedBatch:
    """Molecules of one size that are made together, from one seed."""

    number: int
    indices: tuple[int, ...]
    atoms: int


@dataclass(frozen=True)
class Generated:
    """One molecule as it left the model."""

    index: int
    arrays: MoleculeArrays
    restarts: int = 0

    @property
    def finite(self) -> bool:
        """Whether all coordinates are numbers."""
        return bool(np.isfinite(self.arrays.positions).all())


class Generator:
    """A trained model that makes molecules.

    >>> generator = Generator.load("drugs")
    >>> molecules = generator.sample(100, seed=0)
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    @classmethod
    def load(cls, path: str | Path) -> "Generator":
        """Read weights: a file, or the name of shipped ones.

        Raises:
            UserError: see `moldiff.models.shipped.weights_path` and `moldiff.models.checkpoint.load_model`.
        """
        return cls(load_model(weights_path(path)))

    def sample(
        self,
        n: int = 100,
        *,
        seed: int = 0,
        sanitize: bool = True,
        hydrogens: Hydrogens = "as made",
        progress: bool | None = None,
        **options: Unpack[SampleKeywords],
    ) -> Molecules:
        """Molecules with a conformer: sanitized, named, with stereo read from 3D; those that failed are marked.

        Args:
            n: molecules to make.
            seed: the same seed gives the same molecules.
            sanitize: False gives all molecules as they were made.
            hydrogens: add: hydrogens that the model left out are placed, then relaxed with the others fixed.
            progress: whether to show a progress bar; by default on a terminal and in notebooks.
            options: any other of `moldiff.config.sample.SampleOptions`, such as steps, solver or atoms.

        Raises:
            UserError: an option does not exist or is out of range.
        """
        if hydrogens not in get_args(Hydrogens):
            raise UserError(f"hydrogens {hydrogens!r}: choose one of {', '.join(get_args(Hydrogens))}")
        chosen = parse(SampleOptions, {"n": n, "seed": seed, **options}, "options of sample")
        made: list[Generated] = []
        with progress_bar(n, progress) as bar:
            for batch in planned(chosen, self.model.statistics.sizes):
                made += self.batch(chosen, batch)
                bar.update(len(batch.indices))
        common: dict[str, int | str] = {"moldiff_seed": seed, "moldiff_model": self.model.checksum[:12]}
        return Molecules(
            finish(
                self.to_rdkit(one),
                {"moldiff_index": one.index, **common, "moldiff_restarts": one.restarts},
                finite=one.finite,
                sanitized=sanitize,
                hydrogens=hydrogens,
            )
            for one in sorted(made, key=_index)
        )

    def to_rdkit(self, molecule: Generated) -> "Chem.Mol":
        """The molecule as RDKit's; where the model makes hydrogens itself, RDKit adds none."""
        hydrogens: Literal["explicit", "implicit"] = (
            "explicit" if self.model.statistics.hydrogens == "explicit" else "implicit"
        )
        return to_rdkit(molecule.arrays, f"sample_{molecule.index:06d}", hydrogens=hydrogens)

    @torch.inference_mode()
    def batch(self, options: SampleOptions, batch: PlannedBatch) -> list[Generated]:
        """The molecules of one planned batch; they follow from the seed and the batch's number alone."""
        with torch_threads(options.threads):
            device = torch.device(options.accelerator if options.accelerator != "auto" else device_type())
            network = self.model.network.to(device)
            mask = torch.ones(len(batch.indices), batch.atoms, dtype=torch.bool, device=device)
            random = torch.Generator().manual_seed(hash_seed(options.seed, 3, batch.number))
            process = self.model.process
            dtype = next(network.parameters()).dtype
            denoiser = reduced(network) if options.precision == "bfloat16" else network
            step, levels = solver(options, process), grid(options)
            *_, state = solvers.generate(process, denoiser, step, levels, mask, random, dtype)
            made = self.generated(state, batch.indices)
            broken = list(range(len(made)))
            for _ in range(options.restarts):
                broken = [place for place in broken if not self.strict(made[place])]
                if not broken:
                    break
                places = torch.tensor(broken, device=device)
                begin = state.select(places)
                begin = begin.replace(pos=begin.pos.nan_to_num(0, 0, 0))
                tail = restart_levels(options)
                *_, again = solvers.generate(process, denoiser, step, tail, begin.mask, random, dtype, begin=begin)
                state = state.put(places, again)
                for place, one in zip(broken, self.generated(again, [batch.indices[i] for i in broken]), strict=True):
                    made[place] = replace(one, restarts=made[place].restarts + 1)
        return made

    def strict(self, molecule: Generated) -> bool:
        """Whether a molecule is valid_strict as `moldiff check` says; one that is not is worth another try."""
        return molecule.finite and is_strict(self.to_rdkit(molecule))

    def generated(self, state: MoleculeBatch, indices: Sequence[int]) -> list[Generated]:
        """Clean molecules of a batch as they are written, with their numbers."""
        made = to_arrays(state.to("cpu"), self.model.network.vocabulary)
        return [Generated(index, arrays) for index, arrays in zip(indices, made, strict=True)]


def reduced(network: Denoiser) -> Denoiser:
    """The network with matrix products in bfloat16 (autocast); positions and what it returns stay float32."""

    def denoise(noisy: MoleculeBatch, sigma: torch.Tensor, previous: Prediction | None = None) -> Prediction:
        with torch.autocast(noisy.pos.device.type, torch.bfloat16):
            made = network(noisy, sigma, previous)
        return Prediction(made.pos.float(), made.element.float(), made.charge.float(), made.bond.float())

    return denoise


def load(path: str | Path) -> Generator:
    """The generator of a weights file or of shipped weights; see `Generator.load`."""
    return Generator.load(path)


def planned(options: SampleOptions, sizes: dict[int, int]) -> list[PlannedBatch]:
    """The sizes of all molecules, drawn with the seed, cut into batches of one size each.

    Raises:
        UserError: the training set's histogram of sizes is empty.
    """
    if not sizes:
        raise UserError("the weights hold no histogram of sizes; train on a dataset that is not empty")
    random = np.random.default_rng(hash_seed(options.seed, 4))
    if options.atoms is not None:
        drawn = np.full(options.n, options.atoms)
    else:
        atoms, counts = np.array(sorted(sizes.items())).T
        drawn = random.choice(atoms, options.n, p=counts / counts.sum())
    batches: list[PlannedBatch] = []
    for size in np.unique(drawn):
        indices = np.flatnonzero(drawn == size)
        most = int(np.clip(options.batch_pairs // size**2, 1, LARGEST_BATCH))
        for start in range(0, len(indices), most):
            batches.append(PlannedBatch(len(batches), tuple(indices[start : start + most].tolist()), int(size)))
    return batches


def solver(options: SampleOptions, process: Process) -> solvers.Step:
    """The solver that the options name."""
    churn = solvers.Churn(options.noise, high=options.noise_below, step_scale=options.step_scale)
    match options.solver:
        case "euler":
            return solvers.Euler(process, churn, options.temperature)
        case "heun":
            return solvers.Heun(process, churn, options.temperature)
        case "ddpm":
            return solvers.Ancestral(process, 1.0, options.temperature)
        case "ddim":
            return solvers.Ancestral(process, 0.0, options.temperature)


def grid(options: SampleOptions) -> schedules.Grid:
    """The noise levels that the options name."""
    match options.schedule:
        case "karras":
            return schedules.karras(options.steps, options.sigma_max, options.sigma_min, options.rho)
        case "linear":
            return schedules.linear(options.steps, options.sigma_max, options.sigma_min)
        case "cosine":
            return schedules.cosine(options.steps, options.sigma_max, options.sigma_min)


def restart_levels(options: SampleOptions) -> schedules.Grid:
    """The noise levels of a restart: the grid's from `restart_from` on."""
    levels = grid(options)
    return levels[levels <= options.restart_from]


def evaluations(options: SampleOptions) -> int:
    """Network evaluations that each molecule costs without a restart."""
    return _evaluations(options, options.steps)


def restart_evaluations(options: SampleOptions) -> int:
    """Network evaluations that each restart of a molecule costs."""
    return _evaluations(options, len(restart_levels(options)) - 1)


def _evaluations(options: SampleOptions, steps: int) -> int:
    return 2 * steps - 1 if options.solver == "heun" else steps


def to_arrays(batch: MoleculeBatch, vocabulary: Vocabulary) -> list[MoleculeArrays]:
    """Each molecule of a batch as plain arrays, for chemistry."""
    elements = np.array(vocabulary.elements, np.uint8)
    charges = np.array(vocabulary.charges, np.int8)
    result = []
    for number, size in enumerate(batch.sizes.tolist()):
        bond = batch.bond[number, :size, :size].numpy()
        row, column = np.nonzero(np.triu(bond, 1))
        result.append(
            MoleculeArrays(
                positions=batch.pos[number, :size].double().numpy(),
                atomic_numbers=elements[batch.element[number, :size].numpy()],
                formal_charges=charges[batch.charge[number, :size].numpy()],
                bonds=np.stack([row, column], 1).astype(np.uint16),
                bond_orders=bond[row, column].astype(np.uint8),
            )
        )
    return result


class torch_threads:
    """Sets torch's threads for a block; 0 takes the cores this process may use."""

    def __init__(self, threads: int) -> None:
        self.threads = threads or len(os.sched_getaffinity(0))

    def __enter__(self) -> None:
        self.before = torch.get_num_threads()
        torch.set_num_threads(self.threads)

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self.before)


def _index(molecule: Generated) -> int:
    return molecule.index


def batches_of(plan: list[PlannedBatch], shard: tuple[int, int] | None) -> Iterator[PlannedBatch]:
    """The batches of shard k of N, or all."""
    number, shards = shard or (0, 1)
    yield from plan[number::shards]
