"""The workflow on a few molecules, in seconds: for tests that run it, kill it and compare what it leaves."""

import copy
import csv
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
SMILES = (
    "CCO CCN CCC CC=O CC#N CCCO CCCN COC CNC C1CC1 CC(C)O CC(=O)O CC(N)=O OCCO NCCO C1CCO1 C1CCCC1 c1ccccc1 "
    "c1ccncc1 Cc1ccccc1 Oc1ccccc1 Nc1ccccc1 CC(C)C CCCC CCOC CCNC CC(=O)C CCC=O CCC#N OCC=O NCC=O C1CCNC1 C1CCOC1 "
    "CC1CC1 OC1CC1 NC1CC1 CSC CCS CCF CCCl FC(F)C ClCCl OC=O NC=O c1ccoc1 c1ccsc1 c1cc[nH]c1 Cn1cccc1"
).split()
RESULTS = os.environ.get("MOLDIFF_TEST_RESULTS", 'it\'s $(touch run); touch "here" & [a]*')
"""Folder of the results: whatever a shell could take for something else."""
OPTIONS: dict[str, Any] = {
    "name": "tiny",
    "results": RESULTS,
    "featurize": {"inputs": ["raw/*.smi"], "shards": 2, "valid_fraction": 0.2},
    "train": {
        "network": {"layers": 1, "irreps": "32x0e + 8x1o", "pairs": 16, "hidden": 16, "heads": 2},
        "steps": 150, "batch_size": 8, "warmup_steps": 10, "checkpoint_every": 10, "validate_every": 50, "threads": 1,
        "accelerator": "cpu",
    },
    "sample": {"n": 16, "steps": 8, "shards": 2, "threads": 1, "accelerator": "cpu"},
    "report": {"pictures": 4, "molecules": 50},
}  # fmt: skip
RULES = [
    "featurize", "merge_featurized", "train", "sample", "merge_samples", "check", "merge_checks", "rank", "report"
]  # fmt: skip

COMPARED = (
    "dataset/arrays.safetensors", "dataset/molecules.parquet", "dataset/dataset.json", "dataset/rejected.csv",
    "training/model.safetensors", "samples.sdf", "check/rows.csv", "check/rows.parquet", "check/summary.json",
)  # fmt: skip
"""Files of a run that hold no time: the same in every run, byte for byte."""


def snakemake(profile: str = "local") -> list[str]:
    """The command that runs the workflow in the current folder."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    return [*command, "--profile", str(ROOT / "workflows/profiles" / profile), "--configfile", "run.yaml"]


def write(folder: Path, copies: int = 1, **changes: dict[str, Any]) -> Path:
    """Raw molecules, each ``copies`` times, and a configuration; returns the folder of the run's results."""
    (folder / "raw").mkdir(parents=True)
    lines = [f"{text} m{number}\n" for number, text in enumerate(SMILES * copies)]
    (folder / "raw" / "molecules.smi").write_text("".join(lines))
    options = copy.deepcopy(OPTIONS)
    for name, values in changes.items():
        options[name] |= values
    (folder / "run.yaml").write_text(yaml.safe_dump(options))
    return run_of(folder)


def run_of(folder: Path) -> Path:
    """The folder of a run's results."""
    return folder / RESULTS / "tiny"


def outcome(run: Path) -> dict[str, str]:
    """A checksum of what each final file says, times left out; "missing" where there is no file."""
    found = {}
    for name in COMPARED:
        path = run / name
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
    for name, read in (
        ("training/metrics.csv", untimed_metrics),
        ("samples.json", _record),
        ("training/train.json", _record),
    ):
        path = run / name
        found[name] = hashlib.sha256(read(path).encode()).hexdigest() if path.is_file() else "missing"
    page = run / "report.html"
    found["report.html"] = str(page.is_file() and page.read_text().rstrip().endswith("</html>"))
    return found


def differences(run: Path, undisturbed: Path) -> list[str]:
    """Names of the final files that are not those of an undisturbed run, and files that are only half there."""
    expected, found = outcome(undisturbed), outcome(run)
    differing = [name for name in expected if found[name] != expected[name]]
    half = [path for path in run.rglob(".*") if path.name != ".lock" and not path.name.startswith(".snakemake")]
    return differing + [f"left behind: {path.relative_to(run)}" for path in half]


def untimed_metrics(path: Path) -> str:
    """The rows of a training's log without what differs from run to run."""
    with path.open(newline="") as file:
        rows = [{k: v for k, v in row.items() if k not in ("minutes", "molecules_per_second")}
                for row in csv.DictReader(file)]  # fmt: skip
    return json.dumps(rows)


def _record(path: Path) -> str:
    timed = ("seconds", "minutes", "finished", "sha256", "record_sha256")  # the checksums are of files with times
    content = json.loads(path.read_text())
    return json.dumps({name: value for name, value in content.items() if name not in timed}, sort_keys=True)
