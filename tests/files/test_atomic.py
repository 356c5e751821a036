"""Nothing has its final name before it is complete."""

import errno
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from moldiff.errors import UserError
from moldiff.files import atomic
from moldiff.files.atomic import atomic_path, only_writer, open_new, scratch_folder, sha256, write_text


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
    dead, alive, old, new, other, odd = (
        tmp_path / name
        for name in (
            f".{gone.pid}@{host}.0123abcd.result",
            f".{os.getppid()}@{host}.0123abcd.result",
            ".1@elsewhere.0123abcd.result",
            ".2@elsewhere.0123abcd.result",
            ".1@elsewhere.0123abcd.more",
            f".{'9' * 20}@{host}.0123abcd.result",  # no number of a process, and no name of ours
        )
    )
    for path in (dead, alive, old, new, other, odd):
        path.write_text("half")
    for path in (old, other, odd):
        os.utime(path, (0, 0))
    write_text(tmp_path / "result", "all")
    assert {path for path in tmp_path.iterdir() if path.name != "result"} == {alive, new, other, odd}


def test_a_killed_process_leaves_no_scratch_folder_for_good(tmp_path: Path):
    with scratch_folder(tmp_path, "check") as ours:
        (ours / "part").write_text("half")
        assert ours.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = tmp_path / f".{gone.pid}@{socket.gethostname().partition('.')[0]}.0123abcd.check"
    (left / "deeper").mkdir(parents=True)
    with scratch_folder(tmp_path, "check") as ours:
        assert list(tmp_path.iterdir()) == [ours]


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def link(path: Path) -> None:
    path.with_name("victim").write_text("precious")
    path.symlink_to("victim")


def broken_link(path: Path) -> None:
    path.symlink_to("absent")


WRITERS = {
    "atomic_path": lambda path: write_text(path, "text"),
    "only_writer": lambda path: only_writer(path).__enter__(),
    "open_new": open_new,
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (fifo, "a FIFO"),
        (device, "a device"),
        (listening, "a socket"),
        (Path.mkdir, "a folder"),
        (link, "a symbolic link"),
        (broken_link, "a symbolic link"),
    ],
)
def test_only_a_regular_file_is_written_or_replaced(
    writer: str, make: Callable[[Path], None], kind: str, tmp_path: Path
):
    target = tmp_path / "target"
    make(target)
    before = target.lstat()
    with pytest.raises(UserError, match=f"target: is {kind}, and only a regular file"):
        WRITERS[writer](target)
    assert target.lstat() == before
    assert not (tmp_path / "victim").exists() or (tmp_path / "victim").read_text() == "precious"
    assert {path.name for path in tmp_path.iterdir()} <= {"target", "victim"}


def test_a_target_that_turns_into_a_fifo_meanwhile_stays_one(tmp_path: Path):
    def write() -> None:
        with atomic_path(tmp_path / "target") as temporary:
            temporary.write_text("text")
            fifo(tmp_path / "target")

    with pytest.raises(UserError, match="is a FIFO"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_link_under_the_temporary_name_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "victim").write_text("precious")
    names = [atomic._temporary(tmp_path / "result") for _ in range(100)]
    assert len(set(names)) == 100, "they cannot be guessed"
    monkeypatch.setattr(atomic, "_temporary", lambda final: names[0])
    names[0].symlink_to("victim")
    with pytest.raises(UserError, match="result: cannot be written: File exists"):
        write_text(tmp_path / "result", "text")
    assert (tmp_path / "victim").read_text() == "precious"
    lock = tmp_path / ".result.lock"
    lock.symlink_to("victim")
    with pytest.raises(UserError, match=r"\.result\.lock: is a symbolic link"), only_writer(tmp_path / "result"):
        pass
    assert (tmp_path / "victim").read_text() == "precious"


def test_one_writer_at_a_time(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from moldiff.files.atomic import only_writer\n"
        "with only_writer(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()\n"
    )
    final = tmp_path / "new" / "result"
    other = subprocess.Popen(
        [sys.executable, "-c", code, final], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(UserError, match="result: another process is making it"), only_writer(final):
        pass
    other.kill()
    other.wait()
    with only_writer(final):
        assert [path.name for path in final.parent.iterdir()] == [".result.lock"]
    assert list(final.parent.iterdir()) == []


def test_a_name_too_long_for_those_beside_it(tmp_path: Path):
    write_text(tmp_path / ("a" * 200), "text")
    for name in ("a" * 201, "é" * 101):
        with pytest.raises(UserError, match="longer than 200 bytes"):
            write_text(tmp_path / name, "text")


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
