"""Single commands killed at random moments, run again, and compared: `python -m tests.faults.kill_commands 60`.

Each command runs on tiny inputs in a folder of its own and is killed at a random moment after its first file appeared
(SIGKILL, SIGTERM or SIGINT, with ten seconds of grace): half of the times with all its processes, half of the times
alone, and then its processes must end by themselves. The same command is run again. Its files must be those of a run
that nobody disturbed, byte for byte but for times, and nothing may stay behind: no temporary file, no lock, no process.
Exit status 1 if any kill is not recovered from.
"""

import argparse
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import AllChem

from tests import tiny_workflow
from tests.faults import killing
from tests.faults.killing import Kill

COMMANDS: dict[str, str] = {
    "featurize": "featurize raw.smi --out out --workers 2",
    "featurize conformers": "featurize raw20.smi --out out --hydrogens explicit --conformers 2 --workers 1",
    "train": "train dataset --out out --options train.json",
    "sample": "sample model.safetensors -n 16 --steps 20 --batch-pairs 200 --threads 1 --out out.sdf",
    "sample csv": "sample model.safetensors -n 12 --steps 20 --batch-pairs 200 --threads 1 --out out.csv.gz",
    "check": "check raw.smi --train dataset --out out --workers 2",
    "check sampled": "check molecules.sdf --strain 3 --etkdg 2 --out out --workers 1",
    "rank": "rank checked --out out -n 5 --score size=mine.py:score --weight size=1",
    "generate": "generate qm9-heavy -n 6 --steps 20 --threads 1 --budget 3 --workers 1 --out out.sdf",
    "report": "report --check checked --samples molecules.sdf --out out.html",
    "compare": "compare checked checked2 --out out",
    "optimize": "optimize one.sdf --out out.sdf --weights model.safetensors --rounds 4 --population 4"
    " --steps 12 --threads 1",
    "conformers": "conformers raw20.smi --out out.sdf --weights model.safetensors --n 1 --batch-pairs 200"
    " --steps 8 --threads 1",
}
TASKS = {"new": 1.0, "fragment": 1.0, "conformer": 1.0}
"""What the commands ask of the weights."""
TIMES = re.compile(r'"(seconds|minutes|finished|sha256|record_sha256)": ("[^"]*"|[\d.]+|\{[^}]*\})')


def main() -> int:
    """Run the rounds; returns the exit status."""
    return killing.main(str(__doc__), 60, rounds, add)


def add(parser: argparse.ArgumentParser) -> None:
    """What this script takes beside what all take."""
    parser.add_argument("--command", action="append", choices=sorted(COMMANDS), help="all by default")
    parser.add_argument("--inputs", type=Path, help="folder of what the commands read, made if it is not there")


