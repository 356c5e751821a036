"""The check stage from files to summary: nothing lost, shards add up, order and orientation change nothing."""

import csv
import filecmp
import gzip
import importlib.util
import io
import json
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolTransforms

from moldiff.config.check import CheckOptions
from moldiff.errors import UserError
from moldiff.scoring import rows as scored_rows
from moldiff.stages import check as stage
from tests.scoring import handmade

RESULTS = ("rows.parquet", "rows.csv", "summary.json")
BUILT = ("CCO", "c1ccccc1C", "CC(=O)N", "C[C@H](N)C(=O)O", "C1CCCCC1", "C/C=C/C", "CS(C)=O", "[NH3+]CC(=O)[O-]")


def built() -> list[Chem.Mol]:
    mols = []
    for seed, smiles in enumerate(BUILT):
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        rdDistGeom.EmbedMolecule(mol, randomSeed=seed)
        mols.append(mol)
    return mols


def records(mols: list[Chem.Mol]) -> list[str]:
    return [Chem.MolToMolBlock(mol) + "$$$$\n" for mol in mols]


def broken() -> list[str]:
    return [text for text, _, _ in handmade.STRUCTURES.values() if text.endswith("$$$$\n")]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("MOLDIFF_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def molecules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "molecules.sdf"
    path.write_text("".join(records(built()) + broken() + records(built()[:2])))
    return path


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("training") / "training.smi"
    # Spelled otherwise than the checked ones: novelty must not be fooled.
    path.write_text("OCC ethanol\nCC1=CC=CC=C1 toluene\nNC(C)=O\nCCCC\nOC1CCCCC1\nnonsense\n")
    return path


def run(inputs: list[Path], output: Path, **options) -> dict:
    known = {name: options.pop(name) for name in ("train", "reference") if name in options}
    checked = stage.check(CheckOptions(**options), [str(path) for path in inputs], output, workers=1, **known)
    return checked.written()


def rows(folder: Path) -> list[dict]:
    return pq.read_table(folder / "rows.parquet").to_pylist()


def test_every_record_has_its_row_in_order(molecules: Path, training: Path, tmp_path: Path):
    summary = run([molecules], tmp_path, train=training)
    found = rows(tmp_path)
    expected = len(BUILT) + len(broken()) + 2
    assert summary["n_total"] == len(found) == expected
    assert [row["index"] for row in found] == list(range(1, expected + 1))
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert [int(row["index"]) for row in csv.DictReader(file)] == list(range(1, expected + 1))
    written = json.loads((tmp_path / "summary.json").read_text())
    assert summary == {name: value for name, value in written.items() if name != "record_sha256"}
    assert summary["hydrogens"] == "explicit"
    assert {row["record"] for row in found} == set(range(1, expected + 1))
    assert [row["duplicate"] for row in found[-2:]] == [True, True]
    # Ethanol, toluene and acetamide are in the training set; the duplicates at the end are no news either.
    assert [row["novel"] for row in found[:8]] == [False, False, False, *[True] * 5]
    valid, distinct = summary["metrics"]["valid"]["numerator"], summary["n_distinct"]
    assert summary["metrics"]["uniqueness"]["numerator"] == distinct < valid
    assert summary["metrics"]["novelty"]["denominator"] == distinct
    assert summary["metrics"]["vun"]["denominator"] == expected
    assert all(row["reasons"] for row in found if not row["valid_strict"])
    assert all(row["qed"] is None for row in found if not row["valid"])
    assert found[0]["nearest_train"] == 1
    assert found[0]["nearest_train_smiles"] == "CCO"
    assert summary["inputs"][0]["records"] == expected
    assert summary["distances"]["elements"]["noise_floor_n"] == 2


def test_shards_add_up_to_one_run_exactly(molecules: Path, training: Path, tmp_path: Path):
    run([molecules], tmp_path / "one", train=training, strain=6, seed=3)
    options = CheckOptions(strain=6, seed=3)
    parts = []
    for shard in range(3):
        parts.append(tmp_path / f"part{shard}")
        stage.check_shard(options, [str(molecules)], shard, 3, parts[-1], workers=1 + shard % 2)
    stage.merge_checks(options, parts[::-1], tmp_path / "merged", train=training)
    assert all(filecmp.cmp(tmp_path / "one" / name, tmp_path / "merged" / name, shallow=False) for name in RESULTS)
    assert sum(row["strain_energy"] is not None for row in rows(tmp_path / "merged")) >= 1
    with pytest.raises(UserError, match="3 parts; given are 1, 3"):
        stage.merge_checks(options, [parts[0], parts[2]], tmp_path / "partial")
    (parts[1] / "part.json").unlink()
    with pytest.raises(UserError, match="not a finished part"):
        stage.merge_checks(options, parts, tmp_path / "unfinished")


@pytest.mark.skipif(importlib.util.find_spec("tblite") is None, reason="the extra xtb is not installed")
def test_energies_are_of_the_molecules_asked_for(tmp_path: Path):
    path = tmp_path / "energies.sdf"
    path.write_text("".join(records(built()[:4])))
    run([path], tmp_path, strain=3, xtb=2)
    found = rows(tmp_path)
    assert sum(row["strain_energy"] is not None for row in found) == 3
    energies = [row["xtb_energy"] for row in found if row["xtb_energy"] is not None]
    assert len(energies) == 2
    assert all(0 < energy < 30 for energy in energies)  # embedded, not relaxed


def comparable(summary: dict) -> dict:
    """The summary without what names the file, and without digits that a turned coordinate rounds away."""
    kept = {
        name: value for name, value in summary.items() if name not in ("inputs", "options", "sha256", "record_sha256")
    }
    kept["distances"] = {
        name: {**value, "value": None if value["value"] is None else round(value["value"], 2), "noise_floor": None}
        for name, value in summary["distances"].items()
        if not name.startswith(("bond_", "torsion"))
    }
    return kept


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_order_orientation_and_atom_order_change_nothing(seed: int, training: Path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("changed")
    mols = [*built(), *built()[:3]]
    (folder / "given.sdf").write_text("".join(records(mols)))
    shuffle = random.Random(seed)
    changed = []
    for mol in mols:
        order = list(range(mol.GetNumAtoms()))
        shuffle.shuffle(order)
        turned = Chem.RenumberAtoms(mol, order)
        random_matrix = np.random.default_rng(shuffle.getrandbits(32)).normal(size=(3, 3))
        rotation = np.eye(4)
        rotation[:3, :3] = np.linalg.qr(random_matrix)[0]
        rotation[:3, :3] *= np.linalg.det(rotation[:3, :3])  # a rotation, for a reflection is another molecule
        rdMolTransforms.TransformConformer(turned.GetConformer(), rotation)
        changed.append(turned)
    shuffle.shuffle(changed)
    (folder / "changed.sdf").write_text("".join(records(changed)))
    first = run([folder / "given.sdf"], folder / "a", train=training)
    second = run([folder / "changed.sdf"], folder / "b", train=training)
    assert comparable(first) == comparable(second)


def test_auto_policy_is_decided_over_all_records(tmp_path: Path):
    heavy = [Chem.RemoveHs(mol) for mol in built()]
    (tmp_path / "heavy.sdf").write_text("".join(records(heavy)))
    (tmp_path / "mixed.sdf").write_text("".join(records([*heavy, built()[0]])))
    implicit = run([tmp_path / "heavy.sdf"], tmp_path / "implicit")
    explicit = run([tmp_path / "mixed.sdf"], tmp_path / "explicit")
    assert implicit["hydrogens"] == "implicit"
    assert implicit["metrics"]["valid_strict"]["numerator"] == len(heavy)
    assert implicit["metrics"]["molecule_stability"]["numerator"] == len(heavy)
    assert explicit["hydrogens"] == "explicit"
    assert explicit["metrics"]["valid_strict"]["numerator"] == 1
    assert explicit["metrics"]["valid"]["numerator"] == len(heavy) + 1
    assert "hydrogens missing" in rows(tmp_path / "explicit")[0]["reasons"]


def test_truncated_gzip_keeps_what_was_whole(tmp_path: Path):
    whole = gzip.compress("".join(records(built()) * 20).encode())
    (tmp_path / "cut.sdf.gz").write_bytes(whole[: len(whole) // 2])
    run([tmp_path / "cut.sdf.gz"], tmp_path / "out")
    found = rows(tmp_path / "out")
    assert found[0]["valid"]
    assert "truncated gzip" in found[-1]["reasons"]


def test_smiles_have_no_pose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "some.smi").write_text("CCO a\nc1ccccc1 b\n")
    summary = run([tmp_path / "some.smi"], tmp_path / "out")
    assert "pb_valid" not in summary["metrics"]
    assert all(row["pb_valid"] is None and "no 3D" in row["pb_failed"] for row in rows(tmp_path / "out"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"CCO a\nc1ccccc1 b\n")))
    stage.check(CheckOptions(), ["-"], tmp_path / "piped", workers=1)
    assert [row["key"] for row in rows(tmp_path / "piped")] == ["CCO", "c1ccccc1"]


def test_reference_is_computed_once_and_cached(training: Path, tmp_path: Path, cache: Path, monkeypatch):
    (tmp_path / "some.smi").write_text("CCO\n")
    first = run([tmp_path / "some.smi"], tmp_path / "a", train=training)
    (cached,) = cache.iterdir()
    monkeypatch.setattr("moldiff.scoring.sets.reference._make", None)
    assert run([tmp_path / "some.smi"], tmp_path / "b", train=training) == first
    cached.write_bytes(b"damaged")
    monkeypatch.undo()
    monkeypatch.setenv("MOLDIFF_CACHE", str(cache))
    assert run([tmp_path / "some.smi"], tmp_path / "c", train=training) == first


def test_a_reference_without_valid_molecules_is_an_error(tmp_path: Path):
    (tmp_path / "some.smi").write_text("CCO\n")
    (tmp_path / "bad.smi").write_text("nonsense\n")
    with pytest.raises(UserError, match="no valid molecule"):
        run([tmp_path / "some.smi"], tmp_path / "out", train=tmp_path / "bad.smi")


def test_mistakes_are_explained(tmp_path: Path):
    (tmp_path / "some.smi").write_text("CCO\n")
    with pytest.raises(UserError, match="no such file"):
        run([tmp_path / "nothing.sdf"], tmp_path / "out")
    with pytest.raises(UserError, match="cannot be written"):
        run([tmp_path / "some.smi"], tmp_path / "some.smi" / "out")
    for missing in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UserError):
            run([tmp_path / "some.smi"], tmp_path / "out", train=missing)
    with pytest.raises(UserError, match="standard input"):
        stage.check_shard(CheckOptions(), ["-"], 0, 2, tmp_path / "part")
    assert not list(tmp_path.rglob(".check-*"))


def test_a_molecule_without_end_costs_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "some.smi").write_text("CCO\nCCCCCC\nCCN\n")
    monkeypatch.setattr(scored_rows, "STEPS", (_hang_on_hexane, *scored_rows.STEPS[1:]))
    run([tmp_path / "some.smi"], tmp_path / "out", timeout=4.0)
    found = rows(tmp_path / "out")
    assert [row["valid"] for row in found] == [True, False, True]
    assert "timeout" in found[1]["reasons"]


def _hang_on_hexane(task):
    import time

    from moldiff.scoring.score import STEPS

    if task.record.text == "CCCCCC":
        time.sleep(60)
    return STEPS[0](task)
