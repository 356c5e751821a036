"""Single commands killed at random moments, run again, and compared: `python -m tests.faults.kill_commands 60`.

Each command runs on tiny inputs in a folder of its own and is killed with all its processes at a random moment
(SIGKILL, SIGTERM or SIGINT; the latter two with ten seconds of grace). The same command is run again. Its files must be
those of a run that nobody disturbed, byte for byte but for times, and nothing may stay behind: no temporary file, no
lock, no process. Exit status 1 if any kill is not made good.
"""

import argparse
import json
import os
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import AllChem

from tests import tiny_workflow
from tests.faults.kill import end, wait

COMMANDS: dict[str, str] = {
    "featurize": "featurize raw.smi --out out --workers 2",
    "featurize conformers": "featurize raw.smi --out out --hydrogens explicit --conformers 2 --workers 1",
    "train": "train dataset --out out --options train.json",
    "sample": "sample model.safetensors -n 40 --steps 60 --batch-pairs 400 --threads 1 --out out.sdf",
    "sample csv": "sample model.safetensors -n 30 --steps 60 --batch-pairs 400 --threads 1 --out out.csv.gz",
    "check": "check raw.smi --train dataset --out out --workers 2",
    "check sampled": "check molecules.sdf --strain 20 --etkdg 3 --out out --workers 1",
    "rank": "rank checked --out out -n 5 --score mine.py:score",
    "generate": "generate model.safetensors -n 4 --steps 40 --threads 1 --budget 3 --workers 1 --out out.sdf",
    "report": "report --check checked --samples molecules.sdf --out out.html",
    "compare": "compare checked checked2 --out out",
    "optimize": "optimize one.sdf --out out.sdf --weights model.safetensors --rounds 6 --population 4"
    " --steps 20 --threads 1",
    "conformers": "conformers raw20.smi --weights model.safetensors --steps 20 --n 2 --threads 1 --out out.sdf",
}
TASKS = {"new": 1.0, "fragment": 1.0, "conformer": 1.0}
"""What the commands ask of the weights."""
TIMES = re.compile(r'"(seconds|minutes|finished|sha256|record_sha256)": ("[^"]*"|[\d.]+|\{[^}]*\})')
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Run the rounds; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", nargs="?", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the signals")
    parser.add_argument("--command", action="append", choices=sorted(COMMANDS), help="all by default")
    parser.add_argument("--inputs", type=Path, help="folder of what the commands read, made if it is not there")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of every `finally`
    draw = random.Random(given.seed)
    names = given.command or list(COMMANDS)
    base = Path(tempfile.mkdtemp(prefix="moldiff-faults-", dir="/tmp"))
    good = kills = 0
    try:
        inputs = given.inputs or base / "inputs"
        if not inputs.exists():
            make_inputs(inputs)
        expected: dict[str, tuple[dict[str, str], float]] = {}
        while kills < given.kills:
            name = names[kills % len(names)]
            if name not in expected:
                folder = fresh(inputs, base / "undisturbed")
                seconds = finish(name, folder)
                expected[name] = outcome(folder), seconds
                shutil.rmtree(folder)
            files, seconds = expected[name]
            folder = fresh(inputs, base / "killed")
            sent = draw.choice(SIGNALS)
            after = draw.uniform(0.2, 0.98) * seconds
            ended = killed(name, folder, sent, after)
            wrong = []
            try:
                finish(name, folder)
                found = outcome(folder)
                wrong = [f"{path} differs" for path in sorted({*files, *found}) if files.get(path) != found.get(path)]
            except subprocess.CalledProcessError as error:
                wrong = [f"run again it fails: {error.output[-2000:]}"]
            kills += 1
            good += not wrong
            when = "had ended" if ended else f"at {after:.1f} of {seconds:.1f} s"
            print(f"{name}: {sent.name} {when}: {'; '.join(wrong) or 'as undisturbed'}", flush=True)
            shutil.rmtree(folder)
        print(f"{good} of {kills} kills made good by the same command", flush=True)
        return good < kills
    finally:
        shutil.rmtree(base, ignore_errors=True)


def make_inputs(folder: Path) -> None:
    """What the commands read: molecules, a dataset, weights, checks."""
    folder.mkdir()
    lines = [f"{text} m{number}\n" for number, text in enumerate(tiny_workflow.SMILES)]
    (folder / "raw.smi").write_text("".join(lines))
    (folder / "raw20.smi").write_text("".join(lines[:20]))
    (folder / "mine.py").write_text("def score(mol):\n    return mol.GetNumAtoms()\n")
    options = tiny_workflow.OPTIONS["train"] | {"steps": 120, "seed": 3, "tasks": TASKS}
    (folder / "train.json").write_text(json.dumps(options))
    for line in (
        "featurize raw.smi --out dataset --workers 1",
        "train dataset --out training --options train.json",
        "sample drugs -n 6 --steps 12 --threads 1 --out molecules.sdf",
        "check molecules.sdf --out checked --workers 1",
        "check raw20.smi --out checked2 --workers 1",
    ):
        run(line, folder)
    (folder / "training" / "model.safetensors").rename(folder / "model.safetensors")
    shutil.rmtree(folder / "training")
    mol = Chem.AddHs(Chem.MolFromSmiles("CC(=O)NCCO"))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    Chem.MolToMolFile(Chem.RemoveHs(mol), str(folder / "one.sdf"))


def fresh(inputs: Path, folder: Path) -> Path:
    """A copy of the inputs, in which a command works."""
    return shutil.copytree(inputs, folder)


def arguments(line: str) -> list[str]:
    """A command of moldiff as a process."""
    return [sys.executable, "-m", "moldiff", *shlex.split(line)]


def run(line: str, folder: Path) -> None:
    """Run a command to its end.

    Raises:
        CalledProcessError: it failed.
    """
    pipe = subprocess.PIPE
    subprocess.run(
        arguments(line), cwd=folder, stdout=pipe, stderr=subprocess.STDOUT, text=True, check=True, timeout=3600,
        env=environment(),
    )  # fmt: skip


def environment() -> dict[str, str]:
    """The variables of a command, which finds the package here."""
    return {**os.environ, "PYTHONPATH": str(tiny_workflow.ROOT), "OMP_NUM_THREADS": "1"}


def finish(name: str, folder: Path) -> float:
    """Run a command to its end; returns its seconds of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(COMMANDS[name], folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def killed(name: str, folder: Path, sent: signal.Signals, after: float) -> bool:
    """Start a command and kill it with all its processes after so many seconds of processor time.

    Returns:
        Whether it had ended before.
    """
    log = folder.with_suffix(".log").open("w")
    with log:
        process = subprocess.Popen(
            arguments(COMMANDS[name]), cwd=folder, stdout=log, stderr=log, start_new_session=True, env=environment()
        )
        ended = wait(process, after)
        end(process, sent)
        return ended


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
