"""Weights say which tasks they were trained on, and an error names shipped ones that can do what is asked."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from rdkit import Chem
from typer.testing import CliRunner

import moldiff
from moldiff.cli.main import app
from moldiff.config.train import TaskShares
from moldiff.errors import UserError
from moldiff.models import abilities, shipped
from moldiff.models.abilities import TASKS, default_weights, knowing, require_task, tasks_of


def history(**shares: float) -> dict:
    return {"options": {"tasks": shares}}


def test_every_task_of_training_has_words() -> None:
    assert set(TASKS) == set(TaskShares.model_fields)
    assert set(abilities.PREFERRED) == set(shipped.names())


def test_a_task_without_a_share_is_not_known() -> None:
    assert tasks_of(history(new=1, fragment=0.2, fragments=0), "implicit") == {"new", "fragment"}
    assert tasks_of(history(new=1, hydrogens=0.1), "explicit") == {"new", "hydrogens"}
    assert tasks_of(history(new=1, hydrogens=0.1), "implicit") == {"new"}


def test_weights_of_before_the_tasks_make_new_molecules_only() -> None:
    assert tasks_of({"options": {"steps": 10}}, "explicit") == {"new"}


def test_weights_that_say_nothing_of_their_training_may_be_tried() -> None:
    assert tasks_of({}, "explicit") == set(TASKS)
    assert tasks_of({}, "implicit") == set(TASKS) - {"hydrogens"}


@pytest.mark.parametrize(
    ("task", "first", "second"),
    [
        ("fragment", "leads", "drugs"),
        ("fragments", "leads", "drugs"),
        ("conformer", "drugs", "leads"),
        ("bonds", "leads", "drugs"),
    ],
)
def test_those_that_can_are_named_to_those_who_took_others(task: str, first: str, second: str) -> None:
    assert default_weights(task) == first
    others = f"{first}, {second}, qm9 and qm9-heavy were"
    with pytest.raises(UserError, match=f"not trained to {TASKS[task]}; of the shipped ones {others}"):
        require_task(history(new=1), "implicit", task)


def test_hydrogens_are_placed_by_the_shipped_weights_that_have_them() -> None:
    assert default_weights("hydrogens") == "qm9"
    with pytest.raises(UserError, match="of the shipped ones qm9 was"):
        require_task(history(new=1), "explicit", "hydrogens")


def test_what_no_shipped_weights_know_says_how_to_train_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abilities, "_shipped_tasks", lambda name: frozenset({"new"}))
    assert knowing("hydrogens") == []
    with pytest.raises(UserError, match=r"train\.tasks\.hydrogens above 0 on a dataset with `hydrogens: explicit`"):
        default_weights("hydrogens")


def test_a_student_of_new_molecules_refuses_parts_and_conformers_and_python_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "in.smi").write_text("CCO\n")
    out = ["--out", str(tmp_path / "out.sdf")]
    for others, words in (
        (
            "leads, drugs",
            ["sample", "qm9-heavy-fast", "--scaffold-smiles", "c1ccccc1[*:1]", "-n", "2", "--steps", "2", *out],
        ),
        (
            "drugs, leads",
            ["conformers", str(tmp_path / "in.smi"), "--weights", "qm9-heavy-fast", "-n", "1", "--steps", "2", *out],
        ),
    ):
        result = CliRunner().invoke(app, words)
        assert isinstance(result.exception, UserError)
        assert f"{others}, qm9 and qm9-heavy were" in str(result.exception)
        assert not (tmp_path / "out.sdf").exists()
    with pytest.raises(UserError, match="drugs, leads, qm9 and qm9-heavy were"):
        moldiff.load("qm9-heavy-fast").conformers([Chem.MolFromSmiles("CCO")], n=1)


def test_conformers_take_weights_that_can_make_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = SimpleNamespace(weights="")
    monkeypatch.setattr(
        "moldiff.stages.conformers.conformers",
        lambda options, inputs, weights, out, shard: vars(asked).update(weights=weights),
    )
    result = CliRunner().invoke(app, ["conformers", "in.smi", "--out", str(tmp_path / "out.sdf")])
    assert result.exit_code == 0, result.output
    assert asked.weights == "drugs"
