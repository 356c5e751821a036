"""Ask the advisory database about what is installed: `python -m tests.audit PIP_AUDIT`, as `make audit` does.

Audited are the tested set (constraints.txt) and the lowest version of each dependency that pyproject.toml allows. Exit
status 1 where an advisory is known, 2 where the database could not be asked: then nothing is said about safety.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNREACHED = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|Failed to resolve|Max retries|ServiceError|HTTPError"
)


def main(program: str, root: Path = ROOT) -> int:
    """Audit both sets; returns the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        bounds = Path(folder) / "lowest.txt"
        bounds.write_text("\n".join(lowest((root / "pyproject.toml").read_text(encoding="utf-8"))) + "\n")
        found = [audit(program, root / "constraints.txt", "the tested set")]
        if found != [2]:
            found.append(audit(program, bounds, "the lower bounds"))
    return max(found)


def lowest(project: str) -> list[str]:
    """`NAME==VERSION` of each lower bound of a project's dependencies, those of its extras too."""
    content = tomllib.loads(project)["project"]
    extras = content.get("optional-dependencies", {}).values()
    named = (re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?>=([0-9][^,; ]*)", text)
             for text in (*content["dependencies"], *(text for extra in extras for text in extra)))  # fmt: skip
    return sorted({f"{match[1]}=={match[2]}" for match in named if match})


def audit(program: str, requirements: Path, what: str) -> int:
    """Ask about one set: 0 nothing is known, 1 an advisory is, 2 the database was not reached."""
    words = ["--vulnerability-service", "osv", "--strict", "--disable-pip", "--no-deps", "--requirement"]
    done = subprocess.run([program, *words, str(requirements)], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        print(f"{what}: no known advisory")
        return 0
    if UNREACHED.search(done.stderr):
        reason = done.stderr.strip().splitlines()[-1][:300]
        print(
            f"error: {what}: the advisory database cannot be asked, and nothing was audited; try again with a network "
            f"that reaches it ({reason})",
            file=sys.stderr,
        )
        return 2
    print(f"{what}:\n{done.stdout}{done.stderr}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
