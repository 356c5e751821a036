"""Processor time of the check's core tier for 1,000 records: `python benchmarks/check_cost.py FILE.sdf`.

`moldiff check` runs with one worker on the file and on its first record alone, which is the start-up that is left
out; user and system time of all processes count.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from moldiff.chemistry.formats.records import read_records


def seconds(path: str, folder: str) -> float:
    """Processor time of one check."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "moldiff", "check", path, "--workers", "1", "--out", f"{folder}/out"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    path = sys.argv[1]
    records = list(read_records([path]))
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first.sdf"
        first.write_text(records[0].text.rstrip("\n") + "\n$$$$\n", encoding="utf-8")
        start_up = seconds(str(first), folder)
        total = seconds(path, folder)
    each = 1000 * (total - start_up) / (len(records) - 1)
    print(f"{len(records)} records: {each:.1f} s for 1,000; start-up {start_up:.1f} s")


if __name__ == "__main__":
    main()
