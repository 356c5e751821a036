"""The code blocks of the documents, and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").glob("*.md")]
    if "log" not in path.parts and path.name != "CHANGELOG.md"
)
CARDS = [*sorted((ROOT / "moldiff/models/weights").glob("*.md")), ROOT / "config/README.md"]
"""Pages whose commands cannot be run here: how the weights that ship were trained, and YAML."""
SHELL = ("", "sh", "bash", "console")
_FENCE = re.compile(r"^```([a-z]*)[^\n]*\n(.*?)^```[ ]*$", re.M | re.S)


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of each fenced block."""
    return [(language, content) for language, content in _FENCE.findall(text)]


def lines(content: str) -> Iterator[list[str]]:
    """The words of each command of a shell block; what is not a command line, such as a table, is left out."""
    if content.startswith("#!"):
        return
    for line in content.replace("\\\n", " ").splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        if words:
            yield words


def mentioned(text: str) -> Iterator[list[str]]:
    """The words of each moldiff command in a sentence, after the program's name."""
    for command in re.findall(r"`(moldiff [^`]+)`", _FENCE.sub("", text)):
        yield [word for word in shlex.split(command)[1:] if word != "..."]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each moldiff command in the shell blocks of a document, after the program's name."""
    for language, content in blocks(text):
        if language in SHELL:
            for words in lines(content):
                if words[0].endswith("moldiff"):
                    yield words[1:]
