"""A standard stream that is closed or full is one line and status 2, and never a file's descriptor."""

import subprocess
import sys
from pathlib import Path

import pytest

from moldiff.cli.streams import Guarded
from moldiff.errors import UserError

FULL = "/dev/full"


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = f"{sys.executable} -m moldiff {line}"
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not Path(FULL).exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"config schema > {FULL}", "No space left on device"),
        ("config schema >&-", "it is closed"),
        ("config schema | true; exit ${PIPESTATUS[0]}", "Broken pipe"),
    ],
)
def test_a_result_that_cannot_be_written_is_one_line(line: str, reason: str, tmp_path: Path):
    done = shell(line, tmp_path)
    if "Broken" in reason and done.returncode == 0:
        pytest.skip("it was all in the pipe before its reader left")
    assert done.returncode == 2
    assert done.stderr == f"error: standard output cannot be written: {reason}; files already written are complete\n"


def test_a_message_that_nobody_reads_stops_nothing(tmp_path: Path):
    done = shell("--log log config schema 2>&-", tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("{")
    assert shell(f"--log log config check absent.yaml 2> {FULL}", tmp_path).returncode == 2
    assert "absent.yaml" in (tmp_path / "log").read_text()


def test_a_guard_tells_once_and_of_what_is_required(tmp_path: Path):
    with Path(FULL).open("w") as full:
        guarded = Guarded(full, "standard output", required=True)
        with pytest.raises(UserError, match="No space left"):
            guarded.write("text")
        with pytest.raises(UserError, match="No space left"):
            guarded.write("again")
    with Path(FULL).open("w") as full:
        assert Guarded(full, "standard error", required=False).write("text") == 4
    with (tmp_path / "out").open("w") as out:
        guarded = Guarded(out, "standard output", required=True)
        guarded.write("text")
        assert (tmp_path / "out").read_text() == "text"
        assert guarded.fileno() == out.fileno()
        assert guarded.isatty() is False
