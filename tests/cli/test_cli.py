"""The command line, without running a stage."""

import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import moldiff
from moldiff.cli import main as cli
from moldiff.cli.options import collect
from moldiff.config import reference as config_docs
from moldiff.config import run as config
from moldiff.config.options import ConfigError, Options, groups
from moldiff.config.train import TrainOptions
from moldiff.errors import UserError
from moldiff.scoring.records import CheckSummary

RUNNER = CliRunner()
Stages = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    """Put a stage's functions in the place of the real ones; what they are called with is kept."""

    def replace(module: str, *names: str, result: object = None) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []

        def stand_in(name: str) -> Callable[..., object]:
            def called(*positional: Any, **named: Any) -> object:
                calls.append({"name": name, "positional": positional, **named})
                return result

            return called

        fake = types.ModuleType(f"moldiff.stages.{module}")
        for name in names:
            setattr(fake, name, stand_in(name))
        import moldiff.stages

        monkeypatch.setitem(sys.modules, fake.__name__, fake)
        monkeypatch.setattr(moldiff.stages, module, fake, raising=False)
        return calls

    return replace


def run(*arguments: str) -> str:
    result = RUNNER.invoke(cli.app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def run_process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "moldiff", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)


def leaves(group: type[Options], prefix: str = "") -> list[str]:
    found = []
    for name, field in group.model_fields.items():
        if inner := groups(field.annotation):
            found += [leaf for each in inner.values() for leaf in leaves(each, f"{prefix}{name}-")]
        else:
            found.append(f"{prefix}{name}".replace("_", "-"))
    return found


SINGULAR = {"filters": "filter", "weights": "weight", "scores": "score", "tables": "table", "suit": "for"}
"""Flags that are not named like their option."""


