"""The command line, told to stop."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_no_temporary_file(tmp_path: Path, number: signal.Signals):
    code = (
        "import sys, time, types\n"
        "from pathlib import Path\n"
        "import moldiff.stages\n"
        "from moldiff.files.atomic import atomic_path\n"
        "def sample(options, weights, out, **_):\n"
        "    with atomic_path(out) as temporary:\n"
        "        temporary.write_text('half'); print('ready', flush=True)\n"
        "        for _ in range(3000): time.sleep(0.01)\n"  # one long sleep misses a signal just before it
        "fake = types.ModuleType('moldiff.stages.sample'); fake.sample = sample\n"
        "sys.modules[fake.__name__] = moldiff.stages.sample = fake\n"
        "sys.argv = ['moldiff', 'sample', 'weights', '--out', 'out/x.sdf']\n"
        "from moldiff.cli.main import main\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    assert list((tmp_path / "out").iterdir()) == []
