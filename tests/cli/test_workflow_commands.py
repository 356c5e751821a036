"""The commands around the workflow: a folder to begin in, a run, and the state of the installation."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from moldiff.cli import main as cli
from moldiff.cli.options import option_parameters
from moldiff.cli.panels import COMMON
from moldiff.config.generate import GenerateOptions
from moldiff.config.options import read_options
from moldiff.config.run import Config, option_groups
from moldiff.errors import UserError
from moldiff.models.abilities import require_task
from moldiff.stages import doctor, project

RUNNER = CliRunner()


def moldiff(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "moldiff", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_a_new_folder_can_be_run(tmp_path: Path):
    done = moldiff(tmp_path, "init", "mine", "--profile", "slurm")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "next: cd mine && moldiff run"
    folder = tmp_path / "mine"
    config = read_options(Config, folder / "moldiff.yaml")
    assert config.featurize.inputs == ["data/library.csv"]
    assert (folder / "data/library.csv").stat().st_size > 100_000
    assert json.loads((folder / "schema.json").read_text())["title"] == "Config"
    done = moldiff(folder, "run", "--dry-run", "--cores", "1", "--until", "train")
    assert done.returncode == 0, done.stderr
    jobs = done.stdout + done.stderr
    assert "train" in jobs
    assert "report" not in jobs  # what Snakemake's own flag left out
    again = moldiff(tmp_path, "init", "mine")
    assert again.returncode == 2
    assert "exists" in again.stderr


def test_ones_own_molecules(tmp_path: Path):
    (tmp_path / "my amides.smi").write_text("CC(=O)N\n")
    project.init(tmp_path, molecules=[str(tmp_path / "my amides.smi")])
    text = (tmp_path / "moldiff.yaml").read_text()
    values = yaml.safe_load(text)
    assert values["featurize"]["inputs"] == [str(tmp_path / "my amides.smi")]
    assert (values["name"], values["report"]["title"]) == ("my-amides", "my-amides")
    assert not (tmp_path / "data").exists()
    with pytest.raises(UserError, match="no such file"):
        project.init(tmp_path / "other", molecules=["absent.smi"])


def test_the_nearest_profile_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert project.find_profile("slurm") == project.workflow_folder() / "workflows/profiles/slurm"
    project.init(Path(), profile="slurm")
    assert project.find_profile("slurm") == Path("profiles/slurm")
    with pytest.raises(UserError, match="shipped are local, slurm"):
        project.find_profile("pbs")


def test_a_run_without_a_configuration(tmp_path: Path):
    done = moldiff(tmp_path, "run")
    assert (done.returncode, done.stderr.startswith("error: moldiff.yaml: no such file; `moldiff init`")) == (2, True)
    (tmp_path / "moldiff.yaml").write_text("featurize: {inputz: []}\n")
    assert "did you mean `inputs`" in moldiff(tmp_path, "run").stderr


def test_the_workflow_is_found():
    result = RUNNER.invoke(cli.app, ["snakefile"], catch_exceptions=False)
    assert Path(result.output.strip()).name == "Snakefile"
    assert Path(result.output.strip()).is_file()


def test_limits_are_shown_and_errors_point_to_them():
    shown = RUNNER.invoke(cli.app, ["limits"]).output
    assert shown == project.limits()
    assert "No metals, no salts" in shown
    assert "](" not in shown
    with pytest.raises(UserError, match=r"\(`moldiff limits` says what moldiff can and cannot do\)$"):
        require_task({"options": {"tasks": {"new": 1.0}}}, "implicit", "fragment")


def test_the_doctor_names_what_is_there_and_what_is_not(monkeypatch: pytest.MonkeyPatch):
    findings = {(finding.section, finding.name): finding for finding in doctor.examine()}
    assert not [finding for finding in findings.values() if finding.problem]
    assert findings["Versions", "torch"].text
    assert "GPU" in {name[:3] for section, name in findings if section == "Devices"}
    assert RUNNER.invoke(cli.app, ["doctor"]).exit_code == 0
    monkeypatch.setattr(doctor, "_version", lambda name: "" if name in ("rdkit", "tblite") else "1")
    missing = {finding.name: finding for finding in doctor.examine()}
    assert missing["rdkit"].problem
    assert missing["xtb"].text == "not installed: pip install 'moldiff[xtb]'"
    assert not missing["xtb"].problem
    result = RUNNER.invoke(cli.app, ["doctor", "--json"])
    assert result.exit_code == 1
    assert {"rdkit"} == {finding["name"] for finding in json.loads(result.output) if finding["problem"]}


def test_a_damaged_weights_file_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from moldiff.models import shipped

    shutil.copytree(shipped.FOLDER, tmp_path / "weights")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    (tmp_path / "weights" / "qm9.safetensors").write_bytes(b"no weights")
    assert [finding.name for finding in doctor.examine() if finding.problem] == ["qm9"]


def test_common_options_exist():
    groups = [*option_groups().values(), GenerateOptions]
    known = {parameter.name for group in groups for parameter in option_parameters(group)}
    assert known >= COMMON


def test_help_is_as_wide_as_the_terminal_and_device_an_alias():
    for width in (80, 160):
        environment = {"COLUMNS": str(width), "TERM": "dumb"}
        output = RUNNER.invoke(cli.app, ["sample", "--help"], env=environment).output
        assert max(map(len, output.splitlines())) == width
    assert "Expert options" in output
    assert "--device" in output
