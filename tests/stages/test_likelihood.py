"""The likelihood stage: a row for each record, whatever it is; order, seeds, and what is unusual."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from rdkit import Chem
from rdkit.Chem import AllChem
from typer.testing import CliRunner

from moldiff.chemistry.arrays import to_arrays
from moldiff.cli.main import app
from moldiff.config.likelihood import LikelihoodOptions
from moldiff.errors import UserError
from moldiff.models.checkpoint import Model, Statistics, save_model
from moldiff.models.growth import with_latents
from moldiff.sampling.likelihood import likelihoods, seen_twice
from moldiff.sampling.sampler import Sampler
from moldiff.stages.likelihood import likelihood
from tests import tiny
from tests.symmetry import assert_close

STATISTICS = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {4: 1}, "implicit")
QUICK: dict[str, Any] = {"levels": 4, "repeats": 2, "threads": 1, "accelerator": "cpu"}


def conformer(smiles: str) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    mol = Chem.RemoveHs(mol)
    mol.SetProp("_Name", smiles)
    return mol


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_model(Model.of(tiny.network().float(), STATISTICS), path)
    return path


@pytest.fixture(scope="module")
def molecules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("molecules") / "some.sdf"
    with Chem.SDWriter(str(path)) as writer:
        for smiles in ("CCO", "NC(=O)F", "CS", "C=CC#N", "CC(=O)N"):
            writer.write(conformer(smiles))
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_record_has_its_row_with_parts_that_add_up_or_a_reason(
    weights: Path, molecules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = likelihood(LikelihoodOptions(**QUICK), [str(molecules)], weights, tmp_path / "l.csv")
    written = rows(out)
    assert [row["name"] for row in written] == ["CCO", "NC(=O)F", "CS", "C=CC#N", "CC(=O)N"]
    assert written[2]["nats"] == ""
    assert "S" in written[2]["problem"]
    for row in written[:2] + written[3:]:
        parts = sum(float(row[name]) for name in ("positions", "elements", "charges", "bonds"))
        assert parts == pytest.approx(float(row["nats"]), abs=1e-3)
        assert float(row["nats"]) / int(row["atoms"]) == pytest.approx(float(row["nats_per_atom"]), abs=1e-3)
        assert float(row["error"]) > 0
    record = json.loads((tmp_path / "l.json").read_text())
    assert (record["records"], record["measured"]) == (5, 4)
    assert record["evaluations"] == 2 * 5 * 2
    assert "4 of 5 molecules" in capsys.readouterr().err


def test_the_same_seed_gives_the_same_table_and_another_one_another(
    weights: Path, molecules: Path, tmp_path: Path
) -> None:
    one, same, other = (
        likelihood(LikelihoodOptions(seed=seed, **QUICK), [str(molecules)], weights, tmp_path / name).read_bytes()
        for name, seed in (("a.csv", 0), ("b.csv", 0), ("c.csv", 1))
    )
    assert one == same != other


def test_the_error_falls_with_the_root_of_the_repeats() -> None:
    arrays = [to_arrays(conformer("C=CC#N"))] * 64
    sampler = Sampler(Model.of(tiny.network(randomised=False).float(), STATISTICS))
    few, many = (
        likelihoods(sampler, arrays, LikelihoodOptions(**{**QUICK, "levels": 8, "repeats": repeats}))
        for repeats in (4, 16)
    )
    ratio = sum(one.error**2 for one in few) / sum(one.error**2 for one in many)
    assert 2 < ratio < 8  # 4, but for chance


def test_known_molecules_say_what_is_unusual(molecules: Path, tmp_path: Path) -> None:
    weights = tmp_path / "normal.safetensors"  # an untrained network takes positions to be normal
    save_model(Model.of(tiny.network(randomised=False).float(), STATISTICS), weights)
    known = tmp_path / "known.sdf"
    with Chem.SDWriter(str(known)) as writer:
        for _ in range(60):
            writer.write(conformer("CCO"))
    strange = conformer("CCO")
    strange.GetConformer().SetAtomPosition(0, [40.0, 0.0, 0.0])
    asked = tmp_path / "asked.sdf"
    with Chem.SDWriter(str(asked)) as writer:
        writer.write(conformer("CCO"))
        writer.write(strange)
    options = LikelihoodOptions(**{**QUICK, "levels": 16})
    written = rows(likelihood(options, [str(asked)], weights, tmp_path / "l.csv", [str(known)]))
    assert written[1]["unusual"] == "True"
    assert float(written[1]["likelier_known"]) == 1
    assert float(written[0]["likelier_known"]) < 1
    with pytest.raises(UserError, match="give 50 known ones or more"):
        likelihood(options, [str(asked)], weights, tmp_path / "m.csv", [str(molecules)])


def test_mistakes(weights: Path, molecules: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.csv"):
        likelihood(LikelihoodOptions(**QUICK), [str(molecules)], weights, tmp_path / "l.sdf")
    flat = tmp_path / "flat.smi"
    flat.write_text("CCO\n")
    with pytest.raises(UserError, match="no coordinates"):
        likelihood(LikelihoodOptions(**QUICK), [str(flat)], weights, tmp_path / "l.csv")
    student = with_latents(Model.of(tiny.network().float(), STATISTICS), 3)
    with pytest.raises(UserError, match="student"):
        likelihoods(Sampler(student), [to_arrays(conformer("CCO"))], LikelihoodOptions(**QUICK))


def test_from_python(weights: Path) -> None:
    sampler, mols = Sampler.load(weights), [conformer("CCO"), conformer("C=CC#N")]
    found = sampler.likelihood(mols, levels=4, threads=1)
    assert [one.atoms for one in found] == [3, 4]
    assert found[0].nats == pytest.approx(sum(found[0].parts.values()))
    with pytest.raises(UserError, match="molecule 2: "):
        sampler.likelihood([mols[0], conformer("CS")])


def test_the_command(weights: Path, molecules: Path, tmp_path: Path) -> None:
    out = tmp_path / "l.csv"
    arguments = ["likelihood", str(molecules), "--weights", str(weights), "--levels", "2", "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--no-self-conditioning", "--threads", "1"])
    assert result.exit_code == 0, result.output
    assert len(rows(out)) == 5
    assert json.loads((tmp_path / "l.json").read_text())["evaluations"] == 2 * 3


def test_a_network_seen_twice_sees_its_own_first_prediction() -> None:
    batch, network = tiny.batch_of(4, 3), tiny.network()
    levels = tiny.at(batch, 0.5)
    with torch.no_grad():
        first = network(batch, levels)
        assert_close("second", seen_twice(network)(batch, levels, None).bond, network(batch, levels, first).bond)
