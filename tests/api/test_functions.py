"""The functions of `moldiff` beside its commands."""

from pathlib import Path

import pytest
from rdkit import Chem

import moldiff
from moldiff.errors import UserError

SMILES = ["CCO", "CCCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1", "OCC", "C(C", "C1CCCCC1N"]


@pytest.fixture(scope="module")
def checked() -> moldiff.Checked:
    return moldiff.check(SMILES, train=None, workers=1)


def test_smiles_and_molecules_and_files_are_checked(checked: moldiff.Checked, tmp_path: Path):
    assert [row["valid"] for row in checked.rows] == [True, True, True, True, True, False, True]
    assert checked.summary["metrics"]["valid"]["numerator"] == 6
    assert "7 records, 6 valid, 5 distinct" in str(checked)
    assert "<pre>7 records" in checked._repr_html_()
    assert len(checked.to_dataframe()) == len(checked.molecules) == 7
    (tmp_path / "known.smi").write_text("CCO\n")
    novel = moldiff.check([Chem.MolFromSmiles("CCO"), Chem.MolFromSmiles("CCN")], train=tmp_path / "known.smi")
    assert [row["novel"] for row in novel.rows] == [False, True]
    kept = moldiff.check(tmp_path / "known.smi", out=tmp_path / "kept", workers=1)
    assert (tmp_path / "kept/rows.csv").exists()
    assert kept.rows[0]["key"] == "CCO"


def test_a_short_list_with_reasons(checked: moldiff.Checked):
    ranking = moldiff.rank(checked, 2, filters=["heavy_atoms > 3"], not_smarts=["[NX3;H2]"], diversity=1)
    assert [mol.GetProp("rank") for mol in ranking.molecules] == ["1", "2"]
    assert ranking.molecules.to_smiles()[0] == "CC(=O)Nc1ccc(O)cc1"
    assert len(ranking.candidates) == len(ranking.to_dataframe()) == 7
    assert ranking.refused == {"valid": 1, "not duplicate": 1, "heavy_atoms > 3": 1, "not_smarts [NX3;H2]": 1}
    assert ranking.passed == 3
    assert "2 of 7 chosen; 3 passed, 4 refused" in str(ranking)
    assert "<svg" in ranking._repr_html_()
    assert "qed" not in checked.molecules[0].GetPropsAsDict()  # the checked molecules stay as they are


def test_molecules_are_checked_before_they_are_ranked():
    assert moldiff.rank(["CCO", "CCCCO"], 1, weights={"heavy_atoms": 1}).molecules.to_smiles() == ["CCCCO"]


def test_mistakes_are_explained():
    with pytest.raises(UserError, match="did you mean `filters`"):
        moldiff.rank(["CCO"], filter=["qed > 1"])  # type: ignore[call-arg]
    with pytest.raises(UserError, match="not both"):
        moldiff.check(["CCO", Chem.MolFromSmiles("CCO")])  # type: ignore[list-item]
    with pytest.raises(UserError, match="no molecules"):
        moldiff.check([])
    with pytest.raises(UserError, match="at least 1"):
        moldiff.rank(["CCO"], 0)
