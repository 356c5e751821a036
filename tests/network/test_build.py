"""One door: architectures are named in `moldiff.network.build` and nowhere else in the package."""

import ast
from pathlib import Path

import moldiff.network
from moldiff.config.network import NetworkOptions
from moldiff.network.build import BODIES, build_network
from tests import tiny

PACKAGE = Path(moldiff.network.__file__).parent.parent


def test_only_build_imports_a_body() -> None:
    bodies = {body.__module__ for body in BODIES.values()}
    importing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in bodies
    }
    assert importing == {"network/build.py"}


def test_every_kind_of_options_has_its_body() -> None:
    options = NetworkOptions(**tiny.NETWORK)
    network = build_network(options, tiny.VOCABULARY, tiny.SIGMA_DATA)
    assert isinstance(network.body, BODIES[options.kind])
    assert (network.body.atom_channels, network.body.pair_channels) == (16, 8)
    assert "16x0e+4x1o" in repr(network.body)
