"""The weights that come with moldiff: found by name, verified by checksum, each described by its model card."""

from pathlib import Path

from moldiff.errors import UserError
from moldiff.files.atomic import sha256

FOLDER = Path(__file__).parent / "weights"
"""NAME.safetensors and NAME.md (the model card) of each, and SHA256SUMS as `sha256sum` writes it."""


def names() -> list[str]:
    """Names of all shipped weights."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def weights_path(weights: str | Path) -> Path:
    """The file of a shipped name, or the path itself; a file of that name in the working folder comes first.

    Raises:
        UserError: the file of a shipped name is damaged, or a bare name is neither a file nor shipped.
    """
    path, name = Path(weights), str(weights)
    if path.is_file():
        return path
    if name in names():
        shipped = FOLDER / f"{name}.safetensors"
        if not is_whole(name):
            raise UserError(
                f"{shipped}: damaged, its checksum is not the one it was shipped with; install moldiff again"
            )
        return shipped
    if path.name == name and not path.suffix:
        raise UserError(
            f"{name}: no file and no shipped weights of that name; shipped are {', '.join(names())}, "
            "and `moldiff train` writes model.safetensors"
        )
    return path


def shipped_name(path: Path) -> str | None:
    """The name of shipped weights that this is the file of; None of any other file."""
    return path.stem if path.parent == FOLDER and path.stem in names() else None


def is_whole(name: str) -> bool:
    """Whether the file of shipped weights has the checksum that it was shipped with."""
    file = FOLDER / f"{name}.safetensors"
    return sha256(file) == checksums().get(file.name)


def has_reference(name: str) -> bool:
    """Whether the file is there that says what shipped weights learned from."""
    return (FOLDER / f"{name}.reference").is_file()


def reference_path(name: str) -> Path:
    """The file that says what shipped weights learned from (`moldiff.scoring.sets.compact`).

    Raises:
        UserError: there is none.
    """
    path = FOLDER / f"{name}.reference"
    if not has_reference(name):
        raise UserError(
            f"{name}: what these weights learned from does not ship with them; name the training set's file"
        )
    return path


def card(name: str) -> str:
    """The model card, Markdown.

    Raises:
        UserError: no weights of that name are shipped.
    """
    if name not in names():
        raise UserError(f"{name}: no shipped weights of that name; shipped are {', '.join(names())}")
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def summary(name: str) -> str:
    """What the weights are for: the first paragraph of the card after its title."""
    paragraphs = [part for part in card(name).split("\n\n") if not part.startswith("#")]
    return " ".join(paragraphs[0].split())


def checksums() -> dict[str, str]:
    """SHA-256 of each shipped file by its name."""
    lines = (FOLDER / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}
