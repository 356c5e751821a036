"""Rounds of sampling until enough molecules meet the conditions; the sampling itself is a stand-in here."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem import AllChem
from typer.testing import CliRunner

from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.cli.main import app
from moldiff.config.generate import GenerateOptions
from moldiff.config.options import parse
from moldiff.config.rank import RankOptions
from moldiff.config.sample import SampleOptions
from moldiff.errors import UserError
from moldiff.files.manifest import record_of, write_record
from moldiff.files.records import SamplesInfo
from moldiff.stages import generate as stage
from moldiff.stages.convert import sample_as

POOL = ("CCO", "CCCCO", "CCO", "c1ccccc1O", "CCCN", "CCCCCO", "OCCCO", "CC(C)O")


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    made = []
    for smiles in POOL:
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        assert AllChem.EmbedMolecule(mol, randomSeed=3) == 0
        made.append(write_sdf_block(Chem.RemoveHs(mol)))
    return made


@pytest.fixture
def rounds(blocks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[SampleOptions]:
    """What the sampling was asked for in each round; it deals the pool, one molecule in each round not finite."""
    asked: list[SampleOptions] = []

    def sample(options: SampleOptions, weights: str, path: Path, *, announce: bool) -> None:
        first = sum(options.n - 1 for options in asked)
        asked.append(options)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(blocks[(first + place) % len(blocks)] for place in range(options.n - 1)))
        counts = {"requested": options.n, "produced": options.n - 1, "not_finite": 1}
        info = SamplesInfo(**counts, seconds=1.0, model="", options=options.model_dump(mode="json"))
        write_record(record_of(path), info.model_dump(), [path])

    monkeypatch.setattr(stage, "sample", sample)
    monkeypatch.setattr(stage, "SMALLEST_ROUND", 2)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    return asked


def generate(
    out: str,
    *,
    train: Path | None = None,
    report: Path | None = None,
    refused: Path | None = None,
    rank: dict[str, Any] | None = None,
    **options: Any,
) -> Any:
    return stage.generate(
        parse(GenerateOptions, options, "test"),
        SampleOptions(),
        parse(RankOptions, {"diversity": 1, "weights": {"heavy_atoms": 1}, **(rank or {})}, "test"),
        "model.safetensors",
        Path(out),
        train=train,
        report=report,
        refused=refused,
        workers=1,
    )


def test_rounds_go_on_until_there_are_enough(rounds: list[SampleOptions], capsys: pytest.CaptureFixture[str]):
    made = generate("hits.sdf", n=4, rank={"filters": ["heavy_atoms >= 4"]})
    assert made["rounds"] == len(rounds) > 1
    assert made["made"] == sum(options.n for options in rounds)
    assert len({options.seed for options in rounds}) == len(rounds)
    mols = list(Chem.SDMolSupplier("hits.sdf"))
    assert [mol.GetNumAtoms() for mol in mols] == [7, 6, 5, 5]
    assert [mol.GetProp("rank") for mol in mols] == ["1", "2", "3", "4"]
    assert all(mol.GetConformer().Is3D() for mol in mols)
    refused = made["refused"]
    assert sum(refused.values()) + made["passed"] == made["made"]
    assert refused["not finite"] == made["rounds"]
    assert refused["not duplicate"] >= 1
    assert json.loads(Path("hits.json").read_text()) == made
    said = capsys.readouterr().err
    assert "refused by heavy_atoms >= 4" in said
    assert sorted(path.name for path in Path().iterdir()) == ["hits.json", "hits.sdf", "model.safetensors"]


def test_the_budget_ends_it_and_says_so(rounds: list[SampleOptions], capsys: pytest.CaptureFixture[str]):
    made = generate("hits.smi", n=5, budget=2, rank={"filters": ["heavy_atoms > 6"]})
    assert made["made"] == 10
    assert made["written"] == 1
    assert Path("hits.smi").read_text().split()[0] == "Oc1ccccc1"
    assert "1 of 5 wanted: the budget of 10 molecules is spent" in capsys.readouterr().err
    assert Path("hits.smi.json").exists()


def test_a_killed_run_goes_on_where_it_was(rounds: list[SampleOptions], monkeypatch: pytest.MonkeyPatch):
    real: Callable[..., Any] = stage.sample

    def dying(options: SampleOptions, weights: str, path: Path, *, announce: bool) -> None:
        if rounds:
            raise KeyboardInterrupt
        real(options, weights, path, announce=announce)

    monkeypatch.setattr(stage, "sample", dying)
    with pytest.raises(KeyboardInterrupt):
        generate("hits.csv", n=4, rank={"filters": ["heavy_atoms >= 4"]})
    assert not Path("hits.csv").exists()
    monkeypatch.setattr(stage, "sample", real)
    made = generate("hits.csv", n=4, rank={"filters": ["heavy_atoms >= 4"]})
    assert len(rounds) == made["rounds"]  # the first one was not made again
    with Path("hits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    assert {"qed", "logp", "reason"} <= set(rows[0])


def test_novel_molecules_with_hydrogens(rounds: list[SampleOptions]):
    Path("known.smi").write_text("Oc1ccccc1\nCCCCCO\n")
    made = generate("hits.sdf", n=3, novel=True, train=Path("known.smi"), hydrogens="add")
    assert made["refused"]["novel"] >= 1
    smiles = [mol.GetProp("smiles") for mol in Chem.SDMolSupplier("hits.sdf")]
    assert not {"Oc1ccccc1", "CCCCCO"} & set(smiles)
    first = next(iter(Chem.SDMolSupplier("hits.sdf", removeHs=False)))
    assert first.GetNumAtoms() > first.GetNumHeavyAtoms()
    repeats = generate("more.sdf", n=6, unique=False)
    assert "not duplicate" not in repeats["refused"]


def test_what_conditions_refused_is_kept_on_request(rounds: list[SampleOptions], blocks: list[str]):
    made = generate("hits.sdf", n=3, refused=Path("refused.sdf"), rank={"filters": ["heavy_atoms >= 4"]})
    mols = list(Chem.SDMolSupplier("refused.sdf"))
    assert mols
    assert len(mols) == made["refused"]["heavy_atoms >= 4"]
    assert {mol.GetNumHeavyAtoms() for mol in mols} == {3}
    assert all(mol.GetConformer().Is3D() for mol in mols)
    assert len({mol.GetProp("_Name") for mol in mols}) == len(mols)
    assert {mol.GetProp("reason") for mol in mols} == {"refused by heavy_atoms >= 4: heavy_atoms is 3"}
    assert generate("more.sdf", n=6, refused=Path("none.sdf"))["refused"]["not duplicate"] >= 1
    assert Path("none.sdf").read_text() == "", "a repeated molecule is not a wrong one"
    with pytest.raises(UserError, match=r"refused.smi: .* end the name in .sdf"):
        generate("hits.sdf", refused=Path("refused.smi"))


def test_a_page_of_all_molecules_on_request(rounds: list[SampleOptions]):
    generate("hits.sdf", n=3, report=Path("page.html"))
    page = Path("page.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert "moldiff generate" in page
    assert sorted(path.name for path in Path().iterdir()) == ["hits.json", "hits.sdf", "model.safetensors", "page.html"]


@pytest.mark.parametrize(
    ("out", "options", "message"),
    [
        ("hits.pdb", {}, "end the name in"),
        ("hits.sdf", {"novel": True}, "name the training set"),
        ("hits.sdf", {"rank": {"filters": ["qde > 1"]}}, "no column qde"),
    ],
)
def test_mistakes_are_found_before_anything_is_made(
    rounds: list[SampleOptions], out: str, options: dict[str, Any], message: str
):
    with pytest.raises(UserError, match=message):
        generate(out, n=1, **options)
    assert rounds == []


def test_the_command_by_name_of_shipped_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    arguments = "generate qm9-heavy -n 1 --steps 8 --threads 1 --workers 1 --device cpu --filter heavy_atoms>0"
    result = CliRunner().invoke(app, [*arguments.split(), "--weight", "qed=1"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "molecules.json").read_text())["weights"] == {"qed": 1.0}
    arguments = "generate qm9-heavy -n 1 --steps 2 --threads 1 --workers 1 --budget 1 --filter heavy_atoms>900"
    assert CliRunner().invoke(app, [*arguments.split(), "--out", "none.smi"]).exit_code == 3
    assert Path("none.smi").read_text() == ""


def test_samples_as_smiles_and_csv(tmp_path: Path):
    options = SampleOptions(n=4, steps=8, threads=1, restarts=1, accelerator="cpu")
    sample_as(options, "qm9-heavy", tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [f"sample_{number:06d}" for number in range(4)]
    assert {row["moldiff_seed"] for row in rows} == {"0"}
    assert all(row["smiles"] or row["moldiff_problem"] for row in rows)
    record = json.loads((tmp_path / "x.csv.json").read_text())
    assert (record["requested"], record["without_smiles"]) == (4, sum(not row["smiles"] for row in rows))
    sample_as(options, "qm9-heavy", tmp_path / "x.smi.gz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv", "x.csv.json", "x.smi.gz", "x.smi.gz.json"]
    with pytest.raises(UserError, match="end the name in"):
        sample_as(options, "qm9-heavy", tmp_path / "x.pdb")
