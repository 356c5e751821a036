"""The workflow for real, on a few molecules: killed twice on its way, then asked what it would do again."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests import tiny_workflow
from tests.tiny_workflow import OPTIONS, ROOT, RULES, SMILES, run_of

SNAKEMAKE = [*tiny_workflow.snakemake(), "--cores", "2"]


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SNAKEMAKE, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=900
    )


def kill_when(folder: Path, ready: Callable[[], bool]) -> None:
    """Start the workflow and kill it with all its jobs, beyond all handlers, as soon as something is there."""
    process = subprocess.Popen(
        SNAKEMAKE, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        end = time.monotonic() + 600
        while not (reached := ready()) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        ended = process.poll() is not None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        output = process.communicate()[0]
    assert reached, output
    assert not ended, output


def saved_at_50(run: Path) -> Callable[[], bool]:
    """Whether the training state of step 50 or a later one is saved: a row is written every 50 steps, just before."""
    seen: dict[Path, int] = {}

    def ready() -> bool:
        for path in run.glob("state/*/metrics.csv"):
            if "\n50," in path.read_text():
                seen.setdefault(path, path.stat().st_mtime_ns)
        return any(path.with_name("state.pt").stat().st_mtime_ns > written for path, written in seen.items())

    return ready


def would_run(folder: Path, *arguments: str) -> set[str]:
    done = snakemake(folder, "--dry-run", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"^(\w+) +\d+$", done.stdout + done.stderr, re.MULTILINE)) - {"all", "total"}


def from_rule(name: str) -> set[str]:
    return set(RULES[RULES.index(name) :])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run that was killed in training and in sampling; a shell would take its name apart."""
    folder = tmp_path_factory.mktemp("workflow") / 'it\'s $(touch run) a "folder"'
    run = tiny_workflow.write(folder)
    kill_when(folder, saved_at_50(run))
    assert not (run / "training" / "model.safetensors").exists()
    kill_when(folder, lambda: any(run.glob("shards/sample/.*/[0-9]*.sdf")))
    assert not (run / "samples.sdf").exists()
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_killed_workflow_ends_with_every_file(folder: Path):
    run = run_of(folder)
    assert {path.name for path in (run / "dataset").iterdir()} == {
        "arrays.safetensors", "molecules.parquet", "dataset.json", "rejected.csv"
    }  # fmt: skip
    assert len((run / "check" / "rows.csv").read_text().splitlines()) == 1 + 16
    assert "<html" in (run / "report.html").read_text().lower()
    info = json.loads((run / "dataset" / "dataset.json").read_text())
    assert info["records_read"] == len(SMILES) == info["molecules"] + info["rejected"]
    assert {path.stem for path in (run / "logs").glob("*.log")} >= {"train", "report", "merge_checks"}
    assert {path.stem for path in (run / "benchmarks").glob("*.tsv")} >= {"train", "report", "merge_checks"}
    half = [path for path in run.rglob(".*") if path.name != ".lock" and "snakemake" not in path.name]
    assert half == [], "something half-written stays behind"


def test_no_name_reaches_the_shell_as_a_command(folder: Path):
    assert not {path.name for path in folder.rglob("*")} & {"run", "here"}


def test_every_path_in_a_rule_is_quoted():
    free = {"{threads}", "{wildcards.scatteritem}", "{params.devices}", "{params.min_valid}", "{params.state}"}
    for path in (ROOT / "workflows").glob("*.smk"):
        for command in re.findall(r"^    shell:\n((?:        .*\n)+)", path.read_text(), re.MULTILINE):
            named = set(re.findall(r"\{[^}]*\}", command))
            assert {name for name in named if not name.endswith(":q}")} <= free, path


def test_killed_training_went_on_where_it_was(folder: Path):
    steps = [int(line.split(",")[0]) for line in (run_of(folder) / "training/metrics.csv").read_text().split()[1:]]
    assert steps == sorted(set(steps))
    assert steps[-1] == OPTIONS["train"]["steps"]
    assert len(list((run_of(folder) / "state").iterdir())) == 1
    log = (run_of(folder) / "logs/train.log").read_text()  # of the last start alone
    assert "step 150 of 150" in log
    assert "step 50 of 150" not in log


