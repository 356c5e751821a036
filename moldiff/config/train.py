"""Options of train."""

from typing import Literal, Self

from pydantic import Field, model_validator

from moldiff.config.autoencode import AutoencodeOptions
from moldiff.config.distill import DistillOptions
from moldiff.config.network import NetworkOptions, TransformerOptions
from moldiff.config.options import Options
from moldiff.config.prefer import PreferOptions


class TaskShares(Options):
    """How often each task is trained; shares are relative to their sum."""

    new: float = Field(0.6, ge=0, le=1000)
    """Share of molecules of which nothing is given."""
    fragment: float = Field(0.2, ge=0, le=1000)
    """A connected part is given with its pose: a ring system, a scaffold, pieces, or 20 to 80 % of the atoms."""
    fragments: float = Field(0.06, ge=0, le=1000)
    """Two or three parts are given with their poses, to be linked."""
    conformer: float = Field(0.08, ge=0, le=1000)
    """The graph is given: conformers."""
    bonds: float = Field(0.06, ge=0, le=1000)
    """Positions and elements are given: bonds and charges of bare coordinates."""
    hydrogens: float = Field(0.05, ge=0, le=1000)
    """The heavy atoms are given, if hydrogens are atoms (`hydrogens: explicit`); otherwise nothing."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not sum(self.model_dump().values()):
            raise ValueError("all shares are 0; give at least one, such as new: 1")
        return self


NEEDED = {
    "start_from": "the weights that made the refused molecules",
    "refused": "a dataset of the molecules that are not wanted",
}
"""What the objective prefer cannot do without."""
FIXED = {
    "distill": {
        "start_from": "a student starts from its teacher",
        "placeholders": "a student has those of its teacher",
        "properties": "a student has those of its teacher",
        "learn": "a student learns all that its teacher does",
        "log_sigma_mean": "a student's noise levels are those of its grid",
        "log_sigma_deviation": "a student's noise levels are those of its grid",
    },
    "prefer": {
        "placeholders": "they stay as in start_from, with which the network is compared",
        "properties": "they stay as in start_from, with which the network is compared",
        "learn": "preferences are of all weights",
    },
    "autoencode": {
        "tasks": "an autoencoder takes complete molecules",
        "learn": "an autoencoder has no handedness",
        "placeholders": "an autoencoder takes molecules as they are",
        "properties": "an autoencoder is asked for none",
        "log_sigma_mean": "the noise on its latents is autoencode.noise",
        "log_sigma_deviation": "the noise on its latents is autoencode.noise",
        "self_conditioning": "an autoencoder sees no prediction of its own",
        "sample_every": "an autoencoder makes no new molecules",
    },
}
"""Options that an objective does not leave open, and why."""
FIXED_IN_LATENTS = {
    "tasks": "in a latent space nothing can be given",
    "placeholders": "an autoencoder knows none",
    "properties": "molecules of a latent space cannot be asked for them yet",
}
"""Options that a training in a latent space does not leave open, and why."""


class TrainOptions(Options):
    """Training of the denoiser."""

    objective: Literal["denoise", "distill", "prefer", "autoencode"] = "denoise"
    """denoise: learn from molecules; distill: a student of `teacher`, which samples in few evaluations; prefer: make
    molecules of the dataset likelier and those of `refused` less likely than `start_from` does; autoencode: learn a
    latent space of molecules, in which another training denoises."""
    autoencoder: str | None = None
    """Weights of an autoencoder, in whose latent space the denoiser is trained; by default molecules are denoised."""
    autoencode: AutoencodeOptions = AutoencodeOptions()
    """What an autoencoder's latent space is, and how it is learned."""
    teacher: str | None = None
    """Weights to distil, from which the student starts: a file, or the name of shipped ones."""
    distill: DistillOptions = DistillOptions()
    """How a student learns."""
    refused: str | None = None
    """Dataset of molecules that are not wanted, such as those of `start_from` that a check refused."""
    prefer: PreferOptions = PreferOptions()
    """How preferred and refused molecules are told apart."""
    network: NetworkOptions = TransformerOptions()
    """Architecture, width and depth of the denoiser; of an autoencoder, of its encoder and of its decoder."""
    learn: Literal["all", "chirality"] = "all"
    """all: all weights; chirality: those of `network.chirality` alone, so that molecules of which no handedness is
    asked stay the same to the last bit."""
    tasks: TaskShares = TaskShares()
    """How often each task is trained: one network makes molecules, completes parts and finds conformers."""
    placeholders: float = Field(0.0, ge=0, le=0.3)
    """Largest number of placeholder atoms, as a fraction of the atoms; with them the network decides the size."""
    properties: list[str] = Field([])
    """Columns of the dataset, or computed descriptors, that `sample.target` can ask for."""
    steps: int = Field(6000, ge=1)
    """Number of optimiser steps."""
    minutes: float | None = Field(None, gt=0, le=1e6)
    """Limit on the training's wall time, minutes; if it comes before `steps`, the learning rate reaches zero there."""
    batch_size: int = Field(48, ge=1, le=1_000_000)
    """Number of average-sized molecules in a batch; batches hold a fixed number of pairs, so fewer large molecules."""
    learning_rate: float = Field(2e-3, gt=0, le=10)
    """Peak learning rate (AdamW), after the warm-up and before the cosine."""
    warmup_steps: int = Field(300, ge=0)
    """Number of steps of linear warm-up."""
    weight_decay: float = Field(0.01, ge=0, le=100)
    """Weight decay of matrices (AdamW)."""
    ema: float = Field(0.999, ge=0, lt=1)
    """Decay of the exponential moving average of the weights, which is what is saved."""
    clip: float = Field(1.0, gt=0, le=1e6)
    """Largest norm of the gradient."""
    self_conditioning: float = Field(0.5, ge=0, le=1)
    """Fraction of steps in which the network also sees its own first prediction (self-conditioning)."""
    log_sigma_mean: float = Field(-1.0, ge=-5, le=3)
    """Mean of ln σ, σ in Å, of the training noise levels; a lower one, such as -2, refines geometry in fine-tuning."""
    log_sigma_deviation: float = Field(1.4, gt=0, le=5)
    """Standard deviation of ln σ."""
    precision: Literal["float32", "tensorfloat32", "bfloat16", "float64"] = "float32"
    """Arithmetic of the network. tensorfloat32: float32 whose matrix products see 10 bits, on GPUs that can."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes a GPU where one works."""
    devices: int = Field(1, ge=1, le=1024)
    """Number of processes on each node: GPUs, or CPU processes that exchange gradients by gloo."""
    oversubscribe: bool = False
    """Allow more `devices` than there are cores or GPUs."""
    nodes: int = Field(1, ge=1, le=1024)
    """Number of nodes."""
    threads: int = Field(0, ge=0, le=1024)
    """Threads of each process; 0 uses all available cores. Another number changes the last digits of the
    weights, so the same seed gives the same file only with the same threads."""
    workers: int | None = Field(None, ge=0, le=1024)
    """Processes that draw noise and parts ahead for each process of the training; by default none on a CPU, and up to
    16 on a GPU, which would wait otherwise. The weights are the same with any number."""
    validate_every: int = Field(1000, ge=1)
    """Number of steps between evaluations of the validation loss."""
    sample_every: int = Field(0, ge=0)
    """Number of steps between checks of validity and uniqueness on samples; 0 for none."""
    sample_count: int = Field(64, ge=1, le=1_000_000)
    """Number of molecules sampled for such a check."""
    checkpoint_every: int = Field(500, ge=1)
    """Number of steps between saved states, from which a killed training resumes."""
    start_from: str | None = None
    """Weights to fine-tune: a file, or the name of shipped ones (`moldiff weights` lists them)."""
    seed: int = Field(0, ge=0)
    """Seed of weights, noise and data order."""

    @property
    def begins_with(self) -> str | None:
        """Weights that the training starts from: those to fine-tune, the teacher's, or the autoencoder's."""
        return self.teacher or self.start_from or self.autoencoder

    @model_validator(mode="after")
    def _objective(self) -> Self:
        owners = {
            "teacher": "distill", "distill": "distill", "refused": "prefer", "prefer": "prefer",
            "autoencode": "autoencode", "autoencoder": "denoise",
        }  # fmt: skip
        for name, owner in owners.items():
            if self.objective != owner and self._is_set(name):
                remedy = "; weights to fine-tune are start_from" if name == "teacher" else ""
                raise ValueError(f"{name} needs objective: {owner}{remedy}")
        if self.objective == "distill" and self.teacher is None:
            raise ValueError("objective distill needs the weights to distil; name them with teacher")
        for name in ("start_from", "refused"):
            if self.objective == "prefer" and getattr(self, name) is None:
                raise ValueError(f"objective prefer needs {name}: {NEEDED[name]}")
        for name, reason in FIXED.get(self.objective, {}).items():
            if self._is_set(name):
                raise ValueError(f"{name} cannot be set with objective {self.objective}: {reason}")
        if self.autoencoder is not None and self.start_from is not None:
            raise ValueError("start_from and autoencoder contradict each other: weights to start from hold their own")
        for name in ("channels", "noise", "group"):
            changed = getattr(self.autoencode, name) != getattr(AutoencodeOptions(), name)
            if self.start_from is not None and changed:
                raise ValueError(f"autoencode.{name} cannot be set with start_from: it stays as the weights have it")
        for name, reason in FIXED_IN_LATENTS.items() if self.autoencoder is not None else ():
            if self._is_set(name):
                raise ValueError(f"{name} cannot be set with autoencoder: {reason}")
        if self.learn != "all" and self.start_from is None:
            raise ValueError(f"learn: {self.learn} needs weights that else stay as they are; name them with start_from")
        for name in ("placeholders", "properties"):
            if self.learn != "all" and self._is_set(name):
                raise ValueError(f"{name} cannot be set with learn: {self.learn}, which leaves all others as they were")
        if self.network.chirality and (self.objective != "denoise" or self.autoencoder is not None):
            where = "autoencoder" if self.objective == "denoise" else f"objective {self.objective}"
            raise ValueError(f"network.chirality cannot be set with {where}: only a denoiser of molecules learns it")
        return self

    def _is_set(self, name: str) -> bool:
        default = type(self).model_fields[name].get_default(call_default_factory=True)
        return bool(getattr(self, name) != default)
