"""Every option of every stage, once: its name, type, default, unit and help.

The command line, the workflow's files, their JSON schema and ``docs/configuration.md`` are made from these classes.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from moldiff.options import Options


class FeaturizeOptions(Options):
    """From raw molecules to the featurized dataset."""

    inputs: list[str] = Field([])
    """Files or globs: SDF, SMILES, CSV, TSV or XYZ, plain or .gz; or `pyg-qm9:FOLDER` for torch-geometric's QM9."""
    smiles_column: str | None = None
    """Column of a CSV or TSV that holds SMILES; by default a column named smiles, in any case."""
    id_column: str | None = None
    """Column or SDF property that names a molecule; by default the record's title."""
    hydrogens: Literal["implicit", "explicit"] = "implicit"
    """implicit: remove hydrogens from the graph; explicit: keep those given and add the missing ones."""
    elements: list[str] = Field(["H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I"])
    """Elements that are allowed; a molecule with another one is rejected."""
    min_atoms: int = Field(1, ge=1)
    """Smallest number of atoms of the featurized molecule."""
    max_atoms: int = Field(120, ge=1, le=1000)
    """Largest number of atoms of the featurized molecule."""
    max_charge: int = Field(2, ge=0, le=4)
    """Largest absolute formal charge of an atom."""
    fragments: Literal["reject", "largest"] = "largest"
    """What becomes of a record of several fragments: salts are stripped, or the record is rejected."""
    neutralize: bool = False
    """Neutralize charges where hydrogen can be added or removed (RDKit Uncharger)."""
    conformers: int = Field(1, ge=1, le=100)
    """Conformers made for each molecule that comes without coordinates (ETKDGv3, seeded)."""
    minimize: bool = True
    """Minimize made conformers with MMFF94s (UFF where MMFF has no parameters)."""
    conformer_timeout: float = Field(10.0, gt=0)
    """Seconds after which making the conformers of one molecule is given up."""
    relax: Literal["none", "gfn2"] = "none"
    """gfn2: relax every conformer, made or given, with GFN2-xTB (extra `xtb`); a second of a core for 45 atoms."""
    relax_timeout: float = Field(120.0, gt=0)
    """Seconds after which the relaxation of one molecule's conformers is given up."""
    duplicates: Literal["keep", "reject"] = "keep"
    """What becomes of a record whose canonical SMILES stood in an earlier record."""
    limit: int | None = Field(None, ge=1)
    """Read only this many records, the first ones."""
    split: Literal["random", "scaffold", "hash", "column"] = "hash"
    """How molecules are divided into train, valid and test; hash goes by the InChIKey's first block."""
    split_column: str = "split"
    """Column or SDF property that holds train, valid or test, if split is column."""
    valid_fraction: float = Field(0.05, ge=0, lt=1)
    """Share of molecules held out to follow the training."""
    test_fraction: float = Field(0.0, ge=0, lt=1)
    """Share of molecules held out and not looked at."""
    shards: int = Field(1, ge=1, le=10000)
    """Number of parts that are featurized apart and merged; the result does not depend on it."""
    seed: int = Field(0, ge=0)
    """Seed of conformers and of the random split."""

    @model_validator(mode="after")
    def _fractions(self) -> Self:
        if self.valid_fraction + self.test_fraction >= 1:
            raise ValueError("valid_fraction + test_fraction leaves nothing to train on; lower one of them")
        if self.min_atoms > self.max_atoms:
            raise ValueError(f"min_atoms {self.min_atoms} is above max_atoms {self.max_atoms}")
        return self


class NetworkOptions(Options):
    """Width and depth of the denoiser."""

    layers: int = Field(4, ge=1, le=64)
    """Number of layers."""
    scalars: int = Field(128, ge=8)
    """Scalar channels of an atom."""
    vectors: int = Field(32, ge=4)
    """Channels of each degree above 0 of an atom."""
    degree: int = Field(1, ge=1, le=3)
    """Highest degree l of the irreps that atoms carry."""
    pairs: int = Field(48, ge=4)
    """Channels of a pair's state."""
    hidden: int = Field(96, ge=8)
    """Hidden width of the pair network."""
    heads: int = Field(8, ge=1)
    """Attention heads; twice their number must divide scalars."""

    @model_validator(mode="after")
    def _heads(self) -> Self:
        if self.scalars % (2 * self.heads):
            raise ValueError(f"twice heads, {2 * self.heads}, does not divide scalars {self.scalars}")
        return self


