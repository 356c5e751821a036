"""The container recipes: no engine runs here, but their steps are those that make this very environment."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DOCKER = (ROOT / "containers/Dockerfile").read_text(encoding="utf-8")
APPTAINER = (ROOT / "containers/moldiff.def").read_text(encoding="utf-8")


def docker_steps() -> list[str]:
    return [line.removeprefix("RUN ") for line in DOCKER.splitlines() if line.startswith("RUN ")]


def apptainer_sections() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {"header": []}
    current = sections["header"]
    for line in APPTAINER.splitlines():
        if line.startswith("%"):
            current = sections.setdefault(line[1:].split()[0], [])
        elif line.strip() and not line.lstrip().startswith("#"):
            current.append(line.strip())
    return sections


def test_both_recipes_take_the_same_steps_on_the_same_base():
    sections = apptainer_sections()
    assert docker_steps() == sections["post"]
    assert sections["header"] == ["Bootstrap: docker", "From: " + re.search(r"^FROM (\S+)$", DOCKER, re.M)[1]]
    assert sections["files"] == [re.search(r"^COPY (.+)$", DOCKER, re.M)[1]]
    assert sections["environment"] == ["export " + re.search(r"^ENV (.+)$", DOCKER, re.M)[1]]


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_the_installing_step_runs_the_commands_of_make_run():
    step = docker_steps()[-1]
    assert step.startswith("make --directory=/opt/moldiff install ")
    variables = step.split()[3:]

    def commands(*target: str) -> list[str]:
        # nowhere: as if nothing had been installed yet
        words = [word.replace("/opt/venv", "/nowhere/venv") for word in (*target, *variables)]
        shown = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=True)
        return [line for line in shown.stdout.splitlines() if "snakemake" not in line]

    installing = commands("install")
    assert installing == commands("run")
    torch = re.search(r"^torch==.+$", (ROOT / "constraints.txt").read_text(), re.M)[0]
    pip = [line for line in installing if " pip install " in line]
    assert [line.split("/nowhere/venv/constraints.txt ")[1] for line in pip] == [f"'{torch}'", "--editable ."]


def test_what_is_built_stays_out_of_the_image():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv*", "results"} <= set(ignored)


def test_the_conda_recipe_names_every_dependency_with_its_bound():
    recipe = yaml.safe_load((ROOT / "containers/conda.yaml").read_text(encoding="utf-8"))
    python, pip, *conda, by_pip = recipe["dependencies"]
    assert python == "python=" + re.search(r"^FROM python:(\d+\.\d+)", DOCKER, re.M)[1]
    assert pip == "pip"
    *from_pip, own = by_pip["pip"]
    assert own == "--editable .."
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # conda-forge calls it pytorch
    listed = [text.replace("pytorch-cpu", "torch") for text in [*conda, *from_pip]]
    assert sorted(listed) == sorted(project["dependencies"])
