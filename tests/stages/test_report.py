from pathlib import Path

import pytest

from moldiff.config.report import ReportOptions
from moldiff.errors import UserError
from moldiff.stages.report import report
from tests.reporting.made_run import make_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("run"))


def test_links_lead_from_the_page_to_the_files(folder: Path, tmp_path: Path) -> None:
    output = report(ReportOptions(title="A & B"), folder / "pages" / "report.html", check=folder / "check")
    text = output.read_text(encoding="utf-8")
    assert 'href="../check/summary.json"' in text
    assert "<title>A &amp; B</title>" in text
    assert not list(output.parent.glob(".*"))


def test_odd_file_names_are_quoted(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a #1 %41 javascript:x <b>")
    output = report(ReportOptions(), tmp_path / "report.html", samples=[folder / "samples.sdf"])
    assert 'href="a%20%231%20%2541%20javascript%3Ax%20%3Cb%3E/samples.sdf"' in output.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "nothing to report on"),
        ({"check": Path("nowhere")}, "nowhere: no such folder"),
        ({"samples": [Path("nowhere.sdf")]}, "nowhere.sdf: no such file"),
        ({"dataset": Path("nowhere")}, "moldiff featurize"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, given: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        report(ReportOptions(), tmp_path / "report.html", **given)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("check/summary.json", b"{"),
        ("check/summary.json", b"[]"),
        ("check/rows.parquet", b"PAR1 no"),
        ("training/metrics.csv", b"\xff\xfe\x00"),
        ("dataset/molecules.parquet", b""),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    folder = make_run(tmp_path / "run")
    (folder / name).write_bytes(content)
    given = {part: folder / part for part in ("dataset", "training", "check")}
    with pytest.raises(UserError, match=name):
        report(ReportOptions(), tmp_path / "report.html", **given)


def test_a_folder_is_no_page(folder: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        report(ReportOptions(), folder, check=folder / "check")


def test_a_check_folder_without_a_check(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither summary"):
        report(ReportOptions(), tmp_path / "report.html", check=tmp_path)
