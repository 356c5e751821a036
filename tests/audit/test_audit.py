import stat
from pathlib import Path

import pytest

from tests.audit.__main__ import ROOT, lowest, main

PROJECT = """
[project]
name = "x"
dependencies = ["a>=1.2", "b[c]>=3,<4", "d"]
[project.optional-dependencies]
more = ["e-f>=0.5; python_version > '3'", "x[all]", "a>=1.2"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "constraints.txt").write_text("a==1.3\n")
    return tmp_path


def program(folder: Path, lines: str) -> str:
    """A pip-audit of these lines of shell."""
    path = folder / "pip-audit"
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_lowest_of_every_dependency_is_asked_for():
    assert lowest(PROJECT) == ["a==1.2", "b==3", "e-f==0.5"]
    own = lowest((ROOT / "pyproject.toml").read_text())
    assert {line.partition("==")[0] for line in own} >= {"torch", "rdkit", "snakemake", "tblite"}


@pytest.mark.parametrize(
    ("lines", "status", "said"),
    [
        ("exit 0", 0, "the lower bounds: no known advisory"),
        ("echo 'a 1.3 GHSA-x'; exit 1", 1, "a 1.3 GHSA-x"),
        ("grep -q 1.3 $7 || { echo 'a 1.2 GHSA-y'; exit 1; }", 1, "the lower bounds:\na 1.2 GHSA-y"),
        ("echo 'requests.exceptions.ConnectionError: no name' >&2; exit 1", 2, "nothing was audited"),
    ],
)
def test_what_is_found_is_told_from_what_could_not_be_asked(
    root: Path, capsys: pytest.CaptureFixture[str], lines: str, status: int, said: str
):
    assert main(program(root, lines), root) == status
    captured = capsys.readouterr()
    assert said in captured.out + captured.err
