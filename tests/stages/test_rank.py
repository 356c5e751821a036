import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from moldiff.config.check import CheckOptions
from moldiff.errors import UserError
from moldiff.scoring.substructures import Substructures, read_alerts
from moldiff.stages import rank as stage
from moldiff.stages.check import check
from moldiff.stages.compare import compare
from tests.stages.ranking import SMILES, rank, read


def test_every_candidate_gets_a_reason(checked: Path, tmp_path: Path):
    result = rank(checked, tmp_path, n=3, filters=["heavy_atoms >= 4"], weights={"qed": 1})
    candidates = read(tmp_path / "candidates.csv")
    assert len(candidates) == result["records"] == len(SMILES)
    reasons = [row["reason"] for row in candidates]
    assert all(reasons)
    assert reasons[0] == "refused by heavy_atoms >= 4: heavy_atoms is 3"
    assert reasons[6] == "refused by not duplicate: duplicate is true"
    assert reasons[7] == "refused by valid: valid is false"
    assert sum(result["refused"].values()) + result["passed"] == len(SMILES)
    shortlist = read(tmp_path / "shortlist.csv")
    assert [int(row["rank"]) for row in shortlist] == sorted(int(row["rank"]) for row in shortlist)
    assert shortlist[0]["name"] == "name5"  # paracetamol has by far the largest QED
    mols = list(Chem.SDMolSupplier(str(tmp_path / "shortlist.sdf")))
    assert [mol.GetProp("_Name") for mol in mols] == [row["name"] for row in shortlist]
    assert mols[0].GetProp("reason") == shortlist[0]["reason"]
    assert list(mols[0].GetPropNames()) == ["rank", "score", "reason", "smiles", "qed", "sa", "logp", "mw"]
    assert all(len(row["qed"].partition(".")[2]) <= 3 for row in candidates)
    assert json.loads((tmp_path / "rank.json").read_text()) == result


def test_pareto_and_no_diversity(checked: Path, tmp_path: Path):
    rank(checked, tmp_path, n=4, weights={"qed": 1, "sa": -1}, method="pareto", diversity=1)
    shortlist = read(tmp_path / "shortlist.csv")
    assert [row["rank"] for row in shortlist] == ["1", "2", "3", "4"]
    assert all(row["pareto_front"] for row in shortlist)


def test_own_function_and_command_are_columns(checked: Path, tmp_path: Path):
    (tmp_path / "mine.py").write_text(
        "def oxygens(mol):\n    return sum(a.GetSymbol() == 'O' for a in mol.GetAtoms())\n"
    )
    length = f"command: {sys.executable} -c 'import sys; [print(len(line)) for line in sys.stdin]'"
    scores = {"oxygens": f"{tmp_path / 'mine.py'}:oxygens", "length": length}
    result = rank(checked, tmp_path, n=2, filters=["oxygens > 0"], weights={"length": 1}, scores=scores, diversity=1)
    assert result["passed"] == 4
    assert read(tmp_path / "shortlist.csv")[0]["name"] == "name5"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": {"qde": 1}}, "no such column"),
        ({"weights": {"qed": 0}}, "is 0"),
        ({"filters": ["qed >"]}, "cannot be read"),
        ({"scores": {"x": "nowhere.py:f"}}, "neither FILE.py:FUNCTION"),
        ({"scores": {"x": "command: false"}}, "status 1"),
        ({"scores": {"x": "command: echo 1"}}, "1 lines for"),
        ({"scores": {"qed": "command: cat"}}, "column of that name"),
        ({"n": 0}, "at least 1"),
        ({"scores": {"x": "command: unbalanced '"}}, "No closing quotation"),
        ({"scores": {"x": "command:"}}, "is empty"),
        ({"smarts": ["C("]}, "not a SMARTS"),
        ({"alerts": "nowhere.txt"}, "cannot be read"),
        ({"similar_to": ["nowhere.sdf"]}, "neither a file nor a SMILES"),
        ({"weights": {"qed": float("nan")}}, "weights.qed: .*finite"),
    ],
)
def test_mistakes_are_explained(checked: Path, tmp_path: Path, options, message):
    with pytest.raises(UserError, match=message):
        rank(checked, tmp_path, **options)


def test_a_changed_input_is_noticed(checked: Path, tmp_path: Path):
    other = tmp_path / "other.smi"
    other.write_text("CCO\n")
    with pytest.raises(UserError, match="not the file that was checked"):
        rank(checked, tmp_path, inputs=[str(other)])


