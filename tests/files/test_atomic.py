"""Nothing stands under its final name before it is complete."""

import errno
import os
import socket
import subprocess
from pathlib import Path

import pytest

from moldiff.errors import UserError
from moldiff.files.atomic import atomic_path, sha256, write_text


def test_a_complete_file_takes_its_name(tmp_path: Path):
    final = tmp_path / "new" / "folder" / "result.sdf.gz"
    with atomic_path(final) as temporary:
        assert temporary.name.endswith(".sdf.gz")
        temporary.write_bytes(b"all")
        assert not final.exists()
    assert final.read_bytes() == b"all"
    assert list(final.parent.iterdir()) == [final]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path):
    final = tmp_path / "result.csv"
    write_text(final, "old")

    def fail() -> None:
        with atomic_path(final) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert final.read_text() == "old"
    assert list(tmp_path.iterdir()) == [final]


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    host = socket.gethostname().partition(".")[0]
    dead, alive = tmp_path / f".{gone.pid}@{host}.result", tmp_path / f".{os.getppid()}@{host}.result"
    old, new, other = (tmp_path / name for name in (".1@elsewhere.result", ".2@elsewhere.result", ".1@elsewhere.more"))
    for path in (dead, alive, old, new, other):
        path.write_text("half")
    for path in (old, other):
        os.utime(path, (0, 0))
    write_text(tmp_path / "result", "all")
    assert {path for path in tmp_path.iterdir() if path.name != "result"} == {alive, new, other}


def test_text_is_utf8_with_plain_line_ends(tmp_path: Path):
    write_text(tmp_path / "text", "σ in Å\n")
    assert (tmp_path / "text").read_bytes() == "σ in Å\n".encode()


def test_a_file_in_the_place_of_a_folder(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_text(tmp_path / "file" / "below", "text")


def test_a_full_disk_is_the_users_to_mend(tmp_path: Path):
    def fill() -> None:
        with atomic_path(tmp_path / "result") as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match=r"result: cannot be written: No space left.*room"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_input_is_not_blamed_on_the_output(tmp_path: Path):
    def read() -> None:
        with atomic_path(tmp_path / "out" / "result"):
            (tmp_path / "elsewhere" / "input").read_text()

    with pytest.raises(FileNotFoundError):
        read()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="Permission denied"):
        write_text(tmp_path / "result", "text")


def test_checksum_is_that_of_the_system(tmp_path: Path):
    path = tmp_path / "data"
    path.write_bytes(bytes(range(256)) * 9000)
    shown = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout
    assert shown.split()[0] == sha256(path)
