"""Rounds of preferences: what each command is told, what a round begins with, and molecules at their own minima."""

import argparse
import shlex
import types
from pathlib import Path

import pytest
import typer
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from benchmarks import preferred, relaxed, rounds
from moldiff.chemistry.hydrogens import force_field, with_hydrogens
from moldiff.cli.main import app


def test_rounds_begin_with_what_the_last_one_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commands: list[list[str]] = []
    monkeypatch.setattr(
        rounds.Round, "python", lambda self, name, command, threads: commands.append(shlex.split(command))
    )
    options = ["--known", "drugs", "--like", "training", "--out", str(tmp_path), "--jobs", "2", "-n", "40"]
    rounds.main(["drugs", *options, "--rounds", "2", "--seed", "7", "--sample=--noise-below 0.3", "--train=--steps 5"])
    parsers = typer.main.get_command(app).commands
    for module, *words in commands:
        if module == "moldiff":  # every option is one that the command has
            parsers[words[0]].make_context(words[0], words[1:])
        elif module == "benchmarks.preferred":
            preferred.options().parse_args(words)
    sampled = [words for _, *words in commands if words[0] == "sample"]
    assert [words[1] for words in sampled] == ["drugs"] * 2 + [str(tmp_path / "1" / "taught" / "model.safetensors")] * 2
    assert [words[words.index("--seed") + 1] for words in sampled] == ["8", "8", "9", "9"]
    assert sorted(words[words.index("--shard") + 1] for words in sampled[:2]) == ["1/2", "2/2"]
    drawing = [words for module, *words in commands if module == "benchmarks.preferred"]
    trained = [words for _, *words in commands if words[0] == "train"]
    for words, seed in zip([*drawing, *trained], "8989", strict=True):
        assert words[words.index("--seed") + 1] == seed
    assert [words[words.index("--start-from") + 1] for words in trained] == [sampled[0][1], sampled[2][1]]


def test_what_is_complete_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commands: list[str] = []
    monkeypatch.setattr(rounds.Round, "python", lambda self, name, command, threads: commands.append(name))
    for done in ("1/taught/model.safetensors", "2/own-1/summary.json", "2/set_kept/dataset.json"):
        (tmp_path / done).parent.mkdir(parents=True)
        (tmp_path / done).touch()
    options = ["--known", "drugs", "--like", "training", "--out", str(tmp_path), "--jobs", "2"]
    rounds.main(["drugs", *options, "--rounds", "2"])
    assert commands == ["sample-2", "check-2", "preferred", "relax-refused", "featurize-refused", "train"]


def test_no_round_begins_that_has_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    clock = iter(range(0, 1000, 100))  # began, then the begin and the end of each round
    monkeypatch.setattr(rounds, "time", types.SimpleNamespace(monotonic=lambda: float(next(clock))))
    run: list[str] = []
    monkeypatch.setattr(rounds.Round, "run", lambda self, seed: run.append(self.weights) or f"after {seed}")
    options = ["--known", "drugs", "--like", "training", "--out", str(tmp_path), "--rounds", "9", "--seconds", "450"]
    rounds.main(["drugs", *options])
    assert run == ["drugs", "after 1"]  # the third would begin after 500 s and take 100
    assert "no time for round 3" in capsys.readouterr().out


def test_what_fails_names_its_log(tmp_path: Path):
    (tmp_path / "log").mkdir()
    with pytest.raises(RuntimeError, match="sample-1.txt: moldiff sample nothing"):
        rounds.Round(tmp_path, "drugs", argparse.Namespace()).moldiff("sample-1", "sample nothing --out here.sdf")
    assert "no shipped weights of that name" in (tmp_path / "log" / "sample-1.txt").read_text()


def test_molecules_at_their_own_minima():
    mol = Chem.AddHs(Chem.MolFromSmiles("CC(=O)Nc1ccccc1O"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    heavy = Chem.RemoveHs(mol)
    there = Chem.MolFromMolBlock(relaxed.relaxed(Chem.MolToMolBlock(heavy)), removeHs=False)
    assert Chem.MolToSmiles(there) == Chem.MolToSmiles(heavy)
    (before, _), (after, lowest) = energies(heavy), energies(there)
    assert after < before - 1
    assert after == pytest.approx(lowest, abs=0.1)


def energies(mol: Chem.Mol) -> tuple[float, float]:
    full = with_hydrogens(mol)  # a force field does not keep its molecule
    field = force_field(full)
    energy = field.CalcEnergy()
    field.Minimize(maxIts=1000)
    return energy, field.CalcEnergy()


def test_what_cannot_be_minimized_stays_as_it_is():
    pieces = Chem.AddHs(Chem.MolFromSmiles("CC.O"))
    rdDistGeom.EmbedMolecule(pieces, randomSeed=1)
    block = Chem.MolToMolBlock(pieces)
    assert relaxed.relaxed(block) == block
    wrong = block.replace(" C  ", " F  ")
    assert relaxed.relaxed(wrong) == wrong
    borane = Chem.AddHs(Chem.MolFromSmiles("CB(C)C"))  # MMFF94s has no parameters for boron
    rdDistGeom.EmbedMolecule(borane, randomSeed=1)
    assert relaxed.relaxed(Chem.MolToMolBlock(borane)) == Chem.MolToMolBlock(borane)


def test_descriptors_of_rings_are_of_a_check():
    assert set(preferred.OF_RINGS) < set(preferred.DESCRIPTORS)
