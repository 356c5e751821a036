"""The log file of a command."""

import sys
from pathlib import Path

import pytest

from moldiff.cli.log import Tee, open_log
from moldiff.errors import UserError


def test_the_log_repeats_messages_but_no_progress_bars(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with open_log(tmp_path / "new" / "log") as log:
        tee = Tee(sys.stdout, log)
        print("message", file=tee)
        print("\r50 %", end="", file=tee)
        print(file=tee)
        print("end", file=tee)
        assert tee.isatty() is False
    assert (tmp_path / "new" / "log").read_text() == "message\nend\n"
    assert capsys.readouterr().out == "message\n\r50 %\nend\n"


def test_a_log_follows_no_link(tmp_path: Path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "log").symlink_to("victim")
    with pytest.raises(UserError, match="log: is a symbolic link"):
        open_log(tmp_path / "log")
    assert (tmp_path / "victim").read_text() == "precious"
