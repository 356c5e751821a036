"""Runs every moldiff command and every Python block of the documents, in order, with fewer molecules and steps.

    python -m tests.docs [DOCUMENT ...]

Each document has a folder of its own with small files of the names that it uses; what one block writes the next one
reads. `smaller` says how a command is scaled down, `ELSEWHERE` which commands are run by other tests.
"""

import contextlib
import gzip
import importlib.util
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from rdkit import Chem, RDLogger
from rdkit.Chem import rdDistGeom
from typer.testing import CliRunner

from moldiff.cli.main import app
from tests.docs.blocks import DOCUMENTS, ROOT, SHELL, blocks, lines
from tests.docs.published import write_published

SMILES = """
CC(=O)Nc1ccc(O)cc1 CN1CCN(C(=O)c2ccccc2)CC1 O=C(NCc1ccco1)c1ccncc1 COc1ccc(C(=O)NC2CC2)cc1 CCOC(=O)c1cccnc1
Cc1ccccc1NC(=O)C1CCCO1 CC(C)NC(=O)c1ccc(F)cc1 O=C(Nc1cccnc1)C1CCCC1 CNC(=O)c1ccccc1Cl CC1CCCN1C(=O)c1ccsc1
""".split()
ELSEWHERE = {
    r"make (run|test|test-cluster|test-faults|test-wheel)": "`make`: .ci/run, and by hand where it takes longer",
    r"moldiff run --profile slurm|snakemake .*--profile .*slurm": "tests/cluster",
    r"snakemake .*--profile workflows/profiles/local": "`make run`, tests/faults",
    r"snakemake .*--executor cluster-generic": "tests/cluster: the same path, with sh for qsub",
    r"snakemake .*--executor kubernetes|apptainer|srun|torchrun": "machines that no test has; tests/test_containers.py",
    r"moldiff train .*--devices 4": "tests/training/test_devices.py, with two processes",
    r"moldiff featurize pyg-qm9:": "tests/chemistry: it downloads QM9",
    r"python benchmarks/|python docs/draw": "benchmarks, by hand: their figures stand beside them",
    r"moldiff rank checked --out docked|mk_prepare_receptor": "tests/docs/test_docking.py",
    r"pip install|\S*/pip-?\w* |\S*pre-commit install|\S*python -m pytest": "what installs, and pytest itself",
}
CLI_STATUS = {"generate": (0, 3), "check": (0, 3)}
"""Statuses that are as they should be: 3 is what --min-valid and a budget that is spent end with."""


def elsewhere(words: list[str]) -> str:
    """Where a command is run that is not run here; empty for one that is."""
    text = " ".join(words)
    return next((place for pattern, place in ELSEWHERE.items() if re.match(pattern, text)), "")


def conformer(smiles: str) -> Chem.Mol:
    """A molecule with hydrogens and coordinates, named by its SMILES."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    mol.SetProp("_Name", smiles)
    return mol


def prepare(folder: Path) -> None:
    """The files that documents name."""
    mols = [conformer(smiles) for smiles in SMILES]
    block = [Chem.MolToMolBlock(mol) + "$$$$\n" for mol in mols]
    for name in ("my_molecules.sdf", "theirs.sdf", "ours.sdf", "new.sdf"):
        (folder / name).write_text("".join(block))
    for name in ("molecules.sdf.gz", "qm9_train.sdf.gz", "qm9_valid.sdf.gz"):
        (folder / name).write_bytes(gzip.compress("".join(block).encode()))
    for name in ("start.sdf", "heavy.sdf", "known.sdf"):
        (folder / name).write_text(Chem.MolToMolBlock(Chem.RemoveHs(mols[0])) + "$$$$\n")
    listed = "".join(f"{smiles} m{place}\n" for place, smiles in enumerate(SMILES))
    (folder / "more").mkdir()
    for name in ("molecules.smi", "compounds.smi", "training.smi", "my_amides.smi", "more/a.smi"):
        (folder / name).write_text(listed)
    rows = "".join(f"{smiles},m{place}\n" for place, smiles in enumerate(SMILES))
    (folder / "compounds.csv").write_text("structure,key\n" + rows)
    (folder / "dock.sh").write_text("grep -c '^\\$\\$\\$\\$' \"$1\" | xargs seq | sed 's/^/-7./'\n")
    write_published(folder, mols, mols[:4])
    (folder / "dock.py").write_text("def score(mol):\n    return -float(mol.GetNumAtoms())\n")


def smaller(words: list[str]) -> list[str]:
    """The command with fewer molecules, steps and minutes."""
    own = list(words)

    def limit(flag: str, value: str) -> None:
        if flag in own:
            own[own.index(flag) + 1] = value

    match own[0]:
        case "sample":
            limit("-n", "4")
            own += ["--steps", "12", "--threads", "1"] + ([] if "-n" in own else ["-n", "4"])
        case "generate":
            limit("-n", "2")
            own += ["--steps", "12", "--threads", "1", "--budget", "2"]
        case "train":
            if "--minutes" in own:
                del own[own.index("--minutes") : own.index("--minutes") + 2]
            if "--steps" in own:
                del own[own.index("--steps") : own.index("--steps") + 2]
            own += ["--steps", "2", "--batch-size", "4"] + ([] if "--threads" in own else ["--threads", "1"])
        case "featurize":
            limit("--shards", "2")
        case "conformers" | "hydrogens":
            limit("-n", "2")
            own += ["--steps", "12", "--threads", "1"]
        case "optimize":
            limit("--rounds", "1")
            own += [] if "--rounds" in own else ["--rounds", "1"]
            own += ["--steps", "12", "--population", "2", "--threads", "1"]
        case "check":
            limit("--strain", "2")
    return own


def shrink_configuration(path: Path) -> None:
    """The workflow's configuration with a training and a sampling of seconds."""
    given = yaml.safe_load(path.read_text())
    given.setdefault("train", {}).update(minutes=None, steps=2, batch_size=4, threads=1)
    given.setdefault("sample", {}).update(n=8, steps=8, shards=1)
    given.setdefault("featurize", {}).update(shards=1, limit=40)
    for section in ("check", "report", "rank"):
        given.setdefault(section, {})
    given["check"].update(strain=0)
    path.write_text(yaml.safe_dump(given))


