import shutil
from pathlib import Path

import pytest
from rdkit import Chem
from typer.testing import CliRunner

import moldiff
from moldiff.cli.main import app
from moldiff.errors import UserError
from moldiff.models import shipped
from moldiff.models.checkpoint import load_model

SECTIONS = ("## Data", "## Training", "## Scores", "## Limits", "## Intended use and misuse", "## Command")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    shutil.copytree(shipped.FOLDER, folder)
    monkeypatch.setattr(shipped, "FOLDER", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_shipped_are_those_promised() -> None:
    assert set(shipped.names()) == {"drugs", "leads", "qm9", "qm9-heavy", "qm9-heavy-fast"}


@pytest.mark.parametrize("name", shipped.names())
def test_shipped_weights_are_whole_small_and_described(name: str) -> None:
    path = shipped.weights_path(name)
    assert path.stat().st_size < 10e6
    assert shipped.checksums()[path.name] == load_model(path).checksum
    card = shipped.card(name)
    assert all(section in card for section in SECTIONS)
    assert load_model(path).checksum in card
    assert 20 < len(shipped.summary(name)) < 300


@pytest.mark.parametrize("name", shipped.names())
def test_shipped_weights_sample_by_name(name: str, tmp_path: Path) -> None:
    out = tmp_path / "made.sdf"
    arguments = ["sample", "--weights", name, "-n", "2", "--steps", "5", "--threads", "1", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert len(list(Chem.SDMolSupplier(str(out), sanitize=False))) == 2


def test_shipped_weights_load_by_name() -> None:
    assert len(moldiff.load("qm9-heavy").sample(1, steps=3, threads=1)) == 1


def test_damaged_weights_are_refused(copied: Path) -> None:
    path = copied / "qm9-heavy.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        shipped.weights_path("qm9-heavy")


def test_a_file_of_that_name_comes_first(copied: Path) -> None:
    Path("drugs").write_bytes(b"mine")
    assert shipped.weights_path("drugs") == Path("drugs")


def test_a_folder_of_that_name_does_not(copied: Path) -> None:
    Path("drugs").mkdir()
    assert shipped.weights_path("drugs") == copied / "drugs.safetensors"


@pytest.mark.parametrize("arguments", [["sample", "qm9", "--weights", "drugs"], ["sample", "qm7"]])
def test_wrong_names_are_told_the_right_ones(arguments: list[str], copied: Path) -> None:
    with pytest.raises(UserError, match="drugs, leads, qm9, qm9-heavy, qm9-heavy-fast"):
        CliRunner().invoke(app, [*arguments, "-n", "1"], catch_exceptions=False)


def test_paths_are_left_to_their_reader() -> None:
    assert shipped.weights_path("no/such.safetensors") == Path("no/such.safetensors")


def test_list_and_card_are_printed() -> None:
    listed = CliRunner().invoke(app, ["weights"]).output.splitlines()
    assert [line.split()[0] for line in listed] == shipped.names()
    assert CliRunner().invoke(app, ["weights", "drugs"]).output == shipped.card("drugs")
