"""Molecules as a user of Python has them."""

import gzip
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from rdkit import Chem
from rdkit.Chem import AllChem, Crippen

from moldiff.chemistry.formats.records import read_records
from moldiff.config import keywords
from moldiff.config.check import CheckOptions
from moldiff.config.likelihood import LikelihoodOptions
from moldiff.config.options import Options
from moldiff.config.rank import RankOptions
from moldiff.config.sample import SampleOptions
from moldiff.errors import UserError
from moldiff.sampling.finish import finish
from moldiff.sampling.molecules import PROBLEM, Molecules


def built(smiles: str, name: str = "") -> Chem.Mol:
    """A molecule of heavy atoms as a model gives it: not sanitized, no stereo, coordinates."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(mol, randomSeed=7) == 0
    mol = Chem.RemoveHs(mol)
    Chem.Kekulize(mol, clearAromaticFlags=True)
    made = Chem.RWMol()
    for atom in mol.GetAtoms():
        copy = Chem.Atom(atom.GetAtomicNum())
        copy.SetFormalCharge(atom.GetFormalCharge())
        made.AddAtom(copy)
    for bond in mol.GetBonds():
        made.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond.GetBondType())
    made.AddConformer(mol.GetConformer())
    made.SetProp("_Name", name)
    return made.GetMol()


@pytest.fixture(scope="module")
def molecules() -> Molecules:
    broken = built("CC(C)(C)C", "broken")
    broken = Chem.RWMol(broken)
    broken.GetBondWithIdx(0).SetBondType(Chem.BondType.TRIPLE)
    nowhere = built("CCN", "nowhere")
    nowhere.GetConformer().SetAtomPosition(0, (float("nan"), 0.0, 0.0))
    made = [built("C[C@H](N)C(=O)O", "alanine"), broken.GetMol(), nowhere, built("c1ccccc1O", "phenol")]
    finite = [True, True, False, True]
    return Molecules(
        finish(mol, {"moldiff_index": number}, finite=good)
        for number, (mol, good) in enumerate(zip(made, finite, strict=True))
    )


def test_the_next_line_of_a_user_works(molecules: Molecules):
    for mol in molecules.valid:
        Crippen.MolLogP(mol)
        assert Chem.AddHs(mol).GetNumAtoms() > mol.GetNumAtoms()
        mol.HasSubstructMatch(Chem.MolFromSmarts("[R]"))
    assert molecules.to_smiles()[0] == Chem.CanonSmiles("C[C@H](N)C(=O)O")  # stereo is read from the coordinates
    assert molecules.to_smiles()[3] == "Oc1ccccc1"


def test_what_failed_is_kept_and_marked(molecules: Molecules):
    assert len(molecules) == 4
    assert molecules.valid.names == ["alanine", "phenol"]
    assert molecules.failed.names == ["broken", "nowhere"]
    assert "valence" in molecules.problems[1]
    assert molecules.problems[2] == "coordinates are not finite"
    assert molecules.to_smiles()[1] == ""
    assert repr(molecules).startswith("<4 molecules, 2 failed: C[C@H](N)C(=O)O")


def test_a_list_is_a_list(molecules: Molecules):
    assert [mol.GetProp("_Name") for mol in molecules[1:3]] == ["broken", "nowhere"]
    assert isinstance(molecules[:2] + molecules[2:], Molecules)
    assert (molecules[:2] + molecules[2:]).names == molecules.names
    assert molecules[-1] in molecules


def test_as_made_is_not_sanitized_but_marked():
    fluorine = built("CF", "too many")
    editable = Chem.RWMol(fluorine)
    editable.AddBond(1, editable.AddAtom(Chem.Atom(6)), Chem.BondType.SINGLE)
    mol = finish(editable.GetMol(), {}, sanitized=False)
    assert mol.NeedsUpdatePropertyCache()
    assert mol.GetProp(PROBLEM)
    assert not finish(built("c1ccccc1"), {}, sanitized=False).GetAtomWithIdx(0).GetIsAromatic()
    assert finish(built("c1ccccc1"), {}).GetAtomWithIdx(0).GetIsAromatic()


def test_hydrogens_on_request_leave_heavy_atoms_where_they_are():
    bare = finish(built("CCO"), {})
    full = finish(built("CCO"), {}, hydrogens="add")
    assert (bare.GetNumAtoms(), full.GetNumAtoms()) == (3, 9)
    assert (full.GetConformer().GetPositions()[:3] == bare.GetConformer().GetPositions()).all()


def test_files_of_every_kind_are_read_again(molecules: Molecules, tmp_path: Path):
    molecules.to_sdf(tmp_path / "all.sdf")
    back = list(read_records([str(tmp_path / "all.sdf")]))
    assert [record.name for record in back] == molecules.names
    assert "moldiff_problem" in back[1].text
    molecules.save(tmp_path / "all.smi")
    lines = (tmp_path / "all.smi").read_text().splitlines()
    assert lines == ["C[C@H](N)C(=O)O alanine", "CCN nowhere", "Oc1ccccc1 phenol"]
    molecules.save(tmp_path / "all.csv.gz")
    lines = gzip.decompress((tmp_path / "all.csv.gz").read_bytes()).decode().splitlines()
    assert lines[0] == "name,smiles,moldiff_index,moldiff_problem"
    assert lines[1] == "alanine,C[C@H](N)C(=O)O,0,"
    assert len(lines) == 5
    with pytest.raises(UserError, match="end the name in"):
        molecules.save(tmp_path / "all.pdb")
    with pytest.raises(UserError, match="writes .sdf"):
        molecules.to_sdf(tmp_path / "all.smi")


def test_frames_and_scores_have_a_row_for_each(molecules: Molecules):
    frame = molecules.to_dataframe()
    assert list(frame["name"]) == molecules.names
    assert frame["moldiff_index"].tolist() == [0, 1, 2, 3]
    scores = molecules.score(workers=1)
    assert scores["valid"].tolist() == [True, False, False, True]
    assert scores["reasons"][2] == "coordinates that are not finite (NaN or infinite)"
    assert scores["qed"].notna().tolist() == [True, False, False, True]
    assert len(Molecules([]).score()) == 0


def test_a_notebook_shows_a_grid_without_running_names():
    mol = finish(built("CCO", "<script>alert(1)</script>"), {})
    shown = Molecules([mol] * 30)._repr_html_()
    assert shown.count("<svg") == 24
    assert "<script" not in shown
    assert "6 more of 30" in shown
    assert Molecules([])._repr_html_().count("<svg") == 0


@pytest.mark.parametrize(
    ("typed", "options", "own"),
    [
        (keywords.SampleKeywords, SampleOptions, {"n", "seed"}),
        (keywords.LikelihoodKeywords, LikelihoodOptions, set()),
        (keywords.CheckKeywords, CheckOptions, set()),
        (keywords.RankKeywords, RankOptions, {"n"}),
    ],
)
def test_keywords_are_the_options(typed: type, options: type[Options], own: set[str]):
    expected: dict[str, Any] = {
        name: field.annotation for name, field in options.model_fields.items() if name not in own
    }
    assert get_type_hints(typed) == expected
