"""Every moldiff command that the documents show exists, with the flags that they show."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from moldiff.cli.main import app

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").glob("*.md")]
    if "log" not in path.parts and path.name != "CHANGELOG.md"
)
_BLOCK = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```", re.M | re.S)


def commands(text: str) -> Iterator[list[str]]:
    """The words of each moldiff command in the code blocks of a document, after the program's name."""
    for block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split(";"):
                try:
                    words = shlex.split(part, comments=True)
                except ValueError:
                    continue
                if words and words[0].endswith("moldiff") and not words[0].startswith("-"):
                    yield words[1:]


def faults(words: list[str]) -> list[str]:
    """What of a command does not exist."""
    command: Any = typer.main.get_command(app)
    # flags of moldiff itself come before the command's name
    while words and hasattr(command, "commands"):
        name = words[0]
        if name.startswith("-"):
            words = words[2:] if name == "--log" else words[1:]
            continue
        if name not in command.commands:
            return [f"no command {name}"]
        command, words = command.commands[name], words[1:]
    known = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help",
        "-h",
    }
    if command.context_settings.get("ignore_unknown_options"):
        return []
    return [
        f"{command.name} has no flag {word}"
        for word in words
        if re.match(r"--?[a-zA-Z]", word) and word.split("=")[0] not in known
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_exist(path: Path):
    found = [fault for words in commands(path.read_text(encoding="utf-8")) for fault in faults(words)]
    assert found == []


def test_a_command_that_does_not_exist_is_found():
    lines = (
        "moldiff sampel drugs",
        "moldiff sample --weigths drugs -n 3",
        "moldiff sample --weights drugs -n 3  # fine",
    )
    text = "\n".join(["```sh", *lines, "```", ""])
    assert [faults(words) for words in commands(text)] == [["no command sampel"], ["sample has no flag --weigths"], []]


def test_documents_show_commands():
    assert sum(1 for path in DOCUMENTS for _ in commands(path.read_text(encoding="utf-8"))) > 20