def test_killed_sampling_gives_the_molecules_of_an_undisturbed_one(folder: Path):
    out = folder / "again.sdf"
    options = json.dumps(OPTIONS["sample"])
    weights = run_of(folder) / "training/model.safetensors"
    command = [sys.executable, "-m", "moldiff", "sample", str(weights), "--out", str(out), "--options", options]
    subprocess.run(command, check=True, capture_output=True)
    assert out.read_bytes() == (run_of(folder) / "samples.sdf").read_bytes()


def test_a_second_run_has_nothing_to_do(folder: Path):
    done = snakemake(folder)
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def test_another_place_of_the_environment_reruns_nothing(folder: Path, tmp_path: Path):
    for name in ("moldiff", "workflows", "Snakefile", "data"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    command = [str(tmp_path / "Snakefile") if word == str(ROOT / "Snakefile") else word for word in SNAKEMAKE]
    assert command != SNAKEMAKE
    moved = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [*command, "--dry-run"], cwd=folder, capture_output=True, text=True, check=False, env=moved, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing to be done" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ("report={title: Another}", "report"),
        ("check={timeout: 20}", "check"),
        ("sample={seed: 1}", "sample"),
        ("sample={restart_if: unknown_rings}", "sample"),
        ("train={network: {layers: 2}}", "train"),
        ("featurize={seed: 5}", "featurize"),
        ("train={threads: 2}", None),
        ("check={workers: 2}", None),
    ],
)
def test_a_changed_option_reruns_what_follows_from_it(folder: Path, change: str, first: str | None):
    assert would_run(folder, "--config", change) == (from_rule(first) if first else set())


def test_a_changed_input_reruns_everything(folder: Path):
    path = folder / "raw" / "more.smi"
    path.write_text("CCCCC extra\n")
    try:
        assert would_run(folder) == set(RULES)
    finally:
        path.unlink()
    assert would_run(folder) == set()


def test_another_configuration_has_another_training_state(folder: Path):
    shown = snakemake(folder, "--quiet", "host", "--dry-run", "--printshellcmds", "--config", "train={seed: 1}").stdout
    state = re.search(r"--state \S.*/state/(\w+)-", shown)
    assert state is not None, shown
    kept = [path.name for path in (run_of(folder) / "state").iterdir()]
    assert kept
    assert not any(name.startswith(state[1]) for name in kept)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("sample={stepz: 3}", "unknown key `sample.stepz`; did you mean `steps`?"),
        ("trian={steps: 3}", "unknown key `trian`; did you mean `train`?"),
        ("featurize={inputs: [absent/*.sdf]}", "no file matches 'absent/*.sdf'"),
        ("train={objective: prefer, start_from: leads, refused: absent}", "train.refused: absent: No such"),
    ],
)
def test_a_mistake_stops_before_any_job(folder: Path, change: str, words: str):
    done = snakemake(folder, "--config", "name=wrong", change)
    assert done.returncode != 0
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not run_of(folder).with_name("wrong").exists()


