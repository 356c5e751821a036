"""The floors of the house: who may import whom, read from the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "moldiff"

# Folders and the few loose modules. A module imports from lower floors and from its own folder, from nothing else.
FLOORS = {
    "errors": 0,
    "seeds": 0,
    "version": 0,
    "config": 1,
    "files": 1,
    "parallel": 1,
    "progress": 1,
    "molecules": 2,
    "chemistry": 3,
    "dataset": 3,
    "diffusion": 3,
    "network": 3,
    "models": 4,
    "scoring": 4,
    "training": 4,
    "reporting": 5,
    "sampling": 5,
    "stages": 6,
    "api": 7,
    "cli": 7,
    "__main__": 8,
    "": 8,  # __init__.py, whose functions are imported only when they are asked for
}
HOMES = {
    "e3nn": {"network"},
    "rdkit": {"chemistry", "scoring", "reporting", "sampling", "stages", "api"},
    "posebusters": {"scoring"},
    "lightning_fabric": {"training"},
    "typer": {"cli"},
    "snakemake": set(),
}
WITHOUT_TORCH = ("config", "files", "chemistry", "scoring", "reporting", "cli")
WITHOUT_RDKIT = ("config", "files", "cli", "diffusion", "network", "dataset", "training")
LOOSE_MODULES = 6
"""Modules beside the folders, at most."""


def module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST, *, lazy: bool) -> Iterator[str]:
    """Dotted names that a module imports; with ``lazy`` also those inside functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        elif lazy or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from imports(node, lazy=lazy)


def read_package(package: Path) -> dict[str, ast.AST]:
    return {module_name(path, package): ast.parse(path.read_text(encoding="utf-8")) for path in package.rglob("*.py")}


def folder(name: str) -> str:
    """The folder of a module, or the loose module itself."""
    return name.split(".")[1] if "." in name else ""


def resolve(target: str, modules: dict[str, ast.AST]) -> str:
    """The module that an imported dotted name belongs to: the name itself or what it is an attribute of."""
    while target not in modules and "." in target:
        target = target.rpartition(".")[0]
    return target


def violations(modules: dict[str, ast.AST]) -> list[str]:
    found = []
    for name, tree in modules.items():
        for target in imports(tree, lazy=True):
            library, mine = target.partition(".")[0], folder(name)
            if mine not in HOMES.get(library, {mine}):
                found.append(f"{name} imports {library}")
            if library != "moldiff":
                continue
            theirs = folder(resolve(target, modules))
            if mine != theirs and FLOORS[theirs] >= FLOORS[mine]:
                found.append(f"{name} imports {target}")
    return found


def reachable(start: str, modules: dict[str, ast.AST]) -> set[str]:
    """Everything that importing ``start`` imports, by the source; the functions' own imports do not count."""
    seen: set[str] = set()
    pending = [start]
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in modules:
            continue
        pending.extend(name.rpartition(".")[0] for _ in [0] if "." in name)
        pending.extend(resolve(target, modules) for target in imports(modules[name], lazy=False))
    return {name.partition(".")[0] if not name.startswith("moldiff") else name for name in seen}


def test_imports_go_down_only():
    assert violations(read_package(PACKAGE)) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("moldiff.config.train", "import moldiff.molecules.batch"),
        ("moldiff.chemistry.arrays", "from moldiff.dataset import storage"),
        ("moldiff.chemistry.arrays", "def f():\n    from moldiff.network.layer import Layer"),
        ("moldiff.scoring.score", "from moldiff.reporting import page"),
        ("moldiff.diffusion.process", "from moldiff.stages.train import train"),
        ("moldiff.training.loop", "import e3nn.o3"),
        ("moldiff.network.layer", "from rdkit import Chem"),
        ("moldiff.stages.train", "import snakemake"),
    ],
)
def test_an_import_against_the_floors_is_found(module: str, source: str):
    modules = {**read_package(PACKAGE), module: ast.parse(source)}
    assert violations(modules) != []


