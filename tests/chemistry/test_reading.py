"""Molecules that hang or crash RDKit cost themselves alone, whichever stage reads them."""

import csv
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from moldiff.chemistry import fragments, reading
from moldiff.chemistry.formats.records import Record, read_records
from moldiff.chemistry.reading import molecules_of
from moldiff.chemistry.stereo import with_positions
from moldiff.config.conformers import ConformersOptions
from moldiff.config.likelihood import LikelihoodOptions
from moldiff.config.optimize import OptimizeOptions
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, Statistics, save_model
from moldiff.molecules.batch import Vocabulary
from moldiff.sampling.intake import Intake, in_its_pose, prepared
from moldiff.sampling.sampler import Sampler
from moldiff.stages.conformers import conformers
from moldiff.stages.likelihood import likelihood
from moldiff.stages.optimize import optimize
from tests import tiny

INTAKE = Intake(Vocabulary((1, 6, 7, 8, 9), (-1, 0, 1)), "implicit", largest=10)
Deed = Callable[[], object]
DEEDS: dict[str, Deed] = {"crash": partial(os._exit, 1), "timeout": partial(time.sleep, 60)}


@pytest.fixture(params=sorted(DEEDS))
def deed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What becomes of the process that parses the record named "bad"."""
    parse = reading.parse_record

    def instead(record: Record) -> Chem.Mol:
        if record.name == "bad":
            DEEDS[request.param]()
        return parse(record)

    monkeypatch.setattr(reading, "parse_record", instead)
    monkeypatch.setattr(fragments, "parse_record", instead)
    monkeypatch.setattr(reading, "SECONDS", 1.0)
    return str(request.param)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    statistics = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {3: 2, 5: 3}, "implicit")
    save_model(Model.of(tiny.network().float(), statistics), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture
def posed(tmp_path: Path) -> Path:
    """Three molecules in poses; the second is named "bad"."""
    text = ""
    for name, smiles in (("a", "CCO"), ("bad", "CCN"), ("c", "CCCO")):
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        rdDistGeom.EmbedMolecule(mol, randomSeed=1)
        mol = Chem.RemoveHs(mol)
        mol.SetProp("_Name", name)
        text += Chem.MolToMolBlock(mol) + "$$$$\n"
    (tmp_path / "posed.sdf").write_text(text)
    return tmp_path / "posed.sdf"


def test_conformers_of_the_others_are_made(deed: str, weights: Path, posed: Path, tmp_path: Path) -> None:
    options = ConformersOptions(n=1, steps=2, accelerator="cpu", threads=1)
    made = conformers(options, [str(posed)], weights, tmp_path / "out.sdf")
    assert [mol.GetProp("_Name") for mol in Chem.SDMolSupplier(str(made))] == ["a", "c"]
    (reason,) = json.loads((tmp_path / "out.json").read_text())["failed"]
    assert reason.startswith(f"{deed}: ")


def test_likelihoods_of_the_others_are_given(deed: str, weights: Path, posed: Path, tmp_path: Path) -> None:
    options = LikelihoodOptions(levels=2, repeats=2, threads=1)
    likelihood(options, [str(posed)], weights, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["nats"] != "" for row in rows] == [True, False, True]
    assert rows[1]["problem"].startswith(f"{deed}: ")


def test_an_optimization_names_the_molecule(deed: str, weights: Path, posed: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"posed\.sdf, record 2: {deed}: "):
        optimize(OptimizeOptions(rounds=1, threads=1), posed, weights, tmp_path / "out.sdf")


def test_a_part_that_crashes_is_named(weights: Path, posed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fragments, "parse_record", lambda record: os._exit(1))
    one = tmp_path / "one.sdf"
    one.write_text(posed.read_text().partition("$$$$")[0])
    with pytest.raises(UserError, match=r"one\.sdf: crash: the process that worked on it died"):
        Sampler.load(weights).sample(1, scaffold=str(one), steps=2)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("CN(C)(C)->O", "a bond of type dative has no order 1, 2 or 3"),
        ("C" * 11, "11 atoms, and the largest molecule that the weights were trained on has 5"),
        ("CS", "the weights do not know the element S"),
        ("C.C", "several molecules in one record"),
        ("CN(C)(C)C", "cannot be sanitized: Explicit valence"),
        ("C1CC", "unclosed ring"),
    ],
)
def test_what_weights_do_not_take_is_named(smiles: str, reason: str) -> None:
    ((mol, said),) = molecules_of([Record("a.smi", 1, smiles, "smiles")], partial(prepared, intake=INTAKE))
    assert mol is None
    assert reason in said


def test_what_travels_is_what_was_read(posed: Path) -> None:
    records = list(read_records([posed]))
    for (mol, reason), one in zip(molecules_of(records, partial(in_its_pose, intake=INTAKE)), records, strict=True):
        assert reason == ""
        assert mol is not None
        expected = Chem.RemoveHs(Chem.MolFromMolBlock(one.text))
        np.testing.assert_array_equal(mol.GetConformer().GetPositions(), expected.GetConformer().GetPositions())
    ((mol, _),) = molecules_of(
        [Record("a.smi", 1, r"C/C=C/[C@H](O)F", "smiles")], partial(prepared, intake=INTAKE)
    )  # fmt: skip
    assert Chem.MolToSmiles(with_positions(mol, np.zeros((mol.GetNumAtoms(), 3)))) == Chem.CanonSmiles(
        r"C/C=C/[C@H](O)F"
    )
