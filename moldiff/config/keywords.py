"""The options of sample, check and rank as keyword arguments, so that editors complete them.

Each class has the fields of its option class, less those that a function names itself; a test compares them.
"""

from typing import Literal, TypedDict


class SampleKeywords(TypedDict, total=False):
    """`moldiff.config.sample.SampleOptions`, without n and seed."""

    preset: Literal["fast", "default", "best"]
    steps: int
    solver: Literal["euler", "heun", "ddpm", "ddim"]
    schedule: Literal["karras", "linear", "cosine"]
    sigma_max: float
    sigma_min: float
    rho: float
    noise: float
    noise_below: float
    step_scale: float
    temperature: float
    restarts: int
    restart_if: Literal["invalid", "unknown_rings", "unreasonable"]
    rings_of: str | None
    restart_from: float | None
    atoms: str | None
    any_size: bool
    scaffold: str | None
    scaffold_smiles: str | None
    poses: int
    link: list[str]
    redesign: str | None
    grow: str | None
    new_atoms: str | None
    target: list[str]
    guidance: float
    guidance_low: float
    guidance_high: float
    precision: Literal["float32", "bfloat16"]
    batch_pairs: int
    accelerator: Literal["auto", "cpu", "cuda"]
    threads: int
    shards: int


class LikelihoodKeywords(TypedDict, total=False):
    """`moldiff.config.likelihood.LikelihoodOptions`."""

    levels: Literal[1, 2, 4, 8, 16, 32, 64, 128, 256]
    repeats: int
    self_conditioning: bool
    sigma_max: float
    sigma_min: float
    quantile: float
    seed: int
    batch_pairs: int
    accelerator: Literal["auto", "cpu", "cuda"]
    threads: int


class CheckKeywords(TypedDict, total=False):
    """`moldiff.config.check.CheckOptions`."""

    hydrogens: Literal["auto", "explicit", "implicit"]
    charge: int
    smiles_column: str | None
    reference_smiles_column: str | None
    timeout: float
    posebusters: int
    strain: int
    xtb: int
    etkdg: int
    fcd: int
    workers: int
    min_valid: float
    seed: int


class RankKeywords(TypedDict, total=False):
    """`moldiff.config.rank.RankOptions`, without n."""

    filters: list[str]
    smarts: list[str]
    not_smarts: list[str]
    alerts: str | None
    similar_to: list[str]
    weights: dict[str, float]
    method: Literal["weighted", "pareto"]
    diversity: int
    best: float
    floor: float
    scores: dict[str, str]
    tables: list[str]
    score_timeout: float
    seed: int
