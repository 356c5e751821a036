"""The likelihood of molecules under trained weights, as a bound (`moldiff.diffusion.bound`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from rdkit import Chem
from torch import Tensor

from moldiff.chemistry.arrays import MoleculeArrays, to_arrays
from moldiff.config.likelihood import LikelihoodOptions
from moldiff.diffusion.bound import BoundGrid, bound, standard_error
from moldiff.errors import UserError
from moldiff.models.abilities import require_kind
from moldiff.molecules.batch import MoleculeBatch, Prediction, centred
from moldiff.molecules.denoiser import Denoiser
from moldiff.molecules.levels import Levels
from moldiff.sampling.encode import encode
from moldiff.sampling.intake import Intake, prepared
from moldiff.sampling.plan import LARGEST_BATCH
from moldiff.sampling.sampler import Sampler
from moldiff.seeds import Stream, stream_seed
from moldiff.training.devices import FEW_THREADS, available_cores, chosen_device, torch_threads


@dataclass(frozen=True)
class Likelihood:
    """A bound on −log p of one molecule, given its number of atoms, in nats; positions are in Å.

    Attributes:
        parts: of positions (``pos``), elements, charges and bonds, which add up to the bound.
        error: standard error of the estimate.
        atoms: of the molecule.
    """

    parts: dict[str, float]
    error: float
    atoms: int

    @property
    def nats(self) -> float:
        """The bound: lower means likelier."""
        return sum(self.parts.values())

    @property
    def nats_per_atom(self) -> float:
        """The bound over the number of atoms, by which molecules of different sizes may be compared."""
        return self.nats / self.atoms


def likelihoods(
    sampler: Sampler,
    molecules: Sequence[MoleculeArrays],
    options: LikelihoodOptions,
    *,
    number: int = 0,
    on_batch: Callable[[int], object] = int,
) -> list[Likelihood]:
    """The likelihood of each molecule, in order.

    Args:
        sampler: of the weights.
        molecules: whose elements and charges the weights know, with the hydrogens that they know.
        options: of the estimate.
        number: of this call, so that calls of one seed draw different noise.
        on_batch: given the number of molecules of each finished batch.

    Raises:
        UserError: the weights are a student's, whose jumps are no such chain, or denoise in a latent space, whose
            density says nothing of molecules.
    """
    statistics, network = sampler.model.statistics, sampler.model.network
    require_kind("likelihood", sampler.model.kind, "a bound in nats of a molecule", "denoiser")
    if statistics.latents:
        raise UserError("these weights are a few-step student's, which has no likelihood; take its teacher's")
    random = torch.Generator().manual_seed(stream_seed(options.seed, Stream.LIKELIHOOD, number))
    device = torch.device(chosen_device(options.accelerator))
    denoiser: Denoiser = network.to(device)
    if options.self_conditioning:
        denoiser = seen_twice(denoiser)
    grid = BoundGrid(options.sigma_max, options.sigma_min, drawn=options.levels)
    found: dict[int, Likelihood] = {}
    with torch_threads(options.threads or min(FEW_THREADS, available_cores())):
        for indices in _batches(molecules, options.batch_pairs):
            blank = MoleculeBatch.blank(torch.ones(len(indices), len(molecules[indices[0]]), dtype=torch.bool))
            unknown = torch.full((len(indices), len(statistics.properties)), torch.nan)
            batch = encode(
                blank.replace(properties=unknown), [molecules[index] for index in indices], network.vocabulary
            )
            batch = batch.replace(pos=centred(batch.pos, batch.mask)).to(device, next(network.parameters()).dtype)

            def levels(sigma: Tensor, batch: MoleculeBatch = batch) -> Levels:
                return Levels.of(sigma.to(batch.pos), batch)

            parts = bound(sampler.process, denoiser, batch, levels, grid, random, options.repeats)
            errors = standard_error(torch.stack(list(parts.values())).sum(0)).tolist()
            means = {name: estimates.mean(0).tolist() for name, estimates in parts.items()}
            for place, index in enumerate(indices):
                own = {name: values[place] for name, values in means.items()}
                found[index] = Likelihood(own, errors[place], len(molecules[index]))
            on_batch(len(indices))
    return [found[index] for index in range(len(molecules))]


def likelihoods_of(sampler: Sampler, mols: Sequence[Chem.Mol], options: LikelihoodOptions) -> list[Likelihood]:
    """The likelihood of RDKit molecules, whose hydrogens become those of the weights.

    Args:
        sampler: of the weights.
        mols: sanitized molecules with a conformer.
        options: of the estimate.

    Raises:
        UserError: a molecule has no conformer or something that the weights do not know; or see `likelihoods`.
    """
    ready, intake = [], Intake.of(sampler.model)
    for number, mol in enumerate(mols, start=1):
        own, reason = prepared(mol, intake, fixed=True)
        if own is None:
            raise UserError(f"molecule {number}: {reason}")
        ready.append(to_arrays(own))
    return likelihoods(sampler, ready, options)


def seen_twice(network: Denoiser) -> Denoiser:
    """The network that also sees its own first prediction, which follows from the noisy molecules alone."""

    def denoise(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        return network(noisy, levels, network(noisy, levels, None))

    return denoise


def _batches(molecules: Sequence[MoleculeArrays], pairs: int) -> list[list[int]]:
    """Molecules of one size each, of at most so many pairs."""
    batches: list[list[int]] = []
    ordered = sorted(range(len(molecules)), key=lambda index: len(molecules[index]))
    for size, group in groupby(ordered, key=lambda index: len(molecules[index])):
        indices, most = list(group), max(1, min(LARGEST_BATCH, pairs // size**2))
        batches += [indices[start : start + most] for start in range(0, len(indices), most)]
    return batches
