"""The user's own scores: numbers become a column; code that hangs, leaves, crashes or never ends is named, in time."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem

from moldiff.errors import UserError
from moldiff.scoring.user import add_user_score

SMILES = ("CCO", "CCN", "C1CC1")


def score(source: str, timeout: float = 60.0) -> list[float | None]:
    rows = [{"index": place, "smiles": smiles} for place, smiles in enumerate(SMILES, start=1)]
    mols = {place: Chem.MolFromSmiles(smiles) for place, smiles in enumerate(SMILES, start=1)}
    for mol, name in zip(mols.values(), "abc", strict=True):
        mol.SetProp("_Name", name)
    add_user_score("mine", source, rows, mols, timeout=timeout)
    return [row["mine"] for row in rows]  # type: ignore[misc]


def function(tmp_path: Path, body: str) -> str:
    path = tmp_path / "mine.py"
    path.write_text(body)
    return f"{path}:score"


def test_a_function_is_loaded_once_and_sees_each_molecule_whole(tmp_path: Path):
    body = (
        "calls = [0]\n"
        "def score(mol):\n"
        "    calls[0] += 1\n"
        "    return {'a': calls[0], 'b': None, 'c': float('nan') if calls[0] == 3 else 0}[mol.GetProp('_Name')]\n"
    )
    assert score(function(tmp_path, body)) == [1.0, None, None]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys\ndef score(mol): sys.exit(0)", r"record 1 \(CCO\): it calls sys.exit\(0\)"),
        ("import sys\nsys.exit()", "mine.py:score: it calls sys.exit"),
        ("import os\ndef score(mol): os._exit(0)", r"record 1 \(CCO\): crash"),
        ("import os\ndef score(mol): os.kill(os.getpid(), 9)", r"record 1 \(CCO\): crash"),
        ("def score(mol): return 1 / (mol.GetNumAtoms() - 3)", r"record 1 \(CCO\): ZeroDivisionError: float"),
        ("def score(mol): return 'much'", "ValueError: could not convert"),
        ("def score(mol): return score(mol)", "RecursionError"),
        ("def other(mol): return 1", "has no function score"),
        ("def score(mol) return 1", "SyntaxError"),
        ("raise RuntimeError('x' * 10**6)", "RuntimeError: x{500}$"),
    ],
)
def test_a_function_that_gives_no_number_is_named(tmp_path: Path, body: str, words: str):
    with pytest.raises(UserError, match=f"(?s)score mine: fails on .*{words}"):
        score(function(tmp_path, body.replace("1 / (mol", "1.0 / (mol")))


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("def score(mol):\n    while mol.GetProp('_Name') == 'b': pass\n    return 1", r"record 2 \(CCN\)"),
        ("while True: pass", "mine.py:score"),
    ],
)
def test_a_function_that_hangs_is_named_in_time(tmp_path: Path, body: str, place: str):
    with pytest.raises(UserError, match=f"score mine: fails on .*{place}: timeout: given up after 0.6 s"):
        score(function(tmp_path, body), timeout=0.6)


def test_a_command_gives_a_number_for_each_line():
    assert score('command: awk \'{print ($1 == "CCN") ? "" : length($1)}\'') == [3.0, None, 5.0]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "the command is empty"),
        ("   ", "the command is empty"),
        ("'", "No closing quotation"),
        ("absent-program", "cannot be run"),
        ("false", "status 1: no message"),
        ("sh -c 'echo why >&2; exit 3'", "status 3: why"),
        ("sh -c 'kill -9 $$'", "status -9"),
        ("echo 1", "wrote 1 lines for 3"),
        ("tr A-Z x", "wrote no number"),
        ("yes", "wrote more than"),
        ("sh -c 'yes >&2'", "did not end in 1.2 s"),
    ],
)
def test_a_command_that_gives_no_numbers_is_named(line: str, words: str):
    with pytest.raises(UserError, match=f"score mine: .*{words}"):
        score(f"command: {line}", timeout=0.3)


def test_a_command_that_hangs_goes_with_its_children(tmp_path: Path):
    note = tmp_path / "child"
    with pytest.raises(UserError, match=r"did not end in 0\.8 s"):
        score(f"command: sh -c 'sleep 100 & echo $! > {note}; wait'", timeout=0.2)
    child = int(note.read_text())
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            return  # ended, and not yet waited for by whoever inherits it
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the command's child outlives it")


@pytest.mark.parametrize("source", ["command: sed s/C/1/", "function"])
def test_a_long_score_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], source: str
):
    (tmp_path / "mine.py").write_text("def score(mol):\n    return mol.GetNumAtoms()\n")
    monkeypatch.setattr("moldiff.progress.INTERVAL", 0.0)
    rows: list[dict[str, Any]] = [{"index": number, "smiles": "C"} for number in range(3)]
    mols = {number: Chem.MolFromSmiles("CO") for number in range(3)}
    add_user_score("mine", source if source != "function" else f"{tmp_path / 'mine.py'}:score", rows, mols)
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("score mine: 3 of 3 molecules, ")
