"""What the jobs cost, from the files of Snakemake's benchmarks."""

import os
from pathlib import Path

from moldiff.config.report import ReportOptions
from moldiff.reporting.costs import Cost, read_costs
from moldiff.stages.report import report
from tests.reporting.made_run import make_run

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def write(path: Path, when: int, row: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + row)
    os.utime(path, (when, when))


def test_jobs_are_added_up_by_rule(tmp_path: Path):
    write(tmp_path / "train.tsv", 3, "60.5\t0:01:00\t512.25\t1\t1\t1\t0\t0\t99.0\t59.5\n")
    write(tmp_path / "featurize" / "1-of-2.tsv", 1, "10\t0:00:10\t100.0\t1\t1\t1\t0\t0\t99.0\t9\n")
    write(tmp_path / "featurize" / "2-of-2.tsv", 2, "12\t0:00:12\t90.0\t1\t1\t1\t0\t0\t99.0\t11\n")
    write(tmp_path / "featurize" / "1-of-4.tsv", 0, "999\t0:16:39\t999.0\t1\t1\t1\t0\t0\t99.0\t999\n")
    write(tmp_path / "gate.tsv", 4, "0.02\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    assert read_costs(tmp_path) == [
        Cost("featurize", 2, 22.0, 12.0, 20.0, 100.0),
        Cost("train", 1, 60.5, 60.5, 59.5, 512.25),
        Cost("gate", 1, 0.02, 0.02, None, None),
    ]


def test_nothing_measured_makes_no_table(tmp_path: Path):
    assert read_costs(tmp_path / "absent") == []
    (tmp_path / "odd.tsv").write_bytes(b"\xff\xfe")
    assert read_costs(tmp_path) == [Cost("odd", 1, None, None, None, None)]


def test_the_report_shows_them(tmp_path: Path):
    folder = make_run(tmp_path / "run")
    write(tmp_path / "benchmarks" / "<b>.tsv", 1, "12345\t3:25:45\t678.9\t1\t1\t1\t0\t0\t99.0\t12000\n")
    page = report(ReportOptions(), tmp_path / "r.html", check=folder / "check", benchmarks=tmp_path / "benchmarks")
    text = page.read_text()
    assert "What the jobs cost" in text
    assert "12\u202f345" in text
    assert "&lt;b&gt;" in text
