"""The picture of the house is drawn from the code as it is."""

import importlib.util
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parent.parent.parent / "docs"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_architecture", DOCS / "draw_architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_current():
    assert (DOCS / "architecture.svg").read_text(encoding="utf-8") == script().drawing(), (
        "run python docs/draw_architecture.py"
    )


def test_every_folder_says_what_it_is_for():
    module = script()
    for names in module.floors().values():
        for name in names:
            assert module.purpose(name), name
