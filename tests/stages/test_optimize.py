"""Optimize: every evaluation logged, a killed run goes on, the written are the best that were members."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from moldiff.chemistry.arrays import MoleculeArrays, to_arrays
from moldiff.config.optimize import OptimizeOptions
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, Statistics, save_model
from moldiff.scoring.overlay import shape_overlap
from moldiff.stages import optimize as stages
from moldiff.stages.optimize import optimize
from tests import tiny


def posed(smiles: str, seed: int = 1) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=seed) == 0
    return Chem.RemoveHs(mol)


POOL = [to_arrays(posed(smiles)) for smiles in ("CCO", "CCN", "CC(=O)NC", "C1CC1O", "CCCF", "NCCO", "OC=O")]


def chosen(sampler: object, plan: object, molecules: list[MoleculeArrays], *rest: object) -> list[MoleculeArrays]:
    """Moves that end in molecules of a pool: an untrained network makes none that are valid."""
    random = np.random.default_rng(rest[-1])
    return [POOL[int(random.integers(len(POOL)))] for _ in molecules]


@pytest.fixture(autouse=True)
def _moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "moved", chosen)


@pytest.fixture
def start(tmp_path: Path) -> Path:
    (tmp_path / "start.sdf").write_text("".join(Chem.MolToMolBlock(posed(s)) + "$$$$\n" for s in ("CCO", "CC(=O)NC")))
    return tmp_path / "start.sdf"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    statistics = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {3: 2, 5: 3}, "implicit")
    save_model(Model.of(tiny.network().float(), statistics), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def options(**values: object) -> OptimizeOptions:
    return OptimizeOptions(
        **{"rounds": 3, "population": 6, "steps": 8, "noise": 0.05, "temperature": 100.0, "threads": 1, **values}
    )


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_evaluations_are_logged_and_the_best_written(start: Path, weights: Path, tmp_path: Path) -> None:
    record = optimize(options(score="logp - 0.1 * sa"), start, weights, tmp_path / "out.sdf")
    log = rows(tmp_path / "out.csv")
    assert len(log) == record["evaluations"] == 18
    assert [(int(row["round"]), int(row["place"])) for row in log] == [(r, p) for r in (1, 2, 3) for p in range(6)]
    taken = [row for row in log if row["accepted"] == "true"]
    assert record["accepted"] == len(taken)
    assert record["reasons"]["accepted"] == len(taken) > 0
    written = list(Chem.SDMolSupplier(str(tmp_path / "out.sdf")))
    scores = [float(mol.GetProp("moldiff_score")) for mol in written]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == max([float(row["score"]) for row in taken] + [record["start"]["best"]])
    assert len({Chem.MolToSmiles(mol, isomericSmiles=False) for mol in written}) == len(written)
    assert not list(tmp_path.glob(".out.sdf.*"))


def test_a_killed_run_goes_on_and_ends_alike(
    start: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = optimize(options(), start, weights, tmp_path / "whole.sdf")
    real, calls = stages.moved, []

    def dying(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(stages, "moved", dying)
    with pytest.raises(KeyboardInterrupt):
        optimize(options(), start, weights, tmp_path / "killed.sdf")
    assert not (tmp_path / "killed.sdf").exists()
    again = optimize(options(), start, weights, tmp_path / "killed.sdf")
    assert len(calls) == 4, "two rounds were not made again"
    assert (tmp_path / "killed.csv").read_text() == (tmp_path / "whole.csv").read_text()
    assert (tmp_path / "killed.sdf").read_text() == (tmp_path / "whole.sdf").read_text()
    assert again["best"] == whole["best"]


def test_own_columns_and_shapes_are_scores(start: Path, weights: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def size(mol):\n    return mol.GetNumAtoms()\n")
    source = f"{tmp_path}/own.py:size"
    record = optimize(
        options(score="size + qed", rounds=1), start, weights, tmp_path / "a.sdf", columns={"size": source}
    )
    assert record["start"]["best"] > 5
    chosen = options(score="shape", rounds=1, reference=str(tmp_path / "reference.sdf"))
    (tmp_path / "reference.sdf").write_text(Chem.MolToMolBlock(posed("CC(=O)NC")) + "$$$$\n")
    record = optimize(chosen, start, weights, tmp_path / "b.sdf")
    assert record["start"]["best"] > 0.99


def test_the_overlay_does_not_depend_on_the_pose() -> None:
    mol, other = posed("CC(=O)Nc1ccc(O)cc1"), posed("c1ccccc1")
    moved = Chem.Mol(mol)
    for atom in range(moved.GetNumAtoms()):
        x, y, z = moved.GetConformer().GetAtomPosition(atom)
        moved.GetConformer().SetAtomPosition(atom, (-y + 5, x, z - 3))
    assert shape_overlap(mol, moved) == pytest.approx(1, abs=0.02)
    assert shape_overlap(mol, other) < 0.8


@pytest.mark.parametrize(
    ("score", "message"),
    [("unknown + 1", "no column unknown"), ("shape", "no column shape"), ("qed >", "cannot be read")],
)
def test_scores_that_cannot_be_computed_are_refused(
    start: Path, weights: Path, tmp_path: Path, score: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        optimize(options(score=score), start, weights, tmp_path / "out.sdf")


def test_a_start_that_cannot_be_moved_is_refused(weights: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat.smi"
    flat.write_text("CCO\n")
    with pytest.raises(UserError, match="has no pose"):
        optimize(options(), flat, weights, tmp_path / "out.sdf")
    other = tmp_path / "other.sdf"
    other.write_text(Chem.MolToMolBlock(posed("CCBr")) + "$$$$\n")
    with pytest.raises(UserError, match="do not know the element Br"):
        optimize(options(), other, weights, tmp_path / "out.sdf")