def test_substructures_refuse_with_their_name(checked: Path, tmp_path: Path):
    (tmp_path / "alerts.txt").write_text("# mine\n\nc1ccccc1O phenol\n[NX3;H2]\tprimary amine\n")
    options = {"smarts": ["c"], "not_smarts": ["[CX4H3]c"], "alerts": str(tmp_path / "alerts.txt"), "diversity": 1}
    result = rank(checked, tmp_path, **options)
    reasons = {row["name"]: row["reason"] for row in read(tmp_path / "candidates.csv")}
    assert reasons["name0"] == "refused by smarts c: has no match"
    assert reasons["name4"] == "refused by not_smarts [CX4H3]c: has 1 match"
    assert reasons["name5"] == f"refused by alerts {tmp_path / 'alerts.txt'}: phenol"
    assert [row["name"] for row in read(tmp_path / "shortlist.csv")] == ["name3"]
    assert result["refused"]["smarts c"] == 4
    assert [pattern.name for pattern in read_alerts(tmp_path / "alerts.txt")] == ["phenol", "primary amine"]


def test_near_molecules_first_by_smiles_or_file(checked: Path, tmp_path: Path):
    (tmp_path / "known.smi").write_text("Cc1ccccc1 toluene\n")
    for known in ("Cc1ccccc1", str(tmp_path / "known.smi")):
        rank(checked, tmp_path, n=1, similar_to=[known], weights={"similarity": 1})
        assert read(tmp_path / "shortlist.csv")[0]["name"] == "name4"
        assert read(tmp_path / "shortlist.csv")[0]["similarity"] == "1.0"
    result = rank(checked, tmp_path, similar_to=["Cc1ccccc1"], filters=["similarity > 0.9"])
    assert result["chosen"] == 1
    assert result["weights"]["similarity"] == 1