class TrainOptions(Options):
    """Training of the denoiser."""

    network: NetworkOptions = NetworkOptions()
    """Width and depth of the denoiser."""
    steps: int = Field(6000, ge=1)
    """Optimiser steps."""
    minutes: float | None = Field(None, gt=0)
    """Limit on the training's wall time, minutes; the learning rate reaches zero there if that is before `steps`."""
    batch_size: int = Field(48, ge=1)
    """Molecules of mean size in a batch; batches are cut by pairs, so larger molecules come in smaller batches."""
    learning_rate: float = Field(2e-3, gt=0)
    """Peak learning rate (AdamW), after the warm-up and before the cosine."""
    warmup_steps: int = Field(300, ge=0)
    """Steps of linear warm-up."""
    weight_decay: float = Field(0.01, ge=0)
    """Weight decay of matrices (AdamW)."""
    ema: float = Field(0.999, ge=0, lt=1)
    """Decay of the exponential moving average of the weights, which is what is saved."""
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient."""
    self_conditioning: float = Field(0.5, ge=0, le=1)
    """Share of steps in which the network also sees its own first prediction."""
    log_sigma_mean: float = Field(-1.0, ge=-5, le=3)
    """Mean of ln σ, σ in Å, where noise levels are drawn; a lower one, such as -2, teaches geometry in fine-tuning."""
    log_sigma_deviation: float = Field(1.4, gt=0, le=5)
    """Standard deviation of ln σ."""
    precision: Literal["float32", "bfloat16", "float64"] = "float32"
    """Arithmetic of the network."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes a GPU where one works."""
    devices: int = Field(1, ge=1)
    """Processes on each node: GPUs, or CPU processes that exchange gradients by gloo."""
    nodes: int = Field(1, ge=1)
    """Nodes that train together."""
    threads: int = Field(0, ge=0)
    """Threads of each process; 0 takes the processor cores at hand."""
    validate_every: int = Field(1000, ge=1)
    """Steps between two evaluations of the validation loss."""
    sample_every: int = Field(0, ge=0)
    """Steps between two sampled checks of validity and uniqueness; 0 makes none."""
    sample_count: int = Field(64, ge=1)
    """Molecules of a sampled check."""
    checkpoint_every: int = Field(500, ge=1)
    """Steps between two saved training states, from which a killed training resumes."""
    start_from: str | None = None
    """Weights to fine-tune: a file, or the name of shipped ones (`moldiff weights` lists them)."""
    seed: int = Field(0, ge=0)
    """Seed of weights, noise and data order."""


class SampleOptions(Options):
    """Generation of molecules."""

    n: int = Field(500, ge=1)
    """Molecules to generate."""
    seed: int = Field(0, ge=0)
    """Seed; the same seed, options, weights and device give the same molecules."""
    steps: int = Field(50, ge=1, le=10000)
    """Steps to each molecule, of one network evaluation each (Heun takes two a step)."""
    solver: Literal["euler", "heun", "ddpm", "ddim"] = "euler"
    """euler: Euler with injected noise, deterministic at noise 0; heun: second order; ddpm: ancestral; ddim."""
    schedule: Literal["karras", "linear", "cosine"] = "karras"
    """Grid of noise levels: Karras et al. 2022, linear in beta (Ho et al. 2020), cosine (Nichol and Dhariwal 2021)."""
    sigma_max: float = Field(5.0, gt=0)
    """Largest noise level, Å."""
    sigma_min: float = Field(0.03, gt=0)
    """Smallest noise level before zero, Å."""
    rho: float = Field(7.0, gt=0)
    """Curvature of the Karras grid."""
    noise: float = Field(0.8, ge=0, le=1)
    """Largest relative noise injected in a step of the solvers euler and heun (gamma of Karras et al.)."""
    noise_below: float = Field(0.5, gt=0)
    """Largest noise level, Å, at which noise is injected and steps are lengthened; higher ones decide the shape."""
    step_scale: float = Field(1.75, ge=1, le=2)
    """How far these steps take positions (euler and heun), in steps of the grid; above 1 fewer atoms go astray."""
    temperature: float = Field(1.0, gt=0)
    """Of the predicted elements, charges and bonds that each step draws from; below 1 the likelier ones gain."""
    restarts: int = Field(3, ge=0, le=100)
    """Times that a molecule which is not valid_strict is taken back to restart_from and made anew from there."""
    restart_from: float = Field(1.2, gt=0)
    """Noise level of a restart, Å: the shape remains, what is wrong in it is drawn again."""
    atoms: int | None = Field(None, ge=1, le=1000)
    """Atoms of each molecule; by default drawn from the training set's histogram."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of matrix products; bfloat16 is faster on GPUs and on processors that compute in it, slower on others."""
    batch_pairs: int = Field(50_000, ge=100)
    """Most pairs of atoms in a batch, which bounds memory."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to sample."""
    threads: int = Field(0, ge=0)
    """Threads; 0 takes the processor cores at hand."""
    shards: int = Field(1, ge=1, le=10000)
    """Number of parts that are sampled apart and merged; the molecules do not depend on it."""

    @model_validator(mode="after")
    def _sigmas(self) -> Self:
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min {self.sigma_min} is not below sigma_max {self.sigma_max}")
        if self.restarts and self.restart_from < self.sigma_min:
            raise ValueError(f"restart_from {self.restart_from} is below sigma_min {self.sigma_min}")
        return self


