"""The page in a real browser: it draws, says nothing on the console, and asks for nothing."""

import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from moldiff.config import ReportOptions
from moldiff.stages.report import report
from tests.reporting.made_run import make_run

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser found; install one of {', '.join(BROWSERS)} to test that the report draws")
    return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Address of the report on this machine, and the paths that were asked for."""
    folder = make_run(tmp_path)
    report(
        ReportOptions(), folder / "report.html", dataset=folder / "dataset", training=folder / "training",
        samples=[folder / "samples.sdf"], check=folder / "check",
    )  # fmt: skip
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))

        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/report.html", asked
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_it_draws_in_silence(browser: str, served: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = served
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --disable-dev-shm-usage --enable-logging=stderr --dump-dom"
    )
    place = f"--user-data-dir={tmp_path / 'profile'}"
    done = subprocess.run([browser, *flags.split(), place, address], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not re.findall(r".*CONSOLE.*", done.stderr)
    assert 'data-viewer="drawn"' in done.stdout
    name = re.search(r'id="viewer-name"[^>]*>([^<]+)<', done.stdout)
    assert name, "no structure is shown"
    assert "<img" not in done.stdout
    assert asked == ["/report.html"]
