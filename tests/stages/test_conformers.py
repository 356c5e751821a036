"""Conformers and hydrogens: bonds and stereochemistry stay, what cannot be made is counted and named."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from moldiff.chemistry.stereo import right_handed, with_positions
from moldiff.config.conformers import ConformersOptions, HydrogensOptions
from moldiff.errors import UserError
from moldiff.files.manifest import write_record
from moldiff.models.checkpoint import Model, Statistics, save_model
from moldiff.molecules.batch import Vocabulary
from moldiff.network.build import build_network
from moldiff.sampling.sampler import Sampler
from moldiff.stages.conformers import conformers, hydrogens, merge
from tests import tiny

MARGINALS = {"element": [0.2] * 5, "charge": [0.05, 0.9, 0.05], "bond": [0.6, 0.25, 0.1, 0.05]}


def weights(folder: Path, hydrogens: str) -> Path:
    """An untrained network that places atoms anywhere."""
    torch.manual_seed(0)
    network = build_network(tiny.network().options, Vocabulary((1, 6, 7, 8, 9), (-1, 0, 1)), tiny.SIGMA_DATA)
    model = Model.of(network.float().eval(), Statistics(tiny.SIGMA_DATA, MARGINALS, {9: 1}, hydrogens))
    save_model(model, folder / f"{hydrogens}.safetensors")
    return folder / f"{hydrogens}.safetensors"


def options(**values: object) -> ConformersOptions:
    return ConformersOptions(**{"n": 3, "steps": 2, "accelerator": "cpu", "threads": 1, "attempts": 40, **values})


def records(path: Path) -> list[Chem.Mol]:
    return list(Chem.SDMolSupplier(str(path), removeHs=False))


SMILES = ["CCO", "C[C@H](O)F", r"C/C=C/C", r"C/C=C\C(=O)[O-]", "c1ccccc1N"]


def test_conformers_have_the_graph_and_the_stereochemistry(tmp_path: Path) -> None:
    source = tmp_path / "in.smi"
    source.write_text("".join(f"{smiles} m{place}\n" for place, smiles in enumerate(SMILES)))
    out = conformers(options(), [str(source)], weights(tmp_path, "implicit"), tmp_path / "out.sdf")
    made = records(out)
    assert [mol.GetProp("_Name") for mol in made] == [f"m{place}" for place in range(5) for _ in range(3)]
    for number, mol in enumerate(made):
        assert mol.GetProp("moldiff_record") == str(number // 3 + 1)
        Chem.AssignStereochemistryFrom3D(mol)
        expected = Chem.MolFromSmiles(SMILES[number // 3])
        flat = [Chem.MolToSmiles(one, isomericSmiles=False) for one in (mol, expected)]
        assert flat[0] == flat[1]
        if "@" in SMILES[number // 3] or "/" in SMILES[number // 3]:
            assert Chem.MolToSmiles(mol) == Chem.MolToSmiles(expected)
    assert not np.allclose(made[0].GetConformer().GetPositions(), made[1].GetConformer().GetPositions())
    record = json.loads((tmp_path / "out.json").read_text())
    assert (record["records"], record["requested"], record["produced"]) == (5, 15, 15)
    assert record["with_stereo"] == 9
    assert 0 <= record["stereo_right_at_first"] <= 9


def test_what_cannot_be_placed_is_counted_and_named(tmp_path: Path) -> None:
    source = tmp_path / "in.smi"
    source.write_text("CCO a\nCS b\nCC.O c\nnonsense d\nC[N+2] e\n")
    conformers(options(n=2), [str(source)], weights(tmp_path, "implicit"), tmp_path / "out.sdf")
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["produced"] == 2
    assert record["refused"] == 4
    assert sum(record["failed"].values()) == 8
    reasons = " ".join(record["failed"])
    for part in ("do not know the element S", "several molecules", "unreadable SMILES"):
        assert part in reasons
    source.write_text("CS b\n")
    with pytest.raises(UserError, match="nothing was made of 1 records: the weights do not know the element S"):
        conformers(options(), [str(source)], weights(tmp_path, "implicit"), tmp_path / "none.sdf")
    assert not (tmp_path / "none.sdf").exists()


def test_a_stereochemistry_that_does_not_come_out_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "in.smi"
    source.write_text("O[C@H](N)F\nO[C@@H](F)[C@H](N)[C@@H](O)[C@H](F)C\n")
    out = conformers(options(n=6, attempts=0), [str(source)], weights(tmp_path, "implicit"), tmp_path / "out.sdf")
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["failed"] == {"stereocentre turned": 12 - record["produced"]}
    assert 0 < record["produced"] == len(records(out)) < 12
    assert record["with_stereo"] == 12
    # of the molecule with one stereocentre the mirror image is always right, and was not as it came
    assert record["stereo_right_at_first"] < record["produced"]


def test_the_network_is_asked_for_the_hands_of_the_stereocentres(tmp_path: Path) -> None:
    sampler, seen = Sampler.load(weights(tmp_path, "implicit")), []
    hook = sampler.model.network.register_forward_pre_hook(lambda network, inputs: seen.append(inputs[0].handedness))
    try:
        sampler.conformers([Chem.MolFromSmiles(smiles) for smiles in ("C[C@H](O)F", "CCC", "C[C@@H](O)F")], 1)
    finally:
        hook.remove()
    assert {one.shape[1:] for one in seen} == {(4, 4)}
    signs = {tuple(one[:, 1, 0].tolist()) for one in seen if len(one) == 3}
    assert signs
    assert all(sorted(one) == [-1, 0, 1] for one in signs)
    assert all(not one[:, [0, 2, 3]].any() for one in seen)


def test_hydrogens_stand_on_atoms_that_stay(tmp_path: Path) -> None:
    heavy = Chem.AddHs(Chem.MolFromSmiles("C[C@H](O)N"))
    rdDistGeom.EmbedMolecule(heavy, randomSeed=1)
    heavy = Chem.RemoveHs(heavy)
    heavy.SetProp("_Name", "amine")
    source = tmp_path / "heavy.sdf"
    source.write_text(Chem.MolToMolBlock(heavy) + "$$$$\n")
    chosen = HydrogensOptions(steps=2, accelerator="cpu", threads=1, attempts=40)
    out = hydrogens(chosen, [str(source)], weights(tmp_path, "explicit"), tmp_path / "whole.sdf")
    (made,) = records(out)
    assert made.GetNumAtoms() == 11
    np.testing.assert_allclose(made.GetConformer().GetPositions()[:4], heavy.GetConformer().GetPositions(), atol=6e-5)
    with pytest.raises(UserError, match="not trained to place hydrogens"):
        hydrogens(chosen, [str(source)], weights(tmp_path, "implicit"), tmp_path / "b.sdf")
    flat = tmp_path / "flat.smi"
    flat.write_text("CCO\n")
    with pytest.raises(UserError, match="no coordinates"):
        hydrogens(chosen, [str(flat)], weights(tmp_path, "explicit"), tmp_path / "b.sdf")


def test_parts_join_to_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moldiff.stages.conformers.CHUNK", 2)
    source = tmp_path / "in.smi"
    source.write_text("".join(f"{smiles}\n" for smiles in SMILES))
    model = weights(tmp_path, "implicit")
    whole = conformers(options(), [str(source)], model, tmp_path / "whole.sdf")
    parts = [
        conformers(options(), [str(source)], model, tmp_path / f"{part}.sdf", shard=(part, 2)) for part in range(2)
    ]
    assert merge(parts[::-1], tmp_path / "joined.sdf").read_text() == whole.read_text()
    joined, one = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("joined", "whole"))
    for record in (joined, one):
        del record["seconds"], record["sha256"], record["record_sha256"]
    assert joined == one
    with pytest.raises(UserError, match="the same conformer twice"):
        merge([parts[0], parts[0]], tmp_path / "twice.sdf")
    with pytest.raises(UserError, match="of 2 shards 1 are given"):
        merge(parts[:1], tmp_path / "half.sdf")


@pytest.mark.parametrize("damage", [lambda data: data[:-40], lambda data: data[:50] + b"\xe9" + data[51:]])
def test_a_damaged_part_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    source = tmp_path / "in.smi"
    source.write_text("CCO\n")
    part = conformers(options(n=2), [str(source)], weights(tmp_path, "implicit"), tmp_path / "part.sdf")
    record = json.loads((tmp_path / "part.json").read_text())
    part.write_bytes(damage(part.read_bytes()))
    with pytest.raises(UserError, match=r"part\.sdf: was changed after it was written, or is incomplete; make this"):
        merge([part], tmp_path / "joined.sdf")
    del record["sha256"]
    write_record(tmp_path / "part.json", record)
    part.write_bytes(b"x\n\xe9\n$$$$\n")
    with pytest.raises(UserError, match=r"part\.sdf: cannot be read"):
        merge([part], tmp_path / "joined.sdf")
    part.write_bytes(b"x\n$$$$\nx\n")
    with pytest.raises(UserError, match=r"part\.sdf: ends within a record"):
        merge([part], tmp_path / "joined.sdf")
    part.write_bytes(b"x\n>  <moldiff_record>\nmany\n$$$$\n")
    with pytest.raises(UserError, match=r"part\.sdf: a record holds no moldiff_record"):
        merge([part], tmp_path / "joined.sdf")
    assert not (tmp_path / "joined.sdf").exists()


def test_python_gives_molecules_with_conformers(tmp_path: Path) -> None:
    sampler = Sampler.load(weights(tmp_path, "explicit"))
    whole = Chem.AddHs(Chem.MolFromSmiles("CO"))
    rdDistGeom.EmbedMolecule(whole, randomSeed=1)
    (made,) = sampler.conformers([Chem.MolFromSmiles("CO")], n=2)
    assert (made.GetNumAtoms(), made.GetNumConformers()) == (6, 2)
    (placed,) = sampler.hydrogens([whole])
    np.testing.assert_array_equal(placed.GetConformer().GetPositions()[:2], whole.GetConformer().GetPositions()[:2])
    with pytest.raises(UserError, match="molecule 2: the weights do not know the element S"):
        sampler.conformers([Chem.MolFromSmiles("CO"), Chem.MolFromSmiles("CS")])


def test_a_mirror_image_is_turned_back() -> None:
    mol = Chem.AddHs(Chem.MolFromSmiles("C[C@H](O)F"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    mol = Chem.RemoveHs(mol)
    positions = mol.GetConformer().GetPositions()
    same, reason = right_handed(mol, positions)
    assert same is positions
    assert reason == ""
    turned, _ = right_handed(mol, positions * [1, -1, 1])
    assert turned is not None
    assert right_handed(mol, turned)[0] is turned
    posed = with_positions(mol, turned)
    Chem.AssignStereochemistryFrom3D(posed)
    assert Chem.MolToSmiles(posed) == Chem.MolToSmiles(mol)
