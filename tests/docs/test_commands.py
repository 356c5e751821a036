"""Every moldiff command that the documents show exists, with the flags that they show."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from moldiff.cli.main import app
from tests.docs.__main__ import elsewhere, smaller
from tests.docs.blocks import CARDS, DOCUMENTS, ROOT, SHELL, blocks, commands, lines, mentioned


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


@pytest.mark.parametrize("path", [*DOCUMENTS, *CARDS], ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_exist(path: Path):
    text = path.read_text(encoding="utf-8")
    found = [fault for words in [*commands(text), *mentioned(text)] for fault in faults(words)]
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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_is_run_by_the_script_or_elsewhere(path: Path):
    """`python -m tests.docs` runs moldiff's own; every other one has a place that runs it."""
    for language, content in blocks(path.read_text(encoding="utf-8")):
        for words in lines(content) if language in SHELL else ():
            if words[0] == "moldiff" and not elsewhere(words):
                assert faults(smaller(words[1:])) == []
            else:
                assert words[0] == "cd" or elsewhere(words), f"nothing runs {' '.join(words)}"


def test_commands_in_sentences_are_found():
    assert list(mentioned("run `moldiff sample leads ...`\n```\n`moldiff no`\n```\n")) == [["sample", "leads"]]


def test_blocks_after_python_are_found():
    text = "```python\nimport moldiff\n```\n\ntext\n\n```bash\nmoldiff sample leads -n 3\n```\n"
    assert list(commands(text)) == [["sample", "leads", "-n", "3"]]