@pytest.mark.parametrize("prefix", WITHOUT_TORCH)
def test_torch_is_not_reached(prefix: str):
    modules = read_package(PACKAGE)
    for name in modules:
        if folder(name) == prefix:
            assert {"torch", "torch_geometric", "e3nn", "lightning_fabric"}.isdisjoint(reachable(name, modules)), name


@pytest.mark.parametrize("prefix", WITHOUT_RDKIT)
def test_rdkit_is_not_reached(prefix: str):
    modules = read_package(PACKAGE)
    for name in modules:
        if folder(name) == prefix:
            assert "rdkit" not in reachable(name, modules), name


def test_a_reached_torch_is_found():
    modules = {**read_package(PACKAGE), "moldiff.errors": ast.parse("import torch")}
    assert "torch" in reachable("moldiff.cli.main", modules)


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import moldiff; dir(moldiff)", {"torch", "rdkit", "pydantic", "pandas", "numpy"}),
        ("import moldiff.cli.main", {"torch", "rdkit", "pandas", "numpy", "e3nn", "lightning_fabric", "snakemake"}),
        ("import moldiff.chemistry.formats.records, moldiff.chemistry.arrays", {"torch", "torch_geometric", "pandas"}),
        ("import moldiff.scoring.score", {"torch", "torch_geometric", "posebusters"}),
        ("import moldiff.stages.check", {"torch", "torch_geometric", "posebusters"}),
        ("import moldiff.stages.report", {"torch", "torch_geometric", "posebusters"}),
        ("import moldiff.stages.featurize", {"torch", "torch_geometric", "e3nn"}),
    ],
)
def test_what_an_import_really_loads(statement: str, absent: set[str]):
    code = f"import sys; {statement}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert absent.isdisjoint(loaded)


def test_files_are_small_and_named_for_what_they_do():
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "workflows").glob("*.smk")]:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 300, path
        assert path.stem not in {"utils", "common", "helpers", "misc"}, path
        assert "from __future__ import annotations" not in text, path


def test_few_modules_stand_beside_the_folders():
    assert len(list(PACKAGE.glob("*.py"))) - len({"__init__"}) <= LOOSE_MODULES


def test_every_folder_has_a_floor():
    assert {folder(name) for name in read_package(PACKAGE)} == set(FLOORS)


def test_no_pickle_is_read():
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"torch.load", "pickle.load", "pickle.loads"}:
                assert "weights_only=True" in ast.unparse(node), f"{path}:{node.lineno}"


INTERFACES = {"Protocol", "ABC", "Exception"}
"""What a class derives from that is an interface."""
SHARED = {"Options", "UserError"}
"""Classes of ours that are made to be derived from: pydantic's way to share a configuration, and a kind of error."""


def concrete_bases(trees: dict[str, ast.AST]) -> list[str]:
    """Classes that derive from a class of the same sources which is not an interface."""
    classes = {
        node.name: (where, [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases])
        for where, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    return [
        f"{where}: {name}({base})"
        for name, (where, bases) in classes.items()
        for base in bases
        if base in classes and base not in SHARED and INTERFACES.isdisjoint(classes[base][1])
    ]


def test_a_class_is_an_interface_or_finished_and_never_both():
    paths = [path for part in ("moldiff", "benchmarks", "tests", "data") for path in (ROOT / part).rglob("*.py")]
    assert concrete_bases({str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8")) for path in paths}) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A: pass\nclass B(A): pass", ["x: B(A)"]),
        ("class A(Protocol): pass\nclass B(A): pass", []),
        ("class A(abc.ABC): pass\nclass B(A): pass\nclass C(B): pass", ["x: C(B)"]),
        ("class A(nn.Module): pass\ndef f():\n    class B(m.A[int]): pass", ["x: B(A)"]),
    ],
)
def test_a_subclass_of_a_concrete_class_is_found(source: str, found: list[str]):
    assert concrete_bases({"x": ast.parse(source)}) == found
