"""The page in a real browser: it draws, says nothing on the console, and asks for nothing."""

import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from moldiff.config.report import ReportOptions
from moldiff.stages.compare import compare
from moldiff.stages.report import report
from tests.reporting.made_run import make_run

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --enable-logging=stderr --dump-dom"
)


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


def dump(browser: str, profile: Path, address: str) -> str:
    """The document after it was drawn; nothing may have been said on the console."""
    command = [browser, *FLAGS.split(), "--virtual-time-budget=20000", f"--user-data-dir={profile}", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not re.findall(r".*CONSOLE.*", done.stderr)
    assert "<img" not in done.stdout
    return done.stdout


@pytest.mark.slow
def test_it_draws_in_silence(browser: str, served: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = served
    shown = dump(browser, tmp_path / "profile", address)
    assert 'data-report="ready"' in shown
    assert re.search(r'id="detail-name"[^>]*>([^<]+)<', shown), "no molecule is shown"
    assert asked == ["/report.html"]


@pytest.mark.slow
def test_a_comparison_draws_in_silence(browser: str, served: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = served
    page = next(tmp_path.rglob("report.html"))
    folder = page.parent / "check"
    summary = json.loads((folder / "summary.json").read_text())
    counts = [1, 4, 9, 16, 9, 4, 1]
    summary["descriptors"] = {
        "qed": {
            "n": sum(counts),
            "mean": 0.3,
            "std": 0.1,
            "p10": 0.1,
            "p50": 0.3,
            "p90": 0.5,
            "histogram": {"low": 0, "width": 0.1, "counts": counts},
        }
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    compare([folder, folder], page.parent / "compared", names=["one", "other"])
    shown = dump(browser, tmp_path / "profile", address.replace("report.html", "compared/comparison.html"))
    assert "<svg" in shown
    assert asked == ["/compared/comparison.html"]