def run_shell(words: list[str]) -> str:
    """Run a command line of a document; the reason why it failed, or what became of it otherwise."""
    if words[0] == "cd":
        if not Path(words[1]).is_dir():
            return f"FAILED: no folder {words[1]}"
        os.chdir(words[1])
        return ""
    if place := elsewhere(words):
        return f"(run by {place})"
    if words[0] != "moldiff":
        return f"FAILED: {' '.join(words)}: nothing runs it"
    if {"gfn2", "--gfn2-columns"} & set(words) and importlib.util.find_spec("tblite") is None:
        return "(left out: tblite is not installed)"
    chosen = smaller(words[1:])
    if chosen[0] == "run":
        return run_workflow(chosen)
    done = CliRunner().invoke(app, chosen)
    if done.exit_code not in CLI_STATUS.get(chosen[0], (0,)):
        return f"FAILED with status {done.exit_code}: {done.exception}\n{done.output[-1500:]}"
    return ""


def run_workflow(words: list[str]) -> str:
    """Run `moldiff run`, which becomes Snakemake and so needs a process of its own."""
    if "--dry-run" not in words:
        shrink_configuration(Path("moldiff.yaml"))
    command = [sys.executable, "-m", "moldiff", *words, "--cores", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"FAILED with status {done.returncode}\n{done.stderr[-1500:]}" if done.returncode else ""


def run_python(content: str, names: dict[str, Any]) -> str:
    """Run a Python block, with fewer molecules."""
    text = re.sub(r"\.sample\(\d+", ".sample(3", content)
    text = re.sub(r"steps=\d+", "steps=12", text).replace("10_000", "12")
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(text, "<document>", "exec"), names)
    except Exception as error:
        return f"FAILED: {type(error).__name__}: {error}\n{content}"
    return ""


def run_document(path: Path, folder: Path) -> list[str]:
    """What failed of a document's blocks, run one after the other."""
    prepare(folder)
    os.chdir(folder)
    failed: list[str] = []
    if path.name in ("README.md", "metrics.md", "report.md", "score-and-compare.md"):
        made = folder / ("results/demo" if path.name == "report.md" else ".")
        check = "check" if path.name == "report.md" else "checked"
        made.mkdir(parents=True, exist_ok=True)
        (made / "samples.sdf").write_text((folder / "new.sdf").read_text())
        for out in (check, "other"):
            CliRunner().invoke(app, ["check", str(made / "samples.sdf"), "--out", str(made / out)])
        if path.name == "report.md":
            CliRunner().invoke(app, ["featurize", "my_molecules.sdf", "--out", str(made / "dataset")])
            small = ["train", str(made / "dataset"), "--out", str(made / "training"), "--steps", "2", "--threads", "1"]
            CliRunner().invoke(app, small)
    if path.name == "steering.md":
        CliRunner().invoke(app, ["featurize", "my_molecules.sdf", "--hydrogens", "explicit", "--out", "explicit"])
        CliRunner().invoke(app, ["train", "explicit", "--out", "mine", "--steps", "2", "--threads", "1"])
    names: dict[str, Any] = {"mols": [Chem.MolFromSmiles(smiles) for smiles in SMILES[:2]]}
    for language, content in blocks(path.read_text(encoding="utf-8")):
        if path.name == "README.md":
            os.chdir(folder)  # its sections stand alone
        if language == "python":
            failed += _told(path, content.splitlines()[0], lambda content=content: run_python(content, names))
        elif language in SHELL:
            for words in lines(content):
                failed += _told(path, " ".join(words)[:100], lambda words=words: run_shell(words))
    return failed


def _told(path: Path, title: str, run: Callable[[], str]) -> list[str]:
    """Run something, say how long it took and what came of it; what failed."""
    start = time.process_time()
    result = run()
    print(f"  {title} [{time.process_time() - start:.1f} s] {result}", flush=True)
    return [f"{path.name}: {title}"] if result.startswith("FAILED") else []


def main() -> int:
    """Run the documents that are named, or all; the number that failed."""
    RDLogger.DisableLog("rdApp.*")
    named = [(Path(name).resolve()) for name in sys.argv[1:]] or DOCUMENTS
    failed: list[str] = []
    for path in named:
        if not blocks(path.read_text(encoding="utf-8")):
            continue
        print(path.relative_to(ROOT), flush=True)
        with tempfile.TemporaryDirectory(prefix="moldiff-docs-") as folder:
            failed += run_document(path, Path(folder))
            os.chdir(ROOT)
    print(f"{len(failed)} failed" if failed else "every command ran")
    print(*failed, sep="\n")
    return min(len(failed), 1)


if __name__ == "__main__":
    sys.exit(main())
