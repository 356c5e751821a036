"""A folder for a run of the workflow, and the command that runs it, from an installed package or a clone."""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from glob import glob
from pathlib import Path

from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, write_text

CONFIG = "moldiff.yaml"
LIBRARY = "data/library.csv"


def workflow_folder() -> Path:
    """The folder that holds Snakefile, workflows/ and data/: within the package, or the clone that holds the package.

    Raises:
        UserError: the installation holds no workflow.
    """
    package = Path(__file__).parent.parent
    places = [package / "workflow", package.parent]
    for place in places:
        if (place / "Snakefile").is_file():
            return place
    raise UserError(f"no Snakefile in {places[0]} or {places[1]}; install moldiff again")


def limits() -> str:
    """What moldiff can and cannot do, as plain text; ``docs/limits.md``, which comes with the package.

    Raises:
        UserError: the installation holds no such page.
    """
    path = workflow_folder() / "docs/limits.md"
    if not path.is_file():
        raise UserError(f"{path}: is not there; install moldiff again")
    return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", path.read_text(encoding="utf-8"))


def init(folder: Path, *, molecules: Sequence[str] = (), profile: str | None = None) -> list[Path]:
    """Write a configuration file that can be run, its schema for editors, and what it learns from.

    Args:
        folder: where to; it may exist, but no configuration in it.
        molecules: files or globs to learn from; without them the library that ships is copied.
        profile: Snakemake profile of the package to be copied into profiles/, where `moldiff run` looks first.

    Raises:
        UserError: there is a configuration already, no file matches, or there is no such profile.
    """
    source, config = workflow_folder(), folder / CONFIG
    if config.exists():
        raise UserError(f"{config}: exists; edit it, or begin in another folder")
    for pattern in molecules:
        if not glob(pattern, recursive=True):
            raise UserError(f"{pattern}: no such file")
    text = (source / "workflows/config/demo.yaml").read_text(encoding="utf-8")
    if molecules:
        inputs = [str(Path(pattern).absolute()) for pattern in molecules]
        name = re.sub(r"[^A-Za-z0-9._-]", "-", Path(molecules[0]).name.partition(".")[0]).strip("-._") or "mine"
        text = text.replace("inputs: [data/library.csv]", f"inputs: {json.dumps(inputs, ensure_ascii=False)}")
        text = text.replace("# From the library that ships with the repository", "# From your molecules")
        text = text.replace("name: demo\n", f"name: {name}\n").replace("title: The demo run", f"title: {name}")
    copies = {"schema.json": source / "workflows/config/schema.json"}
    if not molecules:
        copies[LIBRARY] = source / LIBRARY
    if profile is not None:
        copies[f"profiles/{profile}/config.yaml"] = _packaged_profile(profile) / "config.yaml"
    written = []
    for name, path in copies.items():
        with atomic_path(folder / name) as temporary:
            shutil.copyfile(path, temporary)
        written.append(folder / name)
    write_text(config, text)
    return [*written, config]


def snakemake_command(config: Path, profile: str, *, cores: int | None = None, dry_run: bool = False) -> list[str]:
    """The command line that runs the workflow of a configuration in the working folder.

    Raises:
        UserError: there is no such profile, or no workflow.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow_folder() / "Snakefile")]
    command += ["--configfile", str(config), "--profile", str(find_profile(profile))]
    command += ["--cores", str(cores)] if cores is not None else []
    return command + (["--dry-run"] if dry_run else [])


def find_profile(name: str) -> Path:
    """The folder of a profile: one of that path, else profiles/NAME of the working folder, else the package's.

    Raises:
        UserError: there is none of that name.
    """
    for place in (Path(name), Path("profiles") / name):
        if (place / "config.yaml").is_file():
            return place
    return _packaged_profile(name)


def _packaged_profile(name: str) -> Path:
    folder = workflow_folder() / "workflows/profiles"
    known = sorted(path.parent.name for path in folder.glob("*/config.yaml"))
    if name not in known:
        raise UserError(f"profile {name}: no such folder with a config.yaml; shipped are {', '.join(known)}")
    return folder / name