def test_a_second_workflow_in_the_same_folder_is_refused(folder: Path):
    with (run_of(folder) / ".lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = snakemake(folder, "--config", "report={title: Second}")
    assert done.returncode != 0
    assert "another workflow is running there" in done.stdout + done.stderr


def test_below_the_gate_the_workflow_fails_but_shows_why(folder: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (run_of(copy) / "report.html").unlink()
    # One step from noise makes no molecule, whatever the network learned.
    done = snakemake(copy, "--config", "check={min_valid: 1.0}", "sample={steps: 1, restarts: 0}")
    assert done.returncode != 0
    assert "below the wanted 100.0%" in done.stdout + done.stderr
    assert (run_of(copy) / "report.html").exists()


def test_a_short_list_is_made_where_one_is_asked_for(folder: Path):
    (folder / "mine.py").write_text("def score(mol):\n    return mol.GetNumHeavyAtoms()\n")
    asked = "rank={n: 3, weights: {size: 1}, scores: {size: 'mine.py:score'}, diversity: 1}"
    assert would_run(folder, "--config", asked) == {"rank"}
    done = snakemake(folder, "--config", asked)
    assert done.returncode == 0, done.stdout + done.stderr
    ranked = json.loads(((made := run_of(folder) / "shortlist") / "rank.json").read_text())
    assert (ranked["records"], ranked["weights"]) == (16, {"size": 1.0})
    assert (made / "shortlist.sdf").read_text().count("$$$$") == ranked["chosen"] <= 3
    assert len((made / "candidates.csv").read_text().splitlines()) == 1 + 16
    (folder / "mine.py").write_text("def score(mol):\n    return -mol.GetNumHeavyAtoms()\n")
    assert would_run(folder, "--config", asked) == {"rank"}


@pytest.mark.parametrize("place", ["Snakefile", "workflow/Snakefile"])
def test_the_shipped_demo_can_be_planned(place: str, tmp_path: Path):
    (tmp_path / "data").symlink_to(ROOT / "data")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / place), "--dry-run", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("profile", ["local", "slurm"])
def test_a_profile_names_rules_that_exist(profile: str):
    settings = yaml.safe_load((ROOT / "workflows/profiles" / profile / "config.yaml").read_text())
    named = {*settings.get("set-threads", {}), *settings.get("set-resources", {})}
    assert named <= set(RULES)
    assert settings["rerun-incomplete"] is True
    assert "retries:" not in "".join(path.read_text() for path in (ROOT / "workflows").glob("*.smk"))


def on_a_cluster(folder: Path, results: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("snakemake_executor_plugin_slurm")
    tiny_workflow.write(folder)
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"results": results}))
    slurm = [*tiny_workflow.snakemake("slurm"), *arguments]
    return subprocess.run(slurm, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize(("folder", "results"), [("plain", 'a "b"'), ("plain", "a$b"), ("plain", "[a]"), ("it's", "a")])
def test_a_path_that_a_cluster_cannot_have_is_refused(tmp_path: Path, folder: str, results: str):
    done = on_a_cluster(tmp_path / folder, results)  # a dry run has no cluster
    assert done.returncode != 0
    assert "on a cluster a path must be of letters, digits, blanks" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_on_a_cluster_threads_follow_the_configuration(tmp_path: Path):
    # a dry run shows at most the cores it is given
    planned = ("--dry-run", "--forceall", "--quiet", "progress", "--cores", "4")
    done = on_a_cluster(tmp_path / "plain folder", "results of a run", *planned)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = re.split(r"^(?:local)?rule (\w+):$", done.stdout + done.stderr, flags=re.MULTILINE)[1:]
    jobs_by_rule = dict(zip(jobs[::2], jobs[1::2], strict=True))
    assert set(jobs_by_rule) >= set(RULES)
    assert "threads:" not in jobs_by_rule["sample"], "one, as configured"
    assert "threads: 2" in jobs_by_rule["check"], "as the profile says"
    assert "slurm_partition=gpu" in jobs_by_rule["train"]
    assert "gpu=1" in jobs_by_rule["train"]
    assert "mem_mb=6000" in jobs_by_rule["train"]


def test_snakemake_reports_our_figures_and_tables(folder: Path, tmp_path: Path):
    made = tmp_path / "report.zip"
    done = snakemake(folder, "--report", str(made))
    assert done.returncode == 0, done.stdout + done.stderr
    names = [path for path in zipfile.ZipFile(made).namelist() if "/data/" in path]
    for name in ("report.html", "rows.csv", "metrics.csv", "rejected.csv", "shortlist.csv"):
        assert any(path.endswith(f"/{name}") for path in names), (name, names)


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_make_lists_its_targets():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "test-cluster", "test-faults", "audit", "lint", "help", "clean"):
        assert f"make {target} " in shown