def rounds(given: argparse.Namespace, draw: random.Random, base: Path) -> Iterator[Kill]:
    """Kills of the commands in turn, without end; a command that ended before its moment is started again."""
    inputs = given.inputs or base / "inputs"
    if not inputs.exists():
        make_inputs(inputs)
    undisturbed: dict[str, Undisturbed] = {}
    for name in cycle(given.command or list(COMMANDS)):
        if name not in undisturbed:
            undisturbed[name] = watched(name, shutil.copytree(inputs, base / "undisturbed"))
            shutil.rmtree(base / "undisturbed")
        expected = undisturbed[name]
        ended = True
        while ended:
            folder = shutil.copytree(inputs, base / "killed")
            sent, alone = draw.choice(killing.SIGNALS), draw.random() < 0.5
            after = draw.uniform(expected.begun, 0.98 * expected.seconds)
            process = killing.start(arguments(COMMANDS[name]), folder, environment())
            ended = killing.wait(process, after)
            wrong = [] if killing.end(process, sent, alone=alone) else ["processes outlive it"]
            if not ended:
                wrong += differences(name, folder, expected.files)
                yield Kill(name, sent, after, expected.seconds, tuple(wrong))
            shutil.rmtree(folder)


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody disturbed.

    Attributes:
        files: what each file says.
        begun: seconds of processor time until the first file appeared, at most 0.7 of all.
        seconds: of processor time.
    """

    files: dict[str, str]
    begun: float
    seconds: float


def watched(name: str, folder: Path) -> Undisturbed:
    """Run a command to its end, watching when it begins to write.

    Raises:
        RuntimeError: it failed.
    """
    before, begun = set(folder.iterdir()), [0.0]

    def run_to_the_end() -> None:
        process = killing.start(arguments(COMMANDS[name]), folder, environment())
        while process.poll() is None:
            if not begun[0] and set(folder.iterdir()) != before:
                begun[0] = killing.used(process.pid)
            time.sleep(0.1)
        if process.returncode:
            raise RuntimeError(f"{name} fails: {killing.log_of(folder).read_text()[-2000:]}")

    seconds = killing.processor_seconds(run_to_the_end)
    return Undisturbed(outcome(folder), min(begun[0], 0.7 * seconds), seconds)


def differences(name: str, folder: Path, files: dict[str, str]) -> list[str]:
    """Run a command again; returns which files are not those of an undisturbed run."""
    try:
        killing.finish(arguments(COMMANDS[name]), folder, environment())
    except subprocess.CalledProcessError as error:
        return [f"run again it fails: {error.output[-2000:]}"]
    found = outcome(folder)
    return [f"{path} differs" for path in sorted({*files, *found}) if files.get(path) != found.get(path)]


def make_inputs(folder: Path) -> None:
    """What the commands read: molecules, a dataset, weights, checks."""
    folder.mkdir()
    lines = [f"{text} m{number}\n" for number, text in enumerate(tiny_workflow.SMILES)]
    (folder / "raw.smi").write_text("".join(lines))
    (folder / "raw20.smi").write_text("".join(lines[:20]))
    (folder / "mine.py").write_text("def score(mol):\n    return mol.GetNumAtoms()\n")
    options = tiny_workflow.OPTIONS["train"] | {"steps": 40, "seed": 3, "tasks": TASKS}
    (folder / "train.json").write_text(json.dumps(options))
    for line in (
        "featurize raw.smi --out dataset --workers 1",
        "train dataset --out training --options train.json",
        "sample drugs -n 6 --steps 12 --threads 1 --out molecules.sdf",
        "check molecules.sdf --out checked --workers 1",
        "check raw20.smi --out checked2 --workers 1",
    ):
        killing.finish(arguments(line), folder, environment())
    (folder / "training" / "model.safetensors").rename(folder / "model.safetensors")
    shutil.rmtree(folder / "training")
    mol = Chem.AddHs(Chem.MolFromSmiles("CC(=O)NCCO"))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    Chem.MolToMolFile(Chem.RemoveHs(mol), str(folder / "one.sdf"))


def arguments(line: str) -> list[str]:
    """A command of moldiff as a process."""
    return [sys.executable, "-m", "moldiff", *shlex.split(line)]


def environment() -> dict[str, str]:
    """The variables of a command, which finds the package here."""
    return {**os.environ, "PYTHONPATH": str(tiny_workflow.ROOT), "OMP_NUM_THREADS": "1"}


def outcome(folder: Path) -> dict[str, str]:
    """All files of a folder, times left out; hidden ones too, which should not be there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "tensorboard" not in path.parts and "__pycache__" not in path.parts:
            found[str(path.relative_to(folder))] = said(path)
        elif path.is_dir() and path.name.startswith("."):
            found[str(path.relative_to(folder))] = "a folder"
    return found


def said(path: Path) -> str:
    """The content of a file as text, without what differs from run to run."""
    data = path.read_bytes()
    if path.suffix == ".json":
        return TIMES.sub("", data.decode())
    if path.name == "metrics.csv":
        return tiny_workflow.untimed_metrics(path)
    if path.name == "state.pt":
        return "a state"
    return data.hex()


if __name__ == "__main__":
    sys.exit(main())
