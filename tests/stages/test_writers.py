"""A result that another process is making is refused, by the stages that have no test of it elsewhere."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from moldiff.config.conformers import ConformersOptions
from moldiff.config.likelihood import LikelihoodOptions
from moldiff.config.report import ReportOptions
from moldiff.errors import UserError
from moldiff.stages.compare import compare
from moldiff.stages.conformers import conformers
from moldiff.stages.likelihood import likelihood
from moldiff.stages.report import report
from tests.faults import fuzz
from tests.reporting.made_run import make_run

HOLD = (
    "import sys; from pathlib import Path; from moldiff.files.atomic import only_writer\n"
    "with only_writer(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()\n"
)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process makes the file meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield
        other.kill()


def test_a_comparison_and_a_report_have_one_writer(tmp_path: Path):
    check = make_run(tmp_path) / "check"
    page = tmp_path / "page.html"
    with held(page), pytest.raises(UserError, match=r"page\.html: another process is making it"):
        report(ReportOptions(), page, check=check)
    assert not page.exists()
    assert report(ReportOptions(), page, check=check).is_file()
    folders = [check, check]
    with held(tmp_path / "compared" / "comparison.json"), pytest.raises(UserError, match="another process"):
        compare(folders, tmp_path / "compared", names=["a", "b"])
    compare(folders, tmp_path / "compared", names=["a", "b"])
    assert not list((tmp_path / "compared").glob(".*"))


def test_likelihoods_have_one_writer(tmp_path: Path):
    result = tmp_path / "likelihood.csv"
    with held(result), pytest.raises(UserError, match=r"likelihood\.csv: another process is making it"):
        likelihood(LikelihoodOptions(), ["absent.sdf"], tmp_path / "absent", result)


def test_conformers_have_one_writer_and_keep_what_stood_there(tmp_path: Path):
    fuzz.prepare(tmp_path)
    weights, result = tmp_path / "model.safetensors", tmp_path / "made.sdf"
    (tmp_path / "a.smi").write_text("CCO\n")
    options = ConformersOptions(n=1, steps=2, threads=1)
    with held(result), pytest.raises(UserError, match=r"made\.sdf: another process is making it"):
        conformers(options, [str(tmp_path / "a.smi")], weights, result)
    result.write_text("an earlier result")
    (tmp_path / "none.smi").write_text("[Xe]\n")
    with pytest.raises(UserError, match="nothing was made of 1 records"):
        conformers(options, [str(tmp_path / "none.smi")], weights, result)
    assert result.read_text() == "an earlier result"
    assert not list(tmp_path.glob(".made*"))