def test_nothing_chosen_is_said(checked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    result = rank(checked, tmp_path, filters=["qed > 2"])
    assert result["chosen"] == 0
    said = capsys.readouterr().err
    assert "0 of 10 chosen; 0 passed, 10 refused" in said
    assert "7 refused by qed > 2" in said
    assert read(tmp_path / "shortlist.csv") == []
    assert (tmp_path / "shortlist.csv").read_text().startswith("rank,score,")


def test_what_was_chosen_is_said(checked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rank(checked, tmp_path, n=1)
    said = capsys.readouterr().err
    assert "1 of 10 chosen; 7 passed, 3 refused" in said
    assert "CC(=O)Nc1ccc(O)cc1" in said


def test_a_rare_bond_costs_no_other_molecule(tmp_path: Path):
    """A dative bond is written as V3000; a bond that no SDF knows costs its own molecule alone."""
    (tmp_path / "odd.smi").write_text("N->[Pt](Cl)Cl dative\nCC$CC quadruple\nCCO ethanol\nOc1ccccc1 phenol\n")
    check(CheckOptions(), [str(tmp_path / "odd.smi")], tmp_path / "check", workers=1)
    rank(tmp_path / "check", tmp_path / "out", n=4, weights={"heavy_atoms": 1})
    names = {mol.GetProp("_Name"): mol for mol in Chem.SDMolSupplier(str(tmp_path / "out" / "shortlist.sdf"))}
    assert {"dative", "ethanol", "phenol"} <= set(names)
    assert names["dative"].GetBondWithIdx(0).GetBondType() == Chem.BondType.DATIVE
    assert len(names) == sum(row["reason"].startswith("chosen") for row in read(tmp_path / "out" / "candidates.csv"))


def test_a_command_gets_molecules_with_hydrogens_as_sdf(tmp_path: Path):
    mols = [Chem.AddHs(Chem.MolFromSmiles(smiles)) for smiles in ("CCO", "CCCO")]
    with Chem.SDWriter(str(tmp_path / "mols.sdf")) as writer:
        for mol in mols:
            AllChem.EmbedMolecule(mol, randomSeed=1)
            writer.write(Chem.RemoveHs(mol))
    (tmp_path / "flat.smi").write_text("CCN\n")
    inputs = [str(tmp_path / "mols.sdf"), str(tmp_path / "flat.smi")]
    check(CheckOptions(), inputs, tmp_path / "check", workers=1)
    script = tmp_path / "atoms.py"
    script.write_text(
        "import sys\n"
        "text = open(sys.argv[1]).read() if sys.argv[1:] else sys.stdin.read()\n"
        "for block in text.split('$$$$\\n')[:-1]:\n    print(int(block.splitlines()[3][:3]))\n"
    )
    for line in (f"{sys.executable} {script}", f"{sys.executable} {script} {{sdf}}"):
        rank(tmp_path / "check", tmp_path / "out", scores={"size": f"command-sdf: {line}"}, weights={"size": 1})
        candidates = read(tmp_path / "out" / "candidates.csv")
        assert [row["size"] for row in candidates] == ["9.0", "12.0", ""]
        assert candidates[2]["reason"] == "refused: size is null, and it is scored by"


def test_titles_that_a_spreadsheet_would_run_are_text(tmp_path: Path):
    (tmp_path / "in.smi").write_text("CCO =cmd|x\nCCN +1+1\nCCC @SUM(1)\nCCCl plain\n")
    check(CheckOptions(), [str(tmp_path / "in.smi")], tmp_path / "ck", workers=1)
    rank(tmp_path / "ck", tmp_path / "rk", n=4, diversity=1)
    expected = {"'=cmd|x", "'+1+1", "'@SUM(1)", "plain"}
    for name in ("ck/rows.csv", "rk/candidates.csv", "rk/shortlist.csv"):
        assert {row["name"] for row in read(tmp_path / name)} == expected


def test_names_are_no_markup_in_the_comparison(checked: Path, tmp_path: Path):
    (tmp_path / "few.smi").write_text("CCO\n")
    check(CheckOptions(), [str(tmp_path / "few.smi")], tmp_path / "few", workers=1)
    compare([checked, tmp_path / "few"], tmp_path / "out", names=["<script>", "=[a](javascript:b)\n# `c`"])
    table = (tmp_path / "out" / "comparison.md").read_text()
    assert table.startswith("|  | unit | &lt;script&gt; | =[a\\](javascript:b) # \\`c\\` |\n")
    assert "<" not in table
    assert {row["set"] for row in read(tmp_path / "out" / "comparison.csv")} == {
        "<script>",
        "'=[a](javascript:b)\n# `c`",
    }


def test_compare_puts_sets_side_by_side(checked: Path, tmp_path: Path):
    (tmp_path / "few.smi").write_text("CCO\nC(C\n")
    check(CheckOptions(), [str(tmp_path / "few.smi")], tmp_path / "few", workers=1)
    result = compare([checked, tmp_path / "few"], tmp_path / "out", names=["a", "b|c"])
    assert result["warnings"] == [f"different numbers of records (a: {len(SMILES)}, b|c: 2)"]
    table = (tmp_path / "out" / "comparison.md").read_text()
    assert "| valid | % | **80.0 [49.0, 94.3] of 10** | 50.0 [9.5, 90.5] of 2 ≈ |" in table
    assert "b\\|c" in table
    rows = read(tmp_path / "out" / "comparison.csv")
    assert {row["set"] for row in rows} == {"a", "b|c"}
    assert len({len(line.split(" | ")) for line in table.splitlines() if line.startswith("| ")}) <= 2
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert page.count('class="plot"') == 11  # a chart for each descriptor, rings and stereocentres among them
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    with pytest.raises(UserError, match="two or more"):
        compare([checked], tmp_path / "out")
    with pytest.raises(UserError, match="run `moldiff check`"):
        compare([checked, tmp_path / "nothing"], tmp_path / "out")


def crashing(function: Any, names: set[str]) -> Any:
    """The function, which ends its process at records of these names."""

    def instead(record: Any, charge: int = 0) -> Any:
        if record.name in names:
            os._exit(1)
        return function(record, charge)

    return instead


def test_a_molecule_that_crashes_costs_itself_alone(checked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stage, "parse", crashing(stage.parse, {"name5"}))
    rank(checked, tmp_path, n=20, diversity=1)
    reasons = {row["name"]: row["reason"] for row in read(tmp_path / "candidates.csv")}
    assert reasons["name5"] == "refused by reading: crash: the process that worked on it died"
    assert len(read(tmp_path / "shortlist.csv")) == 6


def test_a_pattern_that_takes_a_molecule_too_long_costs_it_alone(
    checked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    refusal = Substructures.refusal

    def slow(self: Substructures, mol: Chem.Mol) -> str:
        if mol.GetNumAtoms() == 3:
            os._exit(1)
        return refusal(self, mol)

    monkeypatch.setattr(Substructures, "refusal", slow)
    rank(checked, tmp_path, n=20, smarts=["C"], diversity=1)
    reasons = [row["reason"] for row in read(tmp_path / "candidates.csv")]
    lost = "refused by structure: crash: the process that worked on it died"
    assert 0 < reasons.count(lost) < len(reasons)
    assert any(reason.startswith("chosen") for reason in reasons)


def test_a_molecule_that_cannot_be_drawn_makes_room_for_the_next(
    checked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def draw(item: tuple[int, bytes]) -> tuple[int, bytes | str]:
        if Chem.Mol(item[1]).GetProp("_Name") == "name5":
            os._exit(1)
        return item

    monkeypatch.setattr(stage, "_draw", draw)
    rank(checked, tmp_path, n=1, weights={"qed": 1}, diversity=1)
    (first,) = read(tmp_path / "shortlist.csv")
    assert (first["rank"], first["name"]) == ("1", "name2")
    reasons = {row["name"]: row["reason"] for row in read(tmp_path / "candidates.csv")}
    assert reasons["name5"] == "refused by drawing: crash: the process that worked on it died"