@pytest.mark.parametrize("stage", ["featurize", "train", "sample", "check", "rank", "report"])
def test_every_option_of_a_stage_is_a_flag(stage: str):
    output = RUNNER.invoke(cli.app, [stage, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    for name in leaves(config.option_groups()[stage]):
        name = SINGULAR.get(name, name)
        assert f"--{name}" in output or (stage, name) == ("featurize", "inputs")


def test_help_loads_neither_torch_nor_rdkit():
    code = (
        "import sys; sys.argv = ['moldiff', 'train', '--help']\n"
        "from moldiff.cli.main import main\n"
        "try: main()\n"
        "finally: print({'torch', 'rdkit', 'pandas', 'numpy'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "--batch-size" in done.stdout
    assert done.stderr.strip() == "set()"


def test_version():
    assert run("--version").strip() == f"moldiff {moldiff.__version__}"


def test_the_package_shows_what_it_offers():
    assert dir(moldiff) == ["Checked", "Molecules", "Ranking", "__version__", "check", "load", "rank"]
    assert all(getattr(moldiff, name) for name in dir(moldiff))
    with pytest.raises(AttributeError, match="nothing"):
        moldiff.nothing  # noqa: B018


def test_flags_win_over_the_file_and_the_file_over_defaults(stages: Stages, tmp_path: Path):
    calls = stages("train", "train")
    (tmp_path / "train.yaml").write_text("steps: 7\nseed: 3\nnetwork: {layers: 2, irreps: 64x0e + 32x1o}\n")
    run(
        "train",
        "data",
        "--out",
        "out",
        "--options",
        str(tmp_path / "train.yaml"),
        "--steps",
        "9",
        "--network-layers",
        "1",
    )
    options, dataset, out = calls[0]["positional"]
    assert (options.steps, options.seed, options.ema) == (9, 3, TrainOptions().ema)
    assert (options.network.layers, options.network.scalars, options.network.heads) == (1, 64, 8)
    assert (dataset, out) == (Path("data"), Path("out"))
    assert calls[0]["state"] is None
    assert calls[0]["overwrite"] is False


def test_options_as_json_text(stages: Stages):
    calls = stages("sample", "sample")
    run(
        "sample", "weights", "--out", "x.sdf", "--options", '{"n": 5, "solver": "heun"}', "-n", "6", "--shard", "2-of-3"
    )
    assert calls[0]["positional"][0].n == 6
    assert calls[0]["positional"][0].solver == "heun"
    assert calls[0]["shard"] == (1, 3)


def test_switches_and_lists(stages: Stages):
    calls = stages("featurize", "featurize", "featurize_shard", "merge")
    run("featurize", "a.sdf", "b.smi", "--out", "out", "--no-minimize", "--elements", "C", "--elements", "N")
    options = calls[0]["positional"][0]
    assert (options.inputs, options.minimize, options.elements) == (["a.sdf", "b.smi"], False, ["C", "N"])
    run("featurize", "--options", '{"inputs": ["c.sdf"]}', "--out", "out", "--shard", "1/4", "--workers", "2")
    assert calls[1]["name"] == "featurize_shard"
    assert calls[1]["positional"][0].inputs == ["c.sdf"]
    assert calls[1]["positional"][1:] == (0, 4, Path("out"))
    assert calls[1]["workers"] == 2
    run("merge", "featurize", "p1", "p2", "--out", "out", "--seed", "4")
    assert calls[2]["positional"][1:] == ([Path("p1"), Path("p2")], Path("out"))
    assert calls[2]["positional"][0].seed == 4


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "1/0", "a/b", "1/3/4", "-1/3"])
def test_a_shard_that_is_none(stages: Stages, shard: str):
    stages("sample", "sample")
    with pytest.raises(UserError, match="expected K/N"):
        RUNNER.invoke(cli.app, ["sample", "w", "--out", "x.sdf", f"--shard={shard}"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [("{steps: 1}", "not JSON"), ('{"stepz": 1}', "did you mean `steps`"), ("absent.yaml", r"absent\.yaml")],
)
def test_bad_options_are_explained(text: str, words: str):
    with pytest.raises(ConfigError, match=words):
        collect(TrainOptions, {"options": text}, "moldiff train")


def test_a_users_mistake_is_one_line_and_status_2(tmp_path: Path):
    done = run_process("train", "data", "--out", "out", "--options", '{"stepz": 1}')
    assert done.returncode == 2
    assert done.stderr.startswith("error: --options: unknown key `stepz`; did you mean `steps`?")
    assert "Traceback" not in done.stderr
    done = run_process("--log", str(tmp_path / "a" / "log"), "config", "check", "absent.yaml")
    assert done.returncode == 2
    assert (tmp_path / "a" / "log").read_text() == done.stderr


def test_a_log_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    done = run_process("--log", str(tmp_path / "file" / "log"), "config", "schema")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'file' / 'log'}: the log cannot be written")


SUMMARY = {
    "n_total": 10,
    "n_valid": 5,
    "n_distinct": 5,
    "hydrogens": "implicit",
    "hydrogens_option": "auto",
    "definitions": "moldiff-check-2",
    "valence_table": "a table",
    "values": {},
    "distances": {},
    "train": None,
    "reference": None,
    "metrics": {
        "valid": {"value": 0.5, "numerator": 5, "denominator": 10, "low": 0.24, "high": 0.76},
        "novel": {"value": None, "numerator": 0, "denominator": 0, "low": None, "high": None},
    },
}


@pytest.mark.parametrize(("wanted", "status"), [("0", 0), ("0.5", 0), ("0.51", 3)])
def test_the_gate(stages: Stages, tmp_path: Path, wanted: str, status: int):
    stages("check", "check", result=CheckSummary.model_validate(SUMMARY))
    result = RUNNER.invoke(cli.app, ["check", "x.sdf", "--out", "out", "--min-valid", wanted])
    assert result.exit_code == status
    assert "5 of 10" in result.output
    assert "no training set was named" in result.output
    (tmp_path / "summary.json").write_text(json.dumps(SUMMARY))
    assert RUNNER.invoke(cli.app, ["gate", str(tmp_path), "--min-valid", wanted]).exit_code == status


def test_a_gate_on_nothing_checked(tmp_path: Path):
    with pytest.raises(UserError, match="run `moldiff check` first"):
        RUNNER.invoke(cli.app, ["gate", str(tmp_path), "--min-valid", "0.5"], catch_exceptions=False)


def test_compare_and_rank(stages: Stages, tmp_path: Path):
    calls = stages("compare", "compare")
    (tmp_path / "comparison.md").write_text("| a table |\n")
    assert run("compare", "a", "b", "--out", str(tmp_path), "--name", "A", "--name", "B") == "| a table |\n"
    assert calls[0]["positional"] == ([Path("a"), Path("b")], tmp_path)
    assert calls[0]["names"] == ["A", "B"]
    calls = stages("rank", "rank")
    run("rank", "a", "--out", "o", "-n", "5", "--weight", "qed=2", "--weight", "sa=-1", "--filter", "qed > 0.5")
    run("rank", "a", "--out", "o", "--score", "dock=command: dock --flag=1", "--method", "pareto", "--not-smarts", "N")
    first, second = (call["positional"][2] for call in calls)
    assert first.weights == {"qed": 2.0, "sa": -1.0}
    assert first.filters == ["qed > 0.5"]
    assert (first.n, first.method, first.scores) == (5, "weighted", {})
    assert (second.n, second.weights, second.method) == (50, {"qed": 1.0, "sa": -1.0}, "pareto")
    assert (second.scores, second.not_smarts) == ({"dock": "command: dock --flag=1"}, ["N"])


@pytest.mark.parametrize("weight", ["qed", "qed=much", "=1"])
def test_a_weight_that_is_none(stages: Stages, weight: str):
    stages("rank", "rank")
    with pytest.raises(UserError, match="--weight"):
        RUNNER.invoke(cli.app, ["rank", "a", "--out", "o", "--weight", weight], catch_exceptions=False)


def test_the_report_gets_what_it_is_named(stages: Stages):
    calls = stages("report", "report")
    run(
        "report",
        "--out",
        "r.html",
        "--samples",
        "a.sdf",
        "--config",
        '{"featurize": {"inputs": ["x"]}}',
        "--title",
        "T",
    )
    assert calls[0]["positional"][0].title == "T"
    assert calls[0]["samples"] == [Path("a.sdf")]
    assert calls[0]["config"]["featurize"]["inputs"] == ["x"]


def test_configuration_commands(tmp_path: Path):
    assert json.loads(run("config", "schema")) == config_docs.json_schema()
    assert run("config", "docs").startswith("# Configuration")
    (tmp_path / "run.yaml").write_text("featurize: {inputs: [a.sdf]}\n")
    assert "ok" in run("config", "check", str(tmp_path / "run.yaml"))