class CheckOptions(Options):
    """Scoring of structures."""

    hydrogens: Literal["auto", "explicit", "implicit"] = "auto"
    """explicit: a missing hydrogen is an error; implicit: RDKit fills them; auto: implicit if no record has any."""
    charge: int = 0
    """Total charge assumed for XYZ records, which hold no bonds, unless their comment line says charge=N."""
    timeout: float = Field(30.0, gt=0)
    """Seconds after which one molecule is given up."""
    posebusters: int = Field(0, ge=0)
    """Molecules, drawn with the seed, on which PoseBusters itself is run as a cross-check; 0 runs none."""
    strain: int = Field(0, ge=0)
    """Molecules, drawn with the seed, whose MMFF94s strain is computed; 0 computes none."""
    xtb: int = Field(0, ge=0)
    """Molecules, drawn with the seed, relaxed with GFN2-xTB (extra `xtb`); 0 relaxes none."""
    etkdg: int = Field(0, ge=0)
    """Molecules, drawn with the seed, that are compared with ETKDGv3 + MMFF94s conformers; 0 compares none."""
    fcd: int = Field(0, ge=0)
    """Distinct valid molecules on which the Fréchet ChemNet distance is taken (extra `fcd`); 0 takes none."""
    workers: int = Field(0, ge=0)
    """Processes; 0 takes the processor cores at hand."""
    min_valid: float = Field(0.0, ge=0, le=1)
    """Smallest share of valid records; below it the command exits with status 3."""
    seed: int = Field(0, ge=0)
    """Seed of the drawn samples."""


class RankOptions(Options):
    """A short list of the checked molecules."""

    n: int = Field(0, ge=0)
    """Molecules wanted on the short list; 0 leaves the stage out of the workflow."""
    filters: list[str] = Field([])
    """Conditions over the columns of the check that must hold, such as `qed >= 0.5`."""
    weights: dict[str, float] = Field({"qed": 1.0, "sa": -1.0})
    """Columns to score by: weights above 0 where more is better, below 0 where less is."""
    method: Literal["weighted", "pareto"] = "weighted"
    """weighted: by the weighted mean of percentiles; pareto: by Pareto fronts in the weighted columns."""
    diversity: int = Field(10, ge=1)
    """MaxMin picks among the best `diversity * n`; 1 takes the best as they are."""
    scores: dict[str, str] = Field({})
    """Own columns by name: `FILE.py:FUNCTION`, or `command: LINE` with SMILES in and numbers out."""
    seed: int = Field(0, ge=0)
    """Seed of the picking."""


class ReportOptions(Options):
    """The report."""

    title: str = "moldiff report"
    """Title of the page."""
    pictures: int = Field(30, ge=0, le=500)
    """Molecules drawn in 2D."""
    viewers: int = Field(12, ge=0, le=100)
    """Molecules that can be turned in 3D."""


class Config(Options):
    """A whole run of the workflow."""

    name: str = Field("demo", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name of the run: results are written to results/NAME."""
    results: str = "results"
    """Folder of all results."""
    featurize: FeaturizeOptions = FeaturizeOptions()
    """From raw molecules to the featurized dataset."""
    train: TrainOptions = TrainOptions()
    """Training of the denoiser."""
    sample: SampleOptions = SampleOptions()
    """Generation of molecules."""
    check: CheckOptions = CheckOptions()
    """Scoring of structures."""
    rank: RankOptions = RankOptions()
    """A short list of the checked molecules."""
    report: ReportOptions = ReportOptions()
    """The report."""

    @model_validator(mode="after")
    def _inputs(self) -> Self:
        if not self.featurize.inputs:
            raise ValueError("featurize.inputs is empty; name the files to learn from")
        return self


def option_groups() -> dict[str, type[Options]]:
    """The option groups by the name of their stage, in the order of the workflow."""
    return {
        name: field.annotation
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Options)
    }
