"""The wheel as a new user has it: built, installed into an environment of its own, tried in an empty folder.

    python -m tests.wheel --torch torch==2.13.0 [--python python3.12] [--full] [-- PIP ARGUMENTS]

Prints seconds and megabytes of each step. --full also runs the whole demo; without it the workflow is only planned.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PYTHON_SIDE = """
import moldiff
molecules = moldiff.load("qm9-heavy").sample(4, steps=20, threads=1, hydrogens="add")
assert len(molecules) == 4 and molecules.to_smiles()
molecules.save("four.sdf"); molecules.save("four.csv")
print(repr(molecules))
print(moldiff.rank(molecules, 2))
"""


def step(name: str, command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a command, print how long it took, and stop where it fails."""
    start = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    print(f"{name:28s} {time.monotonic() - start:7.1f} s", flush=True)
    if done.returncode:
        print(f"{' '.join(command)}\nended with status {done.returncode}\n{done.stdout}\n{done.stderr}")
        sys.exit(1)
    return done.stdout + done.stderr


def megabytes(folder: Path) -> float:
    """Size of all files of a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


def main() -> None:
    """Try the wheel."""
    parser = argparse.ArgumentParser(description="Try the wheel in an environment of its own.")
    parser.add_argument("--torch", default="torch", help="requirement of torch that is installed first")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environment")
    parser.add_argument("--full", action="store_true", help="run the whole demo, about ten minutes")
    parser.add_argument("pip", nargs="*", help="passed to pip install")
    given = parser.parse_args()
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    with tempfile.TemporaryDirectory(prefix="moldiff-wheel-") as temporary:
        place = Path(temporary)
        folder = place / "empty"
        folder.mkdir()
        pip = ["-m", "pip", "--disable-pip-version-check"]
        wheels = str(place / "wheels")
        step("build", [sys.executable, *pip, "wheel", "--no-deps", "--wheel-dir", wheels, str(ROOT)], place, outside)
        (wheel,) = (place / "wheels").glob("*.whl")
        step("environment", [given.python, "-m", "venv", str(place / "venv")], place, outside)
        python = str(place / "venv/bin/python")
        constraints = place / "constraints.txt"
        tested = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        constraints.write_text("\n".join(line for line in tested if not line.startswith("torch==")))
        install = [python, *pip, "install", "--constraint", str(constraints), *given.pip]
        step("pip install", [*install, given.torch, str(wheel)], place, outside)
        step("pip check", [python, *pip, "check"], place, outside)
        print(f"{'environment':28s} {megabytes(place / 'venv'):7.0f} MB; wheel {wheel.stat().st_size / 1e6:.1f} MB")
        outside["PATH"] = f"{place / 'venv/bin'}:{outside.get('PATH', '')}"
        outside["OMP_NUM_THREADS"] = "1"
        moldiff = str(place / "venv/bin/moldiff")
        print(step("moldiff doctor", [moldiff, "doctor"], folder, outside))
        assert "proposes" in step("moldiff limits", [moldiff, "limits"], folder, outside)
        generate = ["generate", "leads", "-n", "4", "--steps", "30", "--novel", "--filter", "qed > 0.2"]
        print(step("moldiff generate", [moldiff, *generate, "--out", "hits.sdf"], folder, outside))
        print(step("import moldiff", [python, "-c", PYTHON_SIDE], folder, outside))
        step("moldiff check", [moldiff, "check", "four.sdf", "--train", "qm9", "--out", "checked"], folder, outside)
        step("moldiff init", [moldiff, "init"], folder, outside)
        step("moldiff run", [moldiff, "run", *([] if given.full else ["--dry-run"])], folder, outside)
        if given.full:
            assert (folder / "results/demo/report.html").is_file()
        print("the wheel works")


if __name__ == "__main__":
    main()
