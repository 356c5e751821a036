"""Molecules from a trained model: the Python API, and the batches that the sample stage writes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, get_args

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from moldiff.chemistry.arrays import MoleculeArrays
from moldiff.config.keywords import LikelihoodKeywords, SampleKeywords
from moldiff.config.likelihood import LikelihoodOptions
from moldiff.config.options import parse
from moldiff.config.sample import SampleOptions
from moldiff.diffusion.mixture import mixed
from moldiff.diffusion.restarts import restarted
from moldiff.diffusion.schedules import Grid
from moldiff.diffusion.solvers import generate
from moldiff.errors import UserError
from moldiff.models.abilities import require_kind, require_task
from moldiff.models.checkpoint import Model, load_model
from moldiff.models.shipped import shipped_name, weights_path
from moldiff.molecules.batch import MoleculeBatch
from moldiff.molecules.denoiser import Denoiser
from moldiff.molecules.levels import Given, Levels
from moldiff.molecules.space import along
from moldiff.sampling.acceptance import Acceptance, acceptance
from moldiff.sampling.decode import Decoder, Sampled
from moldiff.sampling.finish import Hydrogens, finish, progress_bar
from moldiff.sampling.molecules import Molecules
from moldiff.sampling.plan import Plan, PlannedBatch, tail
from moldiff.sampling.steered import spare, steered
from moldiff.sampling.tasks import KeptPart, kept_part
from moldiff.seeds import Stream, stream_seed
from moldiff.training.devices import FEW_THREADS, available_cores, chosen_device, torch_threads

if TYPE_CHECKING:
    from rdkit import Chem

    from moldiff.sampling.likelihood import Likelihood

Around = Callable[[Int[Tensor, " chosen"]], MoleculeBatch]
"""Known molecules at these indices, with positions of their free atoms that were drawn where atoms may be."""


class Sampler:
    """A trained model that makes molecules.

    Args:
        model: the model, whose process is the one to sample by.
        learned_from: name of the weights, if they ship with moldiff.

    >>> sampler = Sampler.load("drugs")  # doctest: +SKIP
    >>> molecules = sampler.sample(100, seed=0)  # doctest: +SKIP
    """

    def __init__(self, model: Model, learned_from: str | None = None) -> None:
        self.model, self.process, self.learned_from = model, model.process, learned_from
        self.decoder = Decoder(model.network.vocabulary, model.statistics.hydrogens)

    @classmethod
    def load(cls, path: str | Path) -> "Sampler":
        """Read weights: a file, or the name of shipped ones.

        Raises:
            UserError: see `moldiff.models.shipped.weights_path` and `moldiff.models.checkpoint.load_model`.
        """
        file = weights_path(path)
        model = load_model(file)
        require_kind(path, model.kind, "sampling", "denoiser", "latent denoiser")
        return cls(model, learned_from=shipped_name(file))

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
        asked = parse(SampleOptions, {"n": n, "seed": seed, **options}, "options of sample")
        plan = Plan.of(asked, self.model.history)
        part = self.part(plan)
        made: list[Sampled] = []
        with progress_bar(n, progress) as bar:
            for batch in plan.batches(self.model.statistics, kept=len(part) if part else 0):
                made += self.batch(plan, batch, part)
                bar.update(len(batch.indices))
        common: dict[str, int | str] = {"moldiff_seed": seed, "moldiff_model": self.model.checksum[:12]}
        return Molecules(
            finish(
                self.to_rdkit(one),
                {"moldiff_index": one.index, **common, "moldiff_restarts": one.restarts, **one.noted},
                finite=one.finite,
                sanitized=sanitize,
                hydrogens=hydrogens,
            )
            for one in sorted(made, key=attrgetter("index"))
            if not one.flaw
        )

    def conformers(self, mols: "Sequence[Chem.Mol]", n: int = 10, *, seed: int = 0) -> "list[Chem.Mol]":
        """Copies with up to n conformers; see `moldiff.sampling.conformers.with_conformers`."""
        from moldiff.sampling.conformers import with_conformers

        return with_conformers(self, mols, n, seed)

    def hydrogens(self, mols: "Sequence[Chem.Mol]", *, seed: int = 0) -> "list[Chem.Mol]":
        """Copies with hydrogens placed by the model; see `moldiff.sampling.conformers.with_conformers`."""
        from moldiff.sampling.conformers import with_conformers

        return with_conformers(self, mols, 1, seed, hydrogens=True)

    def likelihood(self, mols: "Sequence[Chem.Mol]", **options: Unpack[LikelihoodKeywords]) -> "list[Likelihood]":
        """How likely the weights take molecules to be; see `moldiff.sampling.likelihood.likelihoods_of`."""
        from moldiff.sampling.likelihood import likelihoods_of

        return likelihoods_of(self, mols, parse(LikelihoodOptions, dict(options), "options of likelihood"))

    def part(self, plan: Plan) -> KeptPart | None:
        """The part that the plan's options ask to keep, if any.

        Raises:
            UserError: the weights were not trained to keep one, or see `moldiff.sampling.tasks.kept_part`.
        """
        known = self.model.statistics
        part = kept_part(plan.options, self.model.network.vocabulary, known.hydrogens, max(known.sizes, default=0))
        if part is not None:
            require_task(self.model.history, known.hydrogens, "fragments" if plan.options.link else "fragment")
        return part

    def acceptance(self, plan: Plan) -> Acceptance:
        """What the plan's options ask of a molecule, beyond valid_strict, that is not to be restarted.

        Raises:
            UserError: see `moldiff.sampling.acceptance.acceptance`.
        """
        return acceptance(plan.options, self.learned_from)

    def to_rdkit(self, molecule: Sampled) -> "Chem.Mol":
        """The molecule as RDKit's; where the model makes hydrogens itself, RDKit adds none."""
        return self.decoder.rdkit(molecule.arrays, f"sample_{molecule.index:06d}")

    def batch(self, plan: Plan, batch: PlannedBatch, part: KeptPart | None = None) -> list[Sampled]:
        """The molecules of one planned batch; they follow from the seed and the batch's number alone.

        Args:
            plan: of the sampling.
            batch: of the plan.
            part: that all of them keep.
        """
        atoms = batch.atoms + spare(plan.options, self.model, batch.atoms)
        mask = torch.ones(len(batch.indices), atoms, dtype=torch.bool)
        random = torch.Generator().manual_seed(stream_seed(plan.options.seed, Stream.SAMPLES, batch.number))
        blank = MoleculeBatch.blank(mask).replace(properties=torch.from_numpy(batch.properties).float())
        accepts = self.acceptance(plan)
        if part is None:
            state, restarts = self.run(plan, blank, None, random, lambda arrays: accepts(self.decoder.rdkit(arrays)))
            return self.sampled(state, batch.indices, restarts.tolist())
        accepts = accepts.allowing(self.decoder.rdkit(part.pose(0).arrays))
        known, given = part.known(blank, batch.indices, self.model.network.vocabulary)

        def accepted(arrays: MoleculeArrays) -> bool:
            return not part.flaw(arrays) and accepts(self.decoder.rdkit(arrays))

        def around(index: Int[Tensor, " chosen"]) -> MoleculeBatch:
            return part.surrounded(known.select(index), [batch.indices[place] for place in index.tolist()], random)

        state, restarts = self.run(plan, known, given, random, accepted, around=around)
        completed = self.sampled(state, batch.indices, restarts.tolist())
        completed = [replace(one, arrays=part.restored(one.arrays, one.index)) for one in completed]
        return [replace(one, flaw=part.flaw(one.arrays), given=len(part)) for one in completed]

    def complete(self, plan: Plan, known: MoleculeBatch, given: Given, seed: int = 0) -> MoleculeBatch:
        """Molecules of which some places are given: these are kept to the last bit, all others are made.

        Args:
            plan: of the sampling; its options say nothing about sizes here, the molecules have theirs.
            known: the molecules, with any values at the places that are not given.
            given: which places are given.
            seed: of the random numbers.

        Returns:
            The molecules, their positions in the coordinates of the given ones.
        """
        random = torch.Generator().manual_seed(stream_seed(seed, Stream.SAMPLES))
        state, _ = self.run(plan, known, given, random)
        return state

    @torch.inference_mode()
    def run(
        self,
        plan: Plan,
        known: MoleculeBatch,
        given: Given | None,
        random: torch.Generator,
        accepted: Callable[[MoleculeArrays], bool] | None = None,
        raised: float | None = None,
        around: Around | None = None,
    ) -> tuple[MoleculeBatch, Int[Tensor, " molecule"]]:
        """Finished molecules on the CPU, and how often each was taken back; see `complete`.

        A molecule is taken back if it is not valid_strict, or not ``accepted``. With ``raised`` all known molecules
        are raised to that noise level, Å, and made again from there, instead of beginning from the prior. With
        ``around``, which draws the positions of the free atoms of the molecules at some indices, sampling begins from
        these, and so does a restart from the first level of the grid.
        """
        options, process, space = plan.options, self.process, self.model.space
        device = torch.device(chosen_device(options.accelerator))
        network = self.model.network.to(device)
        precision = next(network.parameters()).dtype
        start = (known if given is None else given.framed(known)).to(device, precision)
        given = None if given is None else space.possible(given.map(lambda mask: mask.to(device)))
        latents = self.model.statistics.latents

        def steered_by(inner: Denoiser) -> Denoiser:
            return steered(inner, options, self.model, start)

        denoiser = mixed(network, latents, random, steered_by) if latents else steered_by(network)

        def judge(state: Any) -> Bool[Tensor, " molecule"]:
            all_arrays = self.decoder.arrays(space.leave(state))
            good = [self.decoder.strict(one) and (accepted is None or accepted(one)) for one in all_arrays]
            return torch.tensor(good, dtype=torch.bool)

        def made(begin: Any, own: Given | None, grid: Grid, *, from_clean: bool = True) -> Any:
            levels = along(space, begin, own)
            *_, last = generate(
                process, denoiser, plan.solver, grid, begin, random, levels, plan.numbers, from_clean=from_clean
            )
            return last

        def placed(around: Around, index: Int[Tensor, " chosen"], own: Given) -> MoleculeBatch:
            """Made from drawn positions, and from elements, charges and bonds of which nothing is known."""
            begin = own.framed(around(index).to(device, precision))
            blank = process.prior(begin, Levels.along(begin, own)(float(plan.grid[0])), random)
            return made(blank.replace(pos=begin.pos), own, plan.grid)

        def again(state: Any, index: Int[Tensor, " chosen"]) -> Any:
            own = None if given is None else given.map(lambda mask: mask[index])
            if own is not None and around is not None and plan.begins_again:
                return placed(around, index, own)
            smooth = {name: getattr(state, name) for name in process.modalities}
            begin = state.replace(
                **{name: value.nan_to_num(0, 0, 0) for name, value in smooth.items() if value.is_floating_point()}
            )
            return made(begin if own is None else own.kept(start.select(index), begin), own, plan.restart_grid)

        # not all cores there are: a seed gives the same molecules on machines of one core and of many
        with torch_threads(options.threads or min(FEW_THREADS, available_cores())):
            if around is not None and given is not None:
                state = placed(around, torch.arange(len(known)), given)
            elif raised is not None:
                state = made(space.enter(start), given, tail(plan.grid, raised))
            else:
                state = made(space.blank(start), given, plan.grid, from_clean=False)
            state, restarts = restarted(state, judge, again, options.restarts)
            state = space.leave(state).to("cpu")
        return (state if given is None else given.map(lambda mask: mask.cpu()).unframed(known, state)), restarts

    def sampled(self, state: MoleculeBatch, indices: Sequence[int], restarts: Sequence[int]) -> list[Sampled]:
        """Clean molecules of a batch as they are written, with their numbers."""
        return [Sampled(*one) for one in zip(indices, self.decoder.arrays(state), restarts, strict=True)]


def load(path: str | Path) -> Sampler:
    """The sampler of a weights file or of shipped weights; see `Sampler.load`."""
    return Sampler.load(path)
