"""The sample stage with a part that is kept: in every record to the last digit, however the run is cut."""

import json
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from moldiff.config.sample import SampleOptions
from moldiff.models.checkpoint import Model, Statistics, save_model
from moldiff.sampling.tasks import KeptPart
from moldiff.stages.sample import merge_samples, sample
from tests import tiny

POSE = np.array([[0.0, 0, 0], [1.2345, 0.6789, 0], [2.5, -0.4321, 0.1], [1.3, 2.0, -0.2]])


@pytest.fixture
def options(tmp_path: Path) -> SampleOptions:
    mol = Chem.RWMol()
    for number in (6, 7, 6, 0):
        mol.AddAtom(Chem.Atom(number))
    for begin, end in ((0, 1), (1, 2), (1, 3)):
        mol.AddBond(begin, end, Chem.BondType.SINGLE)
    conformer = Chem.Conformer(4)
    conformer.Set3D(True)
    for index, place in enumerate(POSE.tolist()):
        conformer.SetAtomPosition(index, place)
    mol.AddConformer(conformer)
    (tmp_path / "part.sdf").write_text(Chem.MolToMolBlock(mol.GetMol()) + "$$$$\n")
    return tiny.sample_options(n=10, steps=3, restarts=1, batch_pairs=100, scaffold=str(tmp_path / "part.sdf"))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    statistics = Statistics(tiny.SIGMA_DATA, tiny.MARGINALS, {3: 2, 5: 3, 8: 1}, "implicit")
    save_model(Model.of(tiny.network().float(), statistics), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_every_record_has_the_part_and_shards_join(weights: Path, options: SampleOptions, tmp_path: Path) -> None:
    whole = sample(options, weights, tmp_path / "whole.sdf")
    mols = list(Chem.SDMolSupplier(str(whole), sanitize=False))
    assert len(mols) == 10
    for mol in mols:
        assert mol.GetProp("moldiff_given_atoms") == "1,2,3"
        assert [atom.GetAtomicNum() for atom in mol.GetAtoms()][:3] == [6, 7, 6]
        np.testing.assert_array_equal(mol.GetConformer().GetPositions()[:3], POSE[:3])
        assert mol.GetNumAtoms() in {5, 8}
        for closed in (0, 2):
            assert [near.GetIdx() for near in mol.GetAtomWithIdx(closed).GetNeighbors()] == [1]
    parts = [sample(options, weights, tmp_path / f"{part}.sdf", shard=(part, 2)) for part in range(2)]
    joined = merge_samples(parts, tmp_path / "joined.sdf")
    assert joined.read_text() == whole.read_text()


def test_what_turned_over_is_left_out_and_counted(
    weights: Path, options: SampleOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeptPart, "flaw", lambda self, arrays: "stereocentre turned" if len(arrays) == 5 else "")
    out = sample(options, weights, tmp_path / "out.sdf")
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["flawed"] == {"stereocentre turned": 10 - record["produced"]}
    assert 0 < record["produced"] < 10
    assert record["not_finite"] == 0
    assert {mol.GetNumAtoms() for mol in Chem.SDMolSupplier(str(out), sanitize=False)} == {8}


def test_a_changed_part_is_another_run(weights: Path, options: SampleOptions, tmp_path: Path) -> None:
    before = sample(options, weights, tmp_path / "out.sdf").read_text()
    path = Path(str(options.scaffold))
    path.write_text(path.read_text().replace("1.2345", "1.2545"))
    after = sample(options, weights, tmp_path / "out.sdf").read_text()
    assert "1.2545" in after
    assert before != after
